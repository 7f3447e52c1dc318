//! Single messages of a log: the last one on a subject, the one at a sequence.

use async_nats::StatusCode;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::RawMessageError;
use bytes::Bytes;
use eventmodel::StoreError;
use eventmodel::record::Subject;
use tokio::time::{Instant, sleep};

use super::message::Stored;
use super::{Log, Source};
use crate::connect::connection::{ELECTION, Failure};
use crate::connect::direct_get::{refused, status};

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
            None => Ok(Some(Stored::of_answer(answer)?)),
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
        let stored = message.map(|message| {
            let (headers, payload) = (message.headers, message.payload);
            Stored::new(&message.subject, message.sequence, headers, payload)
        });
        Ok(stored.transpose()?)
    }
}
