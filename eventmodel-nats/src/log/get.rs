//! Single messages of a log: the last one on a subject, the one at a sequence.

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageError, RawMessageErrorKind};
use async_nats::{HeaderMap, HeaderName, HeaderValue, Message, StatusCode};
use bytes::Bytes;
use eventmodel::{StoreError, Subject};
use tokio::time::{Instant, sleep};

use crate::connect::connection::{Connection, ELECTION, Failure};
use crate::connect::refusal::Refusal;
use crate::log::Log;
use crate::log::message::Stored;

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Any replica: one that lags may answer.
    Any,
    /// The leader: it knows all that was acknowledged. While there is none it is waited for.
    Leader,
}

impl Log {
    /// The last message on a subject, which may be a pattern.
    pub(crate) async fn last(
        &self,
        subject: &str,
        source: Source,
    ) -> Result<Option<Stored>, StoreError> {
        self.check()?;
        match source {
            Source::Any => {
                let api = format!("{}.DIRECT.GET.{}.{subject}", self.connection.api, self.name);
                self.direct(&api, Bytes::new()).await
            }
            Source::Leader => {
                let get = || self.stream.raw_message_builder().last_by_subject(subject);
                self.leader(|| get().send()).await
            }
        }
    }

    /// The message at a sequence.
    pub(crate) async fn at(
        &self,
        sequence: u64,
        source: Source,
    ) -> Result<Option<Stored>, StoreError> {
        self.check()?;
        match source {
            Source::Any => {
                let api = format!("{}.DIRECT.GET.{}", self.connection.api, self.name);
                self.direct(&api, format!(r#"{{"seq":{sequence}}}"#).into())
                    .await
            }
            Source::Leader => {
                let get = || self.stream.raw_message_builder().sequence(sequence);
                self.leader(|| get().send()).await
            }
        }
    }

    /// The first message on a subject from a sequence on, as the leader knows it.
    pub(crate) async fn next_on(
        &self,
        subject: &Subject,
        from: u64,
    ) -> Result<Option<Stored>, StoreError> {
        let builder = || self.stream.raw_message_builder().sequence(from);
        self.leader(|| builder().next_by_subject(subject.as_str()).send())
            .await
    }

    async fn direct(&self, api: &str, payload: Bytes) -> Result<Option<Stored>, StoreError> {
        let end = Instant::now() + self.connection.timeout;
        let answer = loop {
            match self.connection.request(api, None, payload.clone()).await {
                Err(Failure::NoResponders(_)) if Instant::now() < end => sleep(ELECTION).await,
                answer => break answer?,
            }
        };
        match status(&answer) {
            None => Ok(Some(stored(answer)?)),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(refused(status, &answer).into()),
        }
    }

    async fn leader<A: Future<Output = Result<StreamMessage, RawMessageError>>>(
        &self,
        ask: impl Fn() -> A,
    ) -> Result<Option<Stored>, StoreError> {
        let connection = &self.connection;
        let api = format!("{}.STREAM.MSG.GET.{}", connection.api, self.name);
        let ask = || connection.leader_said(&self.name, ask());
        let message = connection.patiently(&api, ask).await?;
        let Some(message) = message else {
            return Ok(None);
        };
        Ok(Some(Stored {
            subject: subject(&message.subject)?,
            sequence: message.sequence,
            headers: message.headers,
            payload: message.payload,
        }))
    }
}

impl Connection {
    /// The message in the answer of a leader, if there is one.
    pub(crate) async fn leader_said(
        &self,
        stream: &str,
        answer: impl Future<Output = Result<StreamMessage, RawMessageError>>,
    ) -> Result<Option<StreamMessage>, Failure> {
        let api = format!("{}.STREAM.MSG.GET.{stream}", self.api);
        let error = match self.bounded(&api, answer).await? {
            Ok(message) => return Ok(Some(message)),
            Err(error) => error,
        };
        match error.kind() {
            RawMessageErrorKind::NoMessageFound => Ok(None),
            RawMessageErrorKind::JetStream(error) => Err(Failure::Refused(Refusal {
                code: u16::try_from(error.code()).unwrap_or(500),
                err_code: u16::try_from(error.error_code().0).unwrap_or_default(),
                description: error.to_string(),
            })),
            _ => {
                let beside = self.timed_out(&api);
                Err(Failure::NoAnswer(format!("{error} ({beside})")))
            }
        }
    }
}

/// The message in the answer to a direct get (ADR-31).
pub(crate) fn stored(answer: Message) -> Result<Stored, Failure> {
    let headers = answer.headers.unwrap_or_default();
    let sequence = number(&headers, "Nats-Sequence")?;
    let subject = subject(text(&headers, "Nats-Subject")?)?;
    Ok(Stored {
        subject,
        sequence,
        headers,
        payload: answer.payload,
    })
}

/// What the server says of a message in a header. It stands behind those of the message, which may have the same name.
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

/// The status by which the server answers. A stored message may have one of its own; the server says where it stands.
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

pub(crate) fn subject(text: &str) -> Result<Subject, Failure> {
    Subject::new(text).map_err(|error| Failure::Odd(error.to_string()))
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
