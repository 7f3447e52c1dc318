//! A publish into a JetStream stream, and what the server says to it.

use async_nats::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;

use crate::connect::connection::{Connection, Failure};
use crate::connect::refusal::Refusal;

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
    /// Publishes, and waits until it is stored in this stream.
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
}
