//! A hotel that listens on a port of its own.

use std::net::SocketAddr;

use eventmodel::{App, AppOptions, MemoryStore, NotDrained, Store};
use eventmodel_http::Http;
use hotel_booking::{ROOMS, create_rooms, hotel_booking};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::{self, Answer, Watch};

pub(crate) struct Hotel {
    pub(crate) app: App,
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), NotDrained>>,
}

impl Hotel {
    /// With its rooms, and its back office under `/admin`.
    pub(crate) async fn open() -> Self {
        Self::open_on(MemoryStore::new(), AppOptions::new()).await
    }

    /// As [`open`](Self::open), with its books in this store.
    pub(crate) async fn open_on(store: impl Store, options: AppOptions) -> Self {
        let app = hotel_booking().start_with(store, options).await.unwrap();
        create_rooms(&app, ROOMS).await.unwrap();
        let http = Http::new(app.clone());
        let router = http.router().nest("/admin", http.admin());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            let _ = stopped.await;
        };
        let server = tokio::spawn(eventmodel_http::serve(
            listener,
            router,
            app.clone(),
            stopped,
        ));
        Self {
            app,
            address,
            stop,
            server,
        }
    }

    pub(crate) async fn put(&self, command: &str, body: &str) -> Answer {
        client::put(self.address, command, body, "").await
    }

    pub(crate) async fn put_with(&self, command: &str, body: &str, headers: &str) -> Answer {
        client::put(self.address, command, body, headers).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        client::get(self.address, path).await
    }

    pub(crate) async fn watch(&self, path: &str) -> Watch {
        Watch::open(self.address, path).await
    }

    /// Stops it in good order; live views have ended then.
    pub(crate) async fn close(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap().unwrap();
    }
}
