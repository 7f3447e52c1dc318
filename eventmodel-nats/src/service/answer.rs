//! A request, from the message to the reply.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_nats::client::PublishErrorKind;
use async_nats::{Client, HeaderMap, HeaderValue, Message, Subject};
use bytes::Bytes;
use eventmodel::record::Cursor;
use eventmodel::transport::{
    self, CommandBody, CommandHeaders, Exchange, JsonText, Problem, ReceiptBody, kinds,
};
use eventmodel::{__limited as limited, App, Receipt};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::endpoint::Endpoint;
use crate::connect::connection::Connection;
use crate::connect::subjects::covers;

/// The status of a problem, as ADR-32 of NATS names it.
const ERROR_CODE: &str = "Nats-Service-Error-Code";
/// Its title.
const ERROR: &str = "Nats-Service-Error";

/// What all endpoints of an app share.
pub(super) struct Handler {
    pub(super) exchange: Exchange,
    pub(super) client: Client,
    pub(super) problem_types: Arc<str>,
    /// One permit for each request that the process may still take.
    pub(super) in_hand: Arc<Semaphore>,
    pub(super) timeout: Duration,
    pub(super) tasks: TaskTracker,
    pub(super) guarded: Guarded,
}

impl Handler {
    /// Takes a request, and answers it in a task of its own.
    pub(super) fn take(self: &Arc<Self>, endpoint: &Arc<Endpoint>, request: Message) {
        if let Some(reply) = &request.reply
            && self.guarded.forbids(reply)
        {
            let subject = &endpoint.subject;
            limited!(
                WARN,
                "refusing a request: its reply subject belongs to a stream or to the server",
                subject,
                %reply
            );
            return;
        }
        let (handler, endpoint) = (self.clone(), endpoint.clone());
        let permit = self.in_hand.clone().try_acquire_owned();
        self.tasks.spawn(async move {
            let started = Instant::now();
            let result = match &permit {
                Ok(_) => handler.execute(&endpoint, &request, started).await,
                Err(_) => handler
                    .exchange
                    .counted(Err(Problem::of(kinds::OVERLOADED).retry_after(1))),
            };
            let result = result.map_err(|problem| problem.based(&handler.problem_types));
            let wrong = result.as_ref().err();
            let wrong = wrong.map(|problem| format!("{}:{}", problem.status(), problem.title()));
            endpoint.answered(started.elapsed(), wrong);
            match request.reply {
                Some(reply) => handler.reply(reply, &result).await,
                None => {
                    if let Err(problem) = &result {
                        let (subject, status) = (&endpoint.subject, problem.status());
                        let title = problem.title();
                        limited!(
                            WARN,
                            "a request without a reply subject failed",
                            subject,
                            status,
                            title
                        );
                    }
                }
            }
        });
    }

    async fn execute(
        &self,
        endpoint: &Endpoint,
        request: &Message,
        started: Instant,
    ) -> Result<Receipt, Problem> {
        let (headers, body) = self.exchange.counted(asked(request))?;
        let (command, deadline) = (endpoint.entry.clone(), started + self.timeout);
        self.exchange
            .execute(command, body, &headers, deadline)
            .await
    }

    /// Sends the first answer that fits into one message.
    async fn reply(&self, reply: Subject, result: &Result<Receipt, Problem>) {
        for (headers, payload) in answers(result) {
            let sent = self
                .client
                .publish_with_headers(reply.clone(), headers, payload);
            match sent.await {
                Ok(()) => return,
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {}
                Err(error) => {
                    limited!(WARN, "cannot send an answer", %error);
                    return;
                }
            }
        }
        limited!(
            WARN,
            "cannot send an answer: the server takes no message that is large enough"
        );
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

/// The subjects that no answer may go to.
///
/// The server does not check whether a sender may publish to the reply subject that he names. So the service answers on
/// no subject that only this program may publish to.
#[derive(Clone)]
pub(super) struct Guarded(Arc<[String]>);

impl Guarded {
    pub(super) fn new(app: &App, connection: &Connection) -> Self {
        let logs = app.model().logs();
        let logs = logs.iter().flat_map(|log| &log.subjects);
        let mut guarded: Vec<_> = logs.map(|pattern| pattern.as_str().to_owned()).collect();
        // The subjects of JetStream, of buckets and of this library.
        guarded.extend(
            [
                "$JS.>",
                "$KV.>",
                "$SRV.>",
                "$SYS.>",
                "eventmodel.>",
                "eventmodel_audit.>",
            ]
            .map(str::to_owned),
        );
        // Where this account imports the API and the buckets of another account.
        guarded.push(format!("{}.>", connection.api));
        Self(guarded.into())
    }

    pub(super) fn forbids(&self, reply: &str) -> bool {
        // A pattern is no reply subject, and hides the subjects that it stands for.
        let is_pattern = reply.split('.').any(|token| matches!(token, "*" | ">"));
        is_pattern || self.0.iter().any(|pattern| covers(pattern, reply))
    }
}

/// What a request says.
fn asked(request: &Message) -> Result<(CommandHeaders, CommandBody), Problem> {
    let empty = HeaderMap::new();
    let headers = request.headers.as_ref().unwrap_or(&empty);
    let headers = CommandHeaders::read(|name| values(headers, name))?;
    let body = JsonText::read(&request.payload)?;
    Ok((headers, CommandBody::read(&body)?))
}

type Answer = (HeaderMap, Bytes);

/// The answer, then ever smaller ones, for when it is too large for one message.
fn answers(result: &Result<Receipt, Problem>) -> impl Iterator<Item = Answer> + '_ {
    (0..).map_while(move |lesser| match result {
        Ok(receipt) => receipt_of(receipt, lesser),
        Err(problem) => problem_of(problem, lesser),
    })
}

fn receipt_of(receipt: &Receipt, lesser: u8) -> Option<Answer> {
    let mut headers = HeaderMap::new();
    headers.insert("Content-Type", "application/json");
    let revision = Cursor::new(receipt.revision, receipt.incarnation);
    headers.insert("ETag", transport::etag(revision));
    let body = ReceiptBody::of(receipt);
    let body = match lesser {
        0 => body,
        1 => body.without_payloads(),
        2 => body.without_events(),
        3 => return Some((headers, Bytes::new())),
        _ => return None,
    };
    match serde_json::to_vec(&body) {
        Ok(json) => Some((headers, json.into())),
        Err(error) => problem_of(&transport::internal(&error, "writing a receipt"), lesser),
    }
}

fn problem_of(problem: &Problem, lesser: u8) -> Option<Answer> {
    let mut headers = HeaderMap::new();
    headers.insert("Content-Type", "application/problem+json");
    headers.insert(ERROR_CODE, problem.status().to_string());
    if let Some(seconds) = problem.retries_after() {
        headers.insert("Retry-After", seconds.to_string());
    }
    match lesser {
        0 => {
            // The title comes from the model, and may hold anything.
            let title = HeaderValue::from_str(problem.title());
            headers.insert(
                ERROR,
                title.unwrap_or_else(|_| HeaderValue::from("problem")),
            );
            Some((headers, problem.to_json().into()))
        }
        1 => Some((headers, Bytes::new())),
        _ => None,
    }
}

/// The values of a header. Clients write its name in upper or lower case.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    let same = headers.iter().filter(|(found, _)| {
        let found: &str = found.as_ref();
        found.eq_ignore_ascii_case(name)
    });
    same.flat_map(|(_, values)| values.iter().map(|value| value.as_str().as_bytes()))
        .collect()
}
