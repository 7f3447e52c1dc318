//! What the store asks JetStream: its API, single messages of a leader, publishes.

use async_nats::HeaderMap;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{Config, RawMessageError, RawMessageErrorKind};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::connection::{Connection, Failure};
use super::refusal::Refusal;

/// The id by which JetStream notices a duplicate.
pub(crate) const MESSAGE_ID: &str = "Nats-Msg-Id";
/// A guard: the sequence of the last message on the subject of this message, or of the next header.
pub(crate) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
/// The subject of a guard, if it is not that of the message.
pub(crate) const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// What a message replaces; in a log none replaces anything.
pub(crate) const ROLLUP: &str = "Nats-Rollup";

/// No such stream.
pub(crate) const NOT_FOUND: u16 = 10059;
/// A stream of this name exists with another set-up: another process was quicker.
const NAME_IN_USE: u16 = 10058;

/// What the server says of a stream.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamInfo {
    pub(crate) config: Config,
    pub(crate) created: Timestamp,
    pub(crate) state: StreamState,
}

impl StreamInfo {
    /// The version of the server that leads the stream: the leader answers, and adds its own version, whoever created
    /// the stream and whichever server got the request.
    pub(crate) fn leader_version(&self) -> &str {
        let version = self.config.metadata.get("_nats.ver");
        version.map_or("of an unknown version", String::as_str)
    }

    /// Where the stream begins, if it has lost its start.
    pub(crate) fn lost_before(&self) -> Option<u64> {
        let begins = self.state.first_seq;
        (begins > self.config.first_sequence.unwrap_or(1).max(1)).then_some(begins)
    }
}

/// Where a stream begins and ends.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamState {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Refused { error: Refusal },
    Good(T),
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ack {
    error: Option<Refusal>,
    #[serde(default)]
    stream: String,
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) duplicate: bool,
    pub(crate) count: Option<u64>,
}

impl Connection {
    /// Sends a request to the JetStream API, with JSON on both sides.
    pub(crate) async fn api<T: DeserializeOwned>(
        &self,
        endpoint: &str,
        body: impl Into<Bytes>,
    ) -> Result<T, Failure> {
        let subject = format!("{}.{endpoint}", self.api);
        let answer = self.request(&subject, None, body.into()).await?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Answer::Good(good)) => Ok(good),
            Ok(Answer::Refused { error }) => Err(Failure::refused(error, endpoint)),
            Err(error) => Err(Failure::Odd(format!("`{subject}`: {error}"))),
        }
    }

    /// As [`api`](Self::api), for what the store may ask twice: it waits for the election of a leader.
    pub(crate) async fn api_patiently<T: DeserializeOwned>(
        &self,
        endpoint: &str,
        body: Bytes,
    ) -> Result<T, Failure> {
        let subject = format!("{}.{endpoint}", self.api);
        let ask = || self.api(endpoint, body.clone());
        self.patiently(&subject, ask).await
    }

    /// Creates a stream. An existing one stays as it is.
    pub(crate) async fn create_stream(&self, config: &Config) -> Result<(), Failure> {
        let body = serde_json::to_vec(config);
        let body = body.map_err(|error| Failure::NotSent(error.to_string()))?;
        let endpoint = format!("STREAM.CREATE.{}", config.name);
        match self
            .api_patiently::<StreamInfo>(&endpoint, body.into())
            .await
        {
            Ok(_) => Ok(()),
            Err(Failure::Refused(refusal)) if refusal.err_code == NAME_IN_USE => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    pub(crate) async fn stream_info(&self, stream: &str) -> Result<Option<StreamInfo>, Failure> {
        let endpoint = format!("STREAM.INFO.{stream}");
        match self.api_patiently(&endpoint, Bytes::new()).await {
            Ok(info) => Ok(Some(info)),
            Err(Failure::Refused(refusal)) if refusal.err_code == NOT_FOUND => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Publishes, and waits until this stream has stored it.
    pub(crate) async fn publish(
        &self,
        stream: &str,
        subject: &str,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Ack, Failure> {
        let answer = self.request(subject, Some(headers), payload).await?;
        let ack: Ack = serde_json::from_slice(&answer.payload)
            .map_err(|error| Failure::Odd(format!("the answer to a publish: {error}")))?;
        match ack.error {
            Some(refusal) => Err(Failure::refused(refusal, stream)),
            None if ack.stream != stream => Err(Failure::Odd(format!(
                "`{subject}` belongs to the JetStream stream `{}` now, not to `{stream}`: two streams were exchanged",
                ack.stream
            ))),
            None if ack.seq == 0 => Err(Failure::Odd(
                "a publish was acknowledged without a sequence".into(),
            )),
            None => Ok(ack),
        }
    }

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
