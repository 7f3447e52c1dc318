//! A client that sends exactly the bytes that it is given, as a user's tool does.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// An answer. Its body as JSON, or as a text if it is none.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Answer {
    /// A header, which must be there.
    pub fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map_or_else(|| panic!("no header {name}: {self:?}"), |(_, value)| value)
    }
}

/// `PUT /mutation/<command>`, with more headers, each with its line end.
pub async fn put(address: SocketAddr, command: &str, body: &str, headers: &str) -> Answer {
    request(
        address,
        "PUT",
        &format!("/mutation/{command}"),
        body,
        headers,
    )
    .await
}

/// A request with a body as curl sends it, with more headers, each with its line end.
pub async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    headers: &str,
) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
    );
    send(address, request.as_bytes()).await
}

/// `GET` of a path.
pub async fn get(address: SocketAddr, path: &str) -> Answer {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    send(address, request.as_bytes()).await
}

/// Sends these bytes, and reads the answer.
pub async fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("not an answer: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or_else(|| panic!("no status: {head}")),
        head: head.to_owned(),
        body: match body {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        },
    }
}

/// A live view: server-sent events.
pub struct Watch(BufReader<TcpStream>);

impl Watch {
    pub async fn open(address: SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut watch = Self(BufReader::new(stream));
        let status = watch.line().await;
        assert!(status.starts_with("HTTP/1.1 200"), "{status}");
        watch
    }

    /// The data of the next event.
    pub async fn next(&mut self) -> Value {
        loop {
            let line = self.line().await;
            if let Some(data) = line.strip_prefix("data:") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).await.unwrap();
        assert!(read > 0, "the live view has ended");
        line
    }
}
