//! A running server as the target: its own HTTP interface, over connections that are kept.
//!
//! Every request can be sent again without harm, because its command has an id, so what gave no answer is sent again:
//! a server that restarts, or is busy, makes a run slower and does not break it.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::target::{Answer, OTHER_DATA, TargetError, validation_id};
use crate::command::RegisterDevice;
use crate::model::device::DeviceId;
use crate::projection::FleetOverview;

/// With the waits between them: eleven seconds in which a server can come back.
const ATTEMPTS: u32 = 8;
/// How long it is waited before the second attempt; each further wait is twice as long, up to `LONGEST_WAIT`.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// A running server.
#[derive(Clone, Debug)]
pub struct Server {
    base: String,
    /// How often a request is sent before it is given up.
    attempts: u32,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A text that is not the address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{url}` is not the address of a server: write it as `http://127.0.0.1:3000`, https is not spoken"
)]
pub struct UrlError {
    url: String,
}

impl Server {
    /// The server at this address: `http://127.0.0.1:3000`. It is not asked yet.
    ///
    /// # Errors
    /// [`UrlError`] if it is not `http://` with a host, or has more than a path.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        let error = || UrlError {
            url: url.to_owned(),
        };
        let uri: Uri = url.parse().map_err(|_| error())?;
        if uri.scheme_str() != Some("http")
            || uri.host().is_none_or(str::is_empty)
            || uri.query().is_some()
            || uri
                .authority()
                .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(error());
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self {
            base: url.trim_end_matches('/').to_owned(),
            attempts: ATTEMPTS,
            client,
        })
    }

    /// Asks once whether it is there, and a device server. In a run it is asked with more patience.
    ///
    /// # Errors
    /// [`TargetError`] if it does not answer as one.
    pub async fn check(&self) -> Result<(), TargetError> {
        let impatient = Self {
            attempts: 1,
            ..self.clone()
        };
        impatient.fleet().await.map(|_| ())
    }

    pub(super) async fn fleet(&self) -> Result<FleetOverview, TargetError> {
        let (status, body) = self.send(Method::GET, "/fleet", None, None).await?;
        match status {
            StatusCode::OK => self.read(&body),
            status => Err(self.unexpected(status, &body)),
        }
    }

    pub(super) async fn register(&self, device: &RegisterDevice) -> Result<Answer, TargetError> {
        self.command(Method::POST, "/devices", json!(device), None)
            .await
    }

    pub(super) async fn validate(&self, device: &DeviceId) -> Result<Answer, TargetError> {
        let body = json!({"data": {"deviceId": device}});
        let key = validation_id(device);
        self.command(Method::PUT, "/mutation/validate-device", body, Some(&key))
            .await
    }

    async fn command(
        &self,
        method: Method,
        path: &str,
        body: Value,
        key: Option<&str>,
    ) -> Result<Answer, TargetError> {
        let (status, answer) = self.send(method, path, Some(body), key).await?;
        if status.is_success() {
            let receipt: Receipt = self.read(&answer)?;
            let failed = receipt
                .events
                .into_iter()
                .find(|event| event.event_type == "DeviceValidationFailed");
            return Ok(Answer::Receipt {
                already_committed: receipt.already_committed,
                validation_failed: failed.map(|event| event.data.reason.unwrap_or_default()),
            });
        }
        match status {
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                let problem: Problem = self.read(&answer)?;
                Ok(Answer::Refusal {
                    message: problem.in_words(),
                    code: problem.code,
                })
            }
            status => Err(self.unexpected(status, &answer)),
        }
    }

    /// Sends a request until there is an answer that is worth reading.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> Result<(StatusCode, Bytes), TargetError> {
        let url = format!("{}{path}", self.base);
        let body = Bytes::from(body.map(|body| body.to_string()).unwrap_or_default());
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(&url)
                .header(ACCEPT, "application/json")
                .header(CONTENT_TYPE, "application/json");
            if let Some(key) = key {
                request = request.header("idempotency-key", format!("\"{key}\""));
            }
            let request = request
                .body(Full::new(body.clone()))
                .map_err(|error| TargetError(format!("{url}: {error}")))?;
            let failed = match tokio::time::timeout(ANSWER_WITHIN, self.once(request)).await {
                Ok(Ok((status, _, answer))) if !is_worth_another_try(status, &answer) => {
                    return Ok((status, answer));
                }
                Ok(Ok((status, retry_after, answer))) => {
                    wait = retry_after.unwrap_or(wait);
                    self.unexpected(status, &answer).0
                }
                Ok(Err(error)) => format!("{url}: {error}"),
                Err(_) => format!("{url}: no answer within {} s", ANSWER_WITHIN.as_secs()),
            };
            if attempt == self.attempts {
                return Err(TargetError(match attempt {
                    1 => failed,
                    _ => format!("{failed} (tried {attempt} times)"),
                }));
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            attempt += 1;
        }
    }

    async fn once(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Option<Duration>, Bytes), Box<dyn std::error::Error + Send + Sync>>
    {
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| innermost(&error))?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| {
            let seconds = value.to_str().ok()?.parse().ok()?;
            Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
        });
        let body = Limited::new(response.into_body(), MAX_ANSWER)
            .collect()
            .await?;
        Ok((status, retry_after, body.to_bytes()))
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, TargetError> {
        serde_json::from_slice(body).map_err(|error| {
            TargetError(format!(
                "{}: the answer is not that of a device server: {error}",
                self.base
            ))
        })
    }

    fn unexpected(&self, status: StatusCode, body: &[u8]) -> TargetError {
        let detail = match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => problem.in_words(),
            Err(_) => "is a device server running there?".to_owned(),
        };
        TargetError(format!("{} answered {status}: {detail}", self.base))
    }
}

/// The error of a client says only that it failed; why is what it wraps.
fn innermost(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => innermost(source),
        None => error.to_string(),
    }
}

/// Whether the same request may be answered otherwise in a moment.
fn is_worth_another_try(status: StatusCode, answer: &[u8]) -> bool {
    match status {
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => true,
        // Others wrote first, in contrast to a rule that is against it.
        StatusCode::CONFLICT => {
            serde_json::from_slice(answer).is_ok_and(|problem: Problem| problem.code == "conflict")
        }
        _ => false,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    already_committed: bool,
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    event_type: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    reason: Option<String>,
}

/// A problem of RFC 9457, with what this server adds.
#[derive(Deserialize)]
struct Problem {
    title: String,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    errors: Vec<FieldError>,
}

#[derive(Deserialize)]
struct FieldError {
    pointer: String,
    detail: String,
}

impl Problem {
    fn in_words(&self) -> String {
        if self.code == "id-reused" {
            return OTHER_DATA.to_owned();
        }
        if self.errors.is_empty() {
            return self.detail.clone().unwrap_or_else(|| self.title.clone());
        }
        let one = |error: &FieldError| match error.pointer.rsplit('/').next() {
            Some(field) if !field.is_empty() => format!("{field}: {}", error.detail),
            _ => error.detail.clone(),
        };
        self.errors.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}
