//! `serve`: the app behind HTTP, until it is told to stop.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use eventmodel_http::{serve, shutdown_signal};
use tokio::net::TcpListener;

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
    fn port(&self) -> Result<u16, String> {
        match (self.port, std::env::var("PORT")) {
            (Some(port), _) => Ok(port),
            (None, Ok(text)) => text.parse().map_err(|_| {
                format!(
                    "the environment variable PORT is `{text}`: it must be a number from 0 to 65535"
                )
            }),
            (None, Err(_)) => Ok(DEFAULT_PORT),
        }
    }
}

pub(super) async fn run(options: ServeOptions) -> Ending {
    let port = options.port()?;
    let host = options.host.as_deref().unwrap_or("127.0.0.1");
    // Before anything starts: a port that is taken is the most likely mistake.
    let listener = TcpListener::bind((host, port)).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} of {host} is in use by another program: choose another with --port, or --port 0 for any that is free"
        ),
        _ => format!("cannot listen on port {port} of {host}: {error}"),
    })?;
    let app = start().await?;
    say(welcome::text(&url(listener.local_addr()?)));
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
