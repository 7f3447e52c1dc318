//! HTTP and NATS: where the hotel listens, and how it stops.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use eventmodel::NotDrained;
use eventmodel_http::{Http, serve, shutdown_signal};
use eventmodel_nats::{NatsCommands, ServeError, ServedCommands};
use futures_util::future::OptionFuture;
use tokio::net::TcpListener;

use super::store::{Opened, StoreChoice};
use super::welcome;

/// Why the hotel cannot be reached, or did not stop in good order.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error(
        "port {port} of {host} is in use by another program: choose another with --port, or --port 0 for any that is free"
    )]
    InUse { host: String, port: u16 },
    #[error("cannot listen on port {port} of {host}")]
    Listen {
        host: String,
        port: u16,
        source: io::Error,
    },
    #[error("commands cannot be taken over NATS")]
    Nats(#[from] ServeError),
    #[error("the hotel has stopped, but not in good order")]
    Drain(#[from] NotDrained),
}

/// Takes the port.
pub(crate) async fn listen(host: &str, port: u16) -> Result<TcpListener, HttpError> {
    TcpListener::bind((host, port)).await.map_err(|source| {
        let host = host.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => HttpError::InUse { host, port },
            _ => HttpError::Listen { host, port, source },
        }
    })
}

/// Serves the hotel until Ctrl-C or SIGTERM, and says what can be done with it.
pub(crate) async fn run(
    listener: TcpListener,
    Opened { app, nats }: Opened,
    store: &StoreChoice,
) -> Result<(), HttpError> {
    let commands = match &nats {
        Some(store) => Some(NatsCommands::new(app.clone()).serve(store).await?),
        None => None,
    };
    if let Ok(address) = listener.local_addr() {
        say(&welcome::text(&url(address), store));
    }
    let http = Http::new(app.clone());
    // A real house puts the back office behind a login, or on a port of its own.
    let router = http.router().nest("/admin", http.admin());
    let stop = async {
        shutdown_signal().await;
        say("Closing: no new requests are taken, and what was begun is finished.");
        if let Some(Err(error)) = OptionFuture::from(commands.map(ServedCommands::stop)).await {
            say(&format!("Commands over NATS: {error}"));
        }
    };
    serve(listener, router, app, stop).await?;
    say("Closed: everything that was accepted has been handled.");
    Ok(())
}

/// Where a program on this machine finds it.
fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// Prints a line. Whether anybody reads it makes no difference to the hotel.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hotel_that_listens_everywhere_is_found_on_this_machine() {
        let found = |address: &str| url(address.parse().unwrap());
        assert_eq!(found("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(found("[::]:3000"), "http://[::1]:3000");
        assert_eq!(found("192.0.2.1:3000"), "http://192.0.2.1:3000");
    }
}
