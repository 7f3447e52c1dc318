//! An app behind HTTP, on a port of its own.

use std::net::SocketAddr;

use axum::Router;
use eventmodel::{App, NotDrained};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{self, Answer, Watch};

pub(crate) struct Served {
    pub(crate) app: App,
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), NotDrained>>,
}

impl Served {
    pub(crate) async fn open(app: App, router: Router) -> Self {
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

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        client::get(self.address, path).await
    }

    pub(crate) async fn put(&self, command: &str, body: &str) -> Answer {
        client::put(self.address, command, body, "").await
    }

    pub(crate) async fn put_with(&self, command: &str, body: &str, headers: &str) -> Answer {
        client::put(self.address, command, body, headers).await
    }

    pub(crate) async fn watch(&self, path: &str) -> Watch {
        Watch::open(self.address, path).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str, headers: &str) -> Answer {
        client::request(self.address, "POST", path, body, headers).await
    }

    /// Stops it in good order.
    pub(crate) async fn close(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap().unwrap();
    }
}
