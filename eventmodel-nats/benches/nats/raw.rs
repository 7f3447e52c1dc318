//! The counterpart: what a careful user of async-nats writes by hand, with the same headers and the same payload.
//!
//! A publish is `Client::send_request` with a `HeaderMap` that is built for each message; the answer is read. Nothing
//! is decided, no state is folded, no error is looked into.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::{self, consumer::DeliverPolicy};
use async_nats::{Client, HeaderMap, Message, Request};
use futures_util::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{Error, Result};

/// As many as the store gives along.
const HISTORY: usize = 16;

#[derive(Clone)]
pub(crate) struct Raw {
    client: Client,
    /// The JetStream stream.
    log: Arc<str>,
}

/// A stream instance that several tasks may write to, one after the other.
pub(crate) type Shared = Arc<Mutex<Instance>>;

/// A stream instance as the raw writer knows it.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    account: u64,
    subject: String,
    last: u64,
    /// The sequences before, the newest first, as the header says them.
    history: String,
}

impl Instance {
    /// One that has no event yet. `prefix` keeps it apart from those that eventmodel writes.
    pub(crate) fn new(prefix: &str, account: u64) -> Self {
        Self {
            account,
            subject: format!("{prefix}account.{account}"),
            last: 0,
            history: "0".into(),
        }
    }

    pub(crate) fn shared(prefix: &str, account: u64) -> Shared {
        Arc::new(Mutex::new(Self::new(prefix, account)))
    }

    fn stored(&mut self, sequence: u64) {
        self.last = sequence;
        let shown = self.history.match_indices(',').nth(HISTORY - 2);
        let end = shown.map_or(self.history.len(), |(at, _)| at);
        self.history = format!("{sequence},{}", &self.history[..end]);
    }
}

#[derive(Deserialize)]
struct Ack {
    seq: Option<u64>,
    error: Option<serde_json::Value>,
}

impl Raw {
    pub(crate) async fn connect(url: &str, log: &str) -> Result<Self> {
        let client = async_nats::connect(url).await?;
        let log = log.into();
        Ok(Self { client, log })
    }

    /// One event, guarded by the last one of its instance.
    pub(crate) async fn publish(&self, instance: &mut Instance) -> Result<()> {
        let id = Uuid::now_v7().to_string();
        let headers = headers(instance, &id, 0, 1);
        let request = Request::new().headers(headers).payload(payload(instance));
        let answer = self.client.send_request(instance.subject.clone(), request);
        instance.stored(sequence(&answer.await?)?);
        Ok(())
    }

    /// So many, one after the other.
    pub(crate) async fn publish_many(&self, instance: &Shared, count: usize) -> Result<()> {
        let mut instance = instance.lock().await;
        for _ in 0..count {
            self.publish(&mut instance).await?;
        }
        Ok(())
    }

    /// One event on each of two instances, in one atomic batch.
    pub(crate) async fn publish_both(
        &self,
        first: &mut Instance,
        second: &mut Instance,
    ) -> Result<()> {
        let id = Uuid::now_v7().to_string();
        let batch = Uuid::now_v7().simple().to_string();
        let mut headers_of_first = headers(first, &id, 0, 2);
        headers_of_first.insert("Nats-Batch-Id", batch.as_str());
        headers_of_first.insert("Nats-Batch-Sequence", "1");
        let sent = self.client.publish_with_headers(
            first.subject.clone(),
            headers_of_first,
            payload(first),
        );
        sent.await?;
        let mut headers = headers(second, &id, 1, 2);
        headers.insert("Nats-Batch-Id", batch.as_str());
        headers.insert("Nats-Batch-Sequence", "2");
        headers.insert("Nats-Batch-Commit", "1");
        let request = Request::new().headers(headers).payload(payload(second));
        let answer = self.client.send_request(second.subject.clone(), request);
        let sequence = sequence(&answer.await?)?;
        first.stored(sequence - 1);
        second.stored(sequence);
        Ok(())
    }

    /// Two round trips: the last message of an instance by direct get, and one after it.
    pub(crate) async fn get_and_publish(&self, account: u64) -> Result<()> {
        let mut instance = Instance::new("", account);
        let api = format!("$JS.API.DIRECT.GET.{}.{}", self.log, instance.subject);
        let last = self.client.request(api, "".into()).await?;
        let headers = last.headers.unwrap_or_default();
        let header = |name| headers.get(name).map_or("", |value| value.as_str());
        instance.history = header("Eventmodel-History").to_owned();
        instance.stored(header("Nats-Sequence").parse()?);
        self.publish(&mut instance).await
    }

    /// The history of an instance by a consumer of its own, as long histories are read fastest, and one event after it.
    pub(crate) async fn consume_and_publish(&self, account: u64) -> Result<()> {
        let mut instance = Instance::new("", account);
        let api = format!("$JS.API.DIRECT.GET.{}.{}", self.log, instance.subject);
        let last = self.client.request(api, "".into()).await?;
        let headers = last.headers.unwrap_or_default();
        let last = headers.get("Nats-Sequence").map_or("", |v| v.as_str());
        let last: u64 = last.parse()?;
        instance.last = self.read(&instance.subject, last).await?;
        self.publish(&mut instance).await
    }

    /// Reads what fits the pattern up to a sequence, in order. The sequence of the last message.
    pub(crate) async fn read(&self, pattern: &str, until: u64) -> Result<u64> {
        let mut bytes = 0;
        let mut messages = self.ordered(pattern).await?;
        while let Some(message) = messages.next().await {
            let message = message?;
            bytes += message.payload.len();
            let sequence = message.info()?.stream_sequence;
            if sequence >= until {
                std::hint::black_box(bytes);
                return Ok(sequence);
            }
        }
        Err("the consumer ended".into())
    }

    async fn ordered(&self, pattern: &str) -> Result<jetstream::consumer::pull::Ordered> {
        let context = jetstream::new(self.client.clone());
        let stream = context.get_stream_no_info(&*self.log).await?;
        let config = OrderedConfig {
            filter_subject: pattern.to_owned(),
            ..OrderedConfig::default()
        };
        let consumer = stream.create_consumer(config).await?;
        Ok(consumer.messages().await?)
    }

    /// When the messages of two events of each instance were stored: how long after the first one the second one was,
    /// in seconds. By the clock of the server.
    pub(crate) async fn distances(
        &self,
        first: &str,
        second: &str,
        from: u64,
        count: usize,
    ) -> Result<Vec<f64>> {
        let context = jetstream::new(self.client.clone());
        let stream = context.get_stream_no_info(&*self.log).await?;
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: from,
            },
            ..OrderedConfig::default()
        };
        let mut messages = stream.create_consumer(config).await?.messages().await?;
        let mut started = std::collections::HashMap::new();
        let mut distances = Vec::new();
        while distances.len() < count {
            let message = tokio::time::timeout(Duration::from_secs(10), messages.next()).await?;
            let message = message.ok_or("the consumer ended")??;
            let at = message.info()?.published.unix_timestamp_nanos();
            if let Some(account) = message.subject.strip_prefix(first) {
                started.entry(account.to_owned()).or_insert(at);
            } else if let Some(account) = message.subject.strip_prefix(second)
                && let Some(started) = started.get(account)
            {
                #[allow(clippy::cast_precision_loss)]
                distances.push((at - started) as f64 / 1e9);
            }
        }
        Ok(distances)
    }
}

fn headers(instance: &Instance, id: &str, n: usize, events: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let event = format!("{id}/{n}");
    headers.insert("ce-specversion", "1.0");
    headers.insert("ce-id", event.as_str());
    headers.insert("ce-source", "raw");
    headers.insert("ce-type", "Deposited");
    headers.insert("ce-time", Timestamp::now().to_string());
    headers.insert("ce-subject", instance.subject.as_str());
    headers.insert("ce-datacontenttype", "application/json");
    headers.insert("Content-Type", "application/json");
    headers.insert("ce-dataversion", "1");
    headers.insert("ce-correlationid", id);
    headers.insert("ce-commandname", "Deposit");
    headers.insert("ce-commandevents", events.to_string());
    headers.insert("Nats-Msg-Id", event);
    headers.insert(
        "Nats-Expected-Last-Subject-Sequence",
        instance.last.to_string(),
    );
    headers.insert("Eventmodel-History", instance.history.as_str());
    headers
}

fn payload(instance: &Instance) -> bytes::Bytes {
    format!(r#"{{"account":{},"cents":1}}"#, instance.account).into()
}

fn sequence(answer: &Message) -> Result<u64> {
    let ack: Ack = serde_json::from_slice(&answer.payload)?;
    ack.seq
        .ok_or_else(|| Error::from(format!("refused: {:?}", ack.error)))
}
