//! What a server says of itself: in its first line, and at its monitoring port. Neither needs a login.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A server that is stopped accepts and never answers.
const ANSWER: Duration = Duration::from_secs(2);

/// The version, from the line that greets a client.
pub(crate) async fn greeting(port: u16) -> Result<String, String> {
    bounded(async {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        let info = line.strip_prefix("INFO ").unwrap_or_default();
        let info: Value = serde_json::from_str(info)?;
        Ok(info["version"].as_str().unwrap_or_default().to_owned())
    })
    .await
}

/// Whether JetStream runs and everything on this server is caught up; else what it is waiting for.
pub(crate) async fn healthy(port: u16) -> Result<(), String> {
    let body = get(port, "/healthz").await?;
    match body["status"].as_str() {
        Some("ok") => Ok(()),
        _ => Err(body.to_string()),
    }
}

/// What JetStream holds on this server.
pub(crate) async fn jetstream(port: u16) -> Result<Value, String> {
    get(port, "/jsz?accounts=true&streams=true").await
}

async fn get(port: u16, path: &str) -> Result<Value, String> {
    bounded(async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        // 1.0: the answer ends with the connection.
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(serde_json::from_str(body)?)
    })
    .await
}

async fn bounded<T>(answer: impl Future<Output = Result<T, std::io::Error>>) -> Result<T, String> {
    match timeout(ANSWER, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer".into()),
    }
}
