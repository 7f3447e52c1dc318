//! An app behind HTTP, on a port of its own.

use std::net::SocketAddr;

use axum::Router;
use eventmodel::{App, NotDrained};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{self, Answer, Watch};

pub struct Served {
    pub app: App,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Result<(), NotDrained>>,
}

impl Served {
    pub async fn open(app: App, router: Router) -> Self {
        Self::by(app.clone(), |listener, stopped| {
            eventmodel_http::serve(listener, router, app, stopped)
        })
        .await
    }

    /// By a server that runs until it is told to stop.
    pub async fn by<S>(
        app: App,
        server: impl FnOnce(TcpListener, BoxFuture<'static, ()>) -> S,
    ) -> Self
    where
        S: Future<Output = Result<(), NotDrained>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = stopped.map(|_| ()).boxed();
        Self {
            app,
            address,
            stop: Some(stop),
            server: tokio::spawn(server(listener, stopped)),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn get(&self, path: &str) -> Answer {
        client::get(self.address, path).await
    }

    pub async fn put(&self, command: &str, body: &str) -> Answer {
        client::put(self.address, command, body, "").await
    }

    pub async fn put_with(&self, command: &str, body: &str, headers: &str) -> Answer {
        client::put(self.address, command, body, headers).await
    }

    pub async fn watch(&self, path: &str) -> Watch {
        Watch::open(self.address, path).await
    }

    pub async fn post(&self, path: &str, body: &str, headers: &str) -> Answer {
        client::request(self.address, "POST", path, body, headers).await
    }

    /// Asks the server to stop.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) -> Result<(), NotDrained> {
        self.server.await.unwrap()
    }

    /// Stops it in good order.
    pub async fn close(mut self) {
        self.stop();
        self.stopped().await.unwrap();
    }
}
