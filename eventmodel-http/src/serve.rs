//! A server that stops in good order: first the requests, then the app.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use eventmodel::{App, NotDrained};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::request::host;

/// In the extensions of every request that [`Server`] takes: cancelled when it stops.
#[derive(Clone, Debug)]
pub(crate) struct Closing(pub(crate) CancellationToken);

/// Serves the router until `stop`, then shuts the app down: a [`Server`] with the defaults.
///
/// ```no_run
/// # async fn example(app: eventmodel::App) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// let router = eventmodel_http::router(app.clone());
/// eventmodel_http::serve(listener, router, app, eventmodel_http::shutdown_signal()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Server::run`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    app: App,
    stop: impl Future<Output = ()>,
) -> Result<(), NotDrained> {
    Server::new(router, app).run(listener, stop).await
}

/// Serves a router over HTTP/1.1. Handlers can ask for `ConnectInfo<SocketAddr>`.
///
/// When it is to stop it takes no more connections, ends live views, lets the requests that run end, and then shuts
/// the app down. Use `axum::serve` if you need something else, with [`Http::end_watches`](crate::Http::end_watches); it
/// has none of the limits below.
///
/// No client holds more than its connection: one that sends nothing, or takes nothing of what it is sent, is cut off,
/// and there are never more connections than allowed.
///
/// ```no_run
/// # async fn example(app: eventmodel::App) -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// eventmodel_http::Server::new(eventmodel_http::router(app.clone()), app)
///     .max_connections(500)
///     .write_timeout(Duration::from_secs(10))
///     .run(listener, eventmodel_http::shutdown_signal())
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    router: Router,
    app: App,
    drain_within: Duration,
    header_timeout: Duration,
    write_timeout: Duration,
    max_connections: usize,
    hosts: Option<Arc<[String]>>,
}

impl Server {
    /// The names that programs on the same machine reach it by.
    pub const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

    /// A server of this router, whose requests end up in this app.
    pub fn new(router: Router, app: App) -> Self {
        Self {
            router,
            app,
            drain_within: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_connections: 4096,
            hosts: None,
        }
    }

    /// How long requests that run may take to end when the server stops. What has not ended then is cut off;
    /// commands are executed to their end all the same. *Default:* 10 seconds.
    #[must_use]
    pub fn drain_within(mut self, wait: Duration) -> Self {
        self.drain_within = wait;
        self
    }

    /// How long the head of a request may take to arrive, and how long a connection may be idle. *Default:* 30
    /// seconds.
    #[must_use]
    pub fn header_timeout(mut self, wait: Duration) -> Self {
        self.header_timeout = wait;
        self
    }

    /// How long a client may take nothing of what is written to it: an answer, a live view. Then its connection is cut
    /// off. *Default:* 30 seconds.
    #[must_use]
    pub fn write_timeout(mut self, wait: Duration) -> Self {
        self.write_timeout = wait;
        self
    }

    /// How many connections are served at the same time, at least 1. While there are so many, the server takes no more:
    /// the next ones wait in the backlog of the listener until one ends. Let it exceed
    /// [`Http::max_watchers`](crate::Http::max_watchers), so that live views leave room for requests. *Default:*
    /// 4,096.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// The hosts that this program is reached as, without ports; a request for another one is a 421. So no page of another
    /// site can ask here by a name of its own that leads to this machine (DNS rebinding). An empty list takes any.
    /// *Default:* [`LOOPBACK`](Self::LOOPBACK) where the listener is reached from this machine only, else any. A proxy on
    /// this machine that passes on the `Host` of its clients needs theirs here.
    ///
    /// ```
    /// # fn server(router: axum::Router, app: eventmodel::App) -> eventmodel_http::Server {
    /// use eventmodel_http::Server;
    ///
    /// let hosts = Server::LOOPBACK.into_iter().chain(["hotel.example"]);
    /// Server::new(router, app).hosts(hosts)
    /// # }
    /// ```
    #[must_use]
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        let hosts = hosts
            .into_iter()
            .map(|host| host.into().to_ascii_lowercase());
        self.hosts = Some(hosts.collect());
        self
    }

    /// Serves until `stop`.
    ///
    /// # Errors
    /// [`NotDrained`] if the app had to stop before everything was handled, as [`App::shutdown`] says.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), NotDrained> {
        let is_local = |address: SocketAddr| address.ip().is_loopback();
        let hosts = match &self.hosts {
            Some(hosts) => hosts.clone(),
            None if listener.local_addr().is_ok_and(is_local) => {
                Self::LOOPBACK.map(str::to_owned).into()
            }
            None => Arc::default(),
        };
        let closing = CancellationToken::new();
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if connections.len() < self.max_connections => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(self.connection(stream, peer, &closing, &hosts));
                        if connections.len() == self.max_connections {
                            let connections = self.max_connections;
                            eventmodel::__limited!(WARN, "no more connections are taken until one ends", connections);
                        }
                    }
                    Err(error) => pause(&error).await,
                },
            }
        }
        drop(listener);
        closing.cancel();
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.drain_within, ended)
            .await
            .is_err()
        {
            tracing::warn!(
                connections = connections.len(),
                "connections that did not end in time were cut off"
            );
            connections.shutdown().await;
        }
        self.app.shutdown().await
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        closing: &CancellationToken,
        hosts: &Arc<[String]>,
    ) -> impl Future<Output = ()> + use<> {
        let (router, closing, header_timeout) =
            (self.router.clone(), closing.clone(), self.header_timeout);
        let (app, hosts) = (self.app.clone(), hosts.clone());
        // An answer is written at once; waiting to fill a packet only delays it.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.write_timeout));
        async move {
            let requests = Closing(closing.clone());
            let service =
                hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
                    request.extensions_mut().insert(ConnectInfo(peer));
                    request.extensions_mut().insert(requests.clone());
                    let checked = host::check(&request, &hosts);
                    let checked =
                        checked.inspect_err(|problem| app.count_refused(problem.document()));
                    let answer = checked.map(|()| router.clone().call(request));
                    async move {
                        match answer {
                            Ok(answer) => answer.await,
                            Err(problem) => Ok::<Response, Infallible>(problem.into_response()),
                        }
                    }
                });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(header_timeout)
                .serve_connection(TokioIo::new(Box::pin(stream)), service)
                .with_upgrades();
            let mut served = pin!(served);
            let ended = tokio::select! {
                ended = served.as_mut() => ended,
                () = closing.cancelled() => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection broke");
            }
        }
    }
}

/// A connection that broke before it was accepted is no trouble; without free file descriptors there is nothing to
/// do but wait until some connection ends.
async fn pause(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        eventmodel::__limited!(ERROR, "a connection cannot be accepted", %error);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Ends when the process is asked to stop: Ctrl-C, or SIGTERM.
///
/// If the system does not let it listen for one of them, it says so in the log and never ends because of it.
pub async fn shutdown_signal() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C is not heard");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "SIGTERM is not heard");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
