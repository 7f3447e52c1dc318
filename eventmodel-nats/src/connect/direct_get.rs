//! A page of the messages of a JetStream stream, in their order: a batch direct get
//! ([ADR-31](https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md)).
//!
//! It needs no consumer, and so no right that also allows to write: see docs/jetstream.md.

use async_nats::{HeaderMap, HeaderName, HeaderValue, Message, StatusCode, Subscriber};
use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::timeout;

use super::connection::{Connection, Failure};
use super::refusal::Refusal;

/// How many bytes a page has at most.
const BYTES: usize = 8 * 1024 * 1024;

/// The status that ends a page.
const END: u16 = 204;

#[derive(Serialize)]
struct Request<'a> {
    seq: u64,
    next_by_subj: &'a str,
    batch: usize,
    max_bytes: usize,
}

pub(crate) struct Page {
    connection: Connection,
    api: String,
    answers: Subscriber,
    /// The sequence of the last message.
    last: u64,
    pending: Option<u64>,
}

/// A message of a page. Its `subject` is that of the answer.
pub(crate) struct Paged {
    pub(crate) message: Message,
    pub(crate) sequence: u64,
    /// How many messages follow it, as the replica knew.
    pub(crate) pending: u64,
}

impl Page {
    /// Asks any replica for the messages from this sequence on. The subject may be a pattern.
    pub(crate) async fn ask(
        connection: &Connection,
        stream: &str,
        subject: &str,
        from: u64,
        size: usize,
    ) -> Result<Self, Failure> {
        let request = Request {
            seq: from,
            next_by_subj: subject,
            batch: size,
            max_bytes: BYTES,
        };
        let request =
            serde_json::to_vec(&request).map_err(|error| Failure::Odd(error.to_string()))?;
        let api = format!("{}.DIRECT.GET.{stream}", connection.api);
        let inbox = connection.client.new_inbox();
        let answers = connection.client.subscribe(inbox.clone());
        let answers = connection.bounded(&inbox, answers).await?;
        let answers = answers.map_err(|error| Failure::NotSent(error.to_string()))?;
        connection
            .send(api.clone(), Some(inbox), HeaderMap::new(), request.into())
            .await?;
        Ok(Self {
            connection: connection.clone(),
            api,
            answers,
            last: 0,
            pending: None,
        })
    }

    /// The next message; none at the end of the page, which need not be the end of the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Paged>, Failure> {
        let answer = timeout(self.connection.timeout, self.answers.next()).await;
        let answer = answer.map_err(|_| Failure::NoAnswer(self.connection.timed_out(&self.api)))?;
        let message =
            answer.ok_or_else(|| Failure::NoAnswer("the connection was closed".into()))?;
        match status(&message) {
            None => {}
            Some(status) if status.as_u16() == END => return Ok(None),
            Some(StatusCode::NOT_FOUND) => return Ok(None),
            Some(StatusCode::NO_RESPONDERS) => {
                return Err(Failure::NoResponders(self.api.clone()));
            }
            Some(status) => return Err(refused(status, &message)),
        }
        let headers = message.headers.as_ref();
        let number = |name| number(headers.unwrap_or(&HeaderMap::new()), name);
        let sequence = number("Nats-Sequence")?;
        let pending = number("Nats-Num-Pending")?;
        // A dropped message must not go unnoticed: each names its predecessor, and how many follow it.
        let expected = self.pending.map(|pending| pending.saturating_sub(1));
        if number("Nats-Last-Sequence")? != self.last
            || expected.is_some_and(|expected| expected != pending)
        {
            return Err(Failure::Odd(format!(
                "a page of `{}` has a gap before position {sequence}",
                self.api
            )));
        }
        (self.last, self.pending) = (sequence, Some(pending));
        Ok(Some(Paged {
            message,
            sequence,
            pending,
        }))
    }
}

/// A header that the server adds to a message. It stands behind the headers of the message, which may use the same
/// name.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Failure> {
    let value = headers.get_last(HeaderName::from_static(name));
    let value = value.map(HeaderValue::as_str);
    value.ok_or_else(|| Failure::Odd(format!("a message without the header `{name}`")))
}

pub(crate) fn number(headers: &HeaderMap, name: &'static str) -> Result<u64, Failure> {
    let text = text(headers, name)?;
    let number = text.parse();
    number.map_err(|_| Failure::Odd(format!("the header `{name}` is `{text}`")))
}

/// The status of the server's answer. A stored message may have a status of its own; the server adds its sequence.
pub(crate) fn status(answer: &Message) -> Option<StatusCode> {
    let headers = answer.headers.as_ref();
    let is_stored = headers.is_some_and(|headers| headers.get("Nats-Sequence").is_some());
    answer.status.filter(|_| !is_stored)
}

pub(crate) fn refused(status: StatusCode, answer: &Message) -> Failure {
    Failure::Refused(Refusal {
        code: status.as_u16(),
        err_code: 0,
        description: answer
            .description
            .clone()
            .unwrap_or_else(|| status.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_a_message_is_not_taken_for_what_the_server_says() {
        let mut headers = HeaderMap::new();
        headers.append("Nats-Sequence", "2");
        headers.append("Nats-Sequence", "4");
        assert_eq!(number(&headers, "Nats-Sequence").unwrap(), 4);
        assert!(number(&headers, "Nats-Num-Pending").is_err());
    }
}
