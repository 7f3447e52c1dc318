//! A server on a port of its own, and a client that sends what it is told, byte for byte.

use std::ops::Deref;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use eventmodel::record::Cursor;
use eventmodel::{AppOptions, MemoryStore, NotDrained, Store};
use eventmodel_http::{Http, Server};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use support::served::Served;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::model::{BonusBot, bank};

pub(crate) struct Bank {
    served: Served,
    client: Client<HttpConnector, Body>,
}

impl Deref for Bank {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

impl Bank {
    /// A bank that nobody has an account at.
    pub(crate) async fn open() -> Self {
        Self::with(|http| http.router().merge(http.admin())).await
    }

    pub(crate) async fn with(router: impl FnOnce(Http) -> Router) -> Self {
        Self::on(MemoryStore::new(), BonusBot::default(), router).await
    }

    pub(crate) async fn on(
        store: impl Store,
        bot: BonusBot,
        router: impl FnOnce(Http) -> Router,
    ) -> Self {
        Self::served(store, bot, router, |server| server).await
    }

    pub(crate) async fn served(
        store: impl Store,
        bot: BonusBot,
        router: impl FnOnce(Http) -> Router,
        server: impl FnOnce(Server) -> Server,
    ) -> Self {
        let options = AppOptions::new()
            .automation_attempts(1)
            .resolve_within(Duration::ZERO);
        let app = bank(bot).start_with(store, options).await.unwrap();
        let router = router(Http::new(app.clone()));
        let server = server(Server::new(router, app.clone()));
        Self {
            served: Served::by(app, |listener, stopped| server.run(listener, stopped)).await,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Sends a request, and does not wait for the body of the answer.
    pub(crate) async fn begin(&self, request: Request<Body>) -> Response<Incoming> {
        self.try_begin(request).await.unwrap()
    }

    /// Sends a request that may break off.
    pub(crate) async fn try_begin(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Error> {
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("http://{}{}", self.address, parts.uri)
            .parse()
            .unwrap();
        self.client.request(Request::from_parts(parts, body)).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.begin(request).await.into_parts();
        let body = soon(to_bytes(Body::new(body), usize::MAX)).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request(Method::GET, path, headers, Body::empty()))
            .await
    }

    /// Sends a command.
    pub(crate) async fn put(&self, command: &str, data: Value) -> Answer {
        self.put_with(command, data, &[]).await
    }

    pub(crate) async fn put_with(
        &self,
        command: &str,
        data: Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.put_raw(command, json!({ "data": data }).to_string(), headers)
            .await
    }

    pub(crate) async fn put_raw(
        &self,
        command: &str,
        body: impl Into<Body>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send(request(
            Method::PUT,
            &format!("/mutation/{command}"),
            &all,
            body.into(),
        ))
        .await
    }

    /// A connection to write to by hand.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Writes these bytes, and reads what is answered until the connection is closed.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut connection = self.connect().await;
        connection.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        soon(connection.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks the server to stop.
    pub(crate) fn stop(&mut self) {
        self.served.stop();
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) -> Result<(), NotDrained> {
        soon(self.served.stopped()).await
    }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    request.body(body).unwrap()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The revision in the `ETag`.
    #[track_caller]
    pub(crate) fn revision(&self) -> u64 {
        let tag = self.header("etag").trim_matches('"');
        tag.parse::<Cursor>().unwrap().position().get()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("no `{name}` in {self:?}"))
            .to_str()
            .unwrap()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// A problem document of this type.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, ty: &str) -> Value {
        let this = self.expect(status);
        assert_eq!(this.header("content-type"), "application/problem+json");
        let problem = this.json();
        assert_eq!(problem["type"], format!("/problems/{ty}"), "{problem}");
        assert_eq!(problem["status"], status);
        assert!(
            problem["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty())
        );
        problem
    }
}

/// What must end by itself, so that a test which finds out that it does not fails instead of hanging.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(Duration::from_secs(12), future).await;
    waited.expect("it takes too long")
}

/// A text as a part of an address, with every byte encoded.
pub(crate) fn encoded(text: &str) -> String {
    let hex = |encoded, byte| format!("{encoded}%{byte:02X}");
    text.bytes().fold(String::new(), hex)
}
