//! `serve`: the app behind HTTP, until it is told to stop.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use eventmodel_http::{serve, shutdown_signal};
use tokio::net::TcpListener;

use super::error::CliError;
use super::{Ending, say, start, welcome};
use crate::adapter::http;

#[derive(Args, Debug)]
pub(super) struct ServeOptions {
    /// The port to listen on; 0 takes any that is free. Else that of the environment variable PORT, else 3000.
    // Not `env` of clap: it takes a variable for an argument, and an argument is in conflict with a subcommand.
    #[arg(long)]
    port: Option<u16>,

    /// The name or the address of this machine to listen on; 0.0.0.0 is all of them.
    #[arg(long)]
    host: Option<String>,
}

const DEFAULT_PORT: u16 = 3000;

impl ServeOptions {
    fn port(&self) -> Result<u16, CliError> {
        match (self.port, std::env::var_os("PORT")) {
            (Some(port), _) => Ok(port),
            (None, None) => Ok(DEFAULT_PORT),
            (None, Some(text)) => {
                let text = text.to_string_lossy();
                text.parse().map_err(|_| CliError::Port {
                    text: text.into_owned(),
                })
            }
        }
    }
}

pub(super) async fn run(options: ServeOptions) -> Ending {
    let port = options.port()?;
    let host = options.host.unwrap_or_else(|| "127.0.0.1".to_owned());
    let listened = TcpListener::bind((&*host, port)).await;
    // Before anything starts: a port that is taken is the most likely mistake.
    let (listener, address) = listened
        .and_then(|listener| listener.local_addr().map(|address| (listener, address)))
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => CliError::InUse { host, port },
            _ => CliError::Listen { host, port, error },
        })?;
    let app = start().await?;
    say(welcome::text(&url(address)));
    let stop = async {
        shutdown_signal().await;
        say("Stopping: no new requests are taken, and what was begun is finished.");
    };
    serve(listener, http::router(app.clone()), app, stop).await?;
    say("Stopped: everything that was accepted has been handled.");
    Ok(ExitCode::SUCCESS)
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
