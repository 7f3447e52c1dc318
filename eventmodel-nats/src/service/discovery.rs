//! How clients find the service: ADR-32 of NATS, which `nats micro` speaks.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_nats::client::PublishErrorKind;
use eventmodel::{__limited as limited, App};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::answer::Guarded;
use super::endpoint::Endpoint;
use super::error::ServeError;
use crate::connect::connection::Connection;

/// Which service this is, and which of its instances.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Identity {
    name: Arc<str>,
    id: String,
    version: String,
    metadata: BTreeMap<&'static str, String>,
    #[serde(skip)]
    started: Timestamp,
}

impl Identity {
    pub(super) fn new(app: &App, version: String) -> Result<Self, ServeError> {
        let name = app.model().name().clone();
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || !name.bytes().all(fits) {
            return Err(ServeError::Name { name });
        }
        let mut numbers = version.splitn(3, '.');
        let number = |text: Option<&str>| text.is_some_and(|text| text.parse::<u64>().is_ok());
        let release =
            |text: Option<&str>| number(text.and_then(|text| text.split(['-', '+']).next()));
        if !(number(numbers.next()) && number(numbers.next()) && release(numbers.next())) {
            return Err(ServeError::Version { version });
        }
        Ok(Self {
            name,
            id: uuid::Uuid::now_v7().simple().to_string(),
            version,
            metadata: BTreeMap::new(),
            started: Timestamp::now(),
        })
    }

    /// The subject on which this instance alone answers.
    pub(super) fn subject(&self, verb: &str) -> String {
        format!("$SRV.{verb}.{}.{}", self.name, self.id)
    }
}

#[derive(Clone, Copy)]
enum Verb {
    Ping,
    Info,
    Stats,
}

/// Whether to describe the commands with their JSON Schemas, which may be too much for one message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Schemas {
    All,
    None,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    identity: &'a Identity,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoints: Option<Vec<EndpointBody<'a>>>,
}

#[derive(Serialize)]
struct EndpointBody<'a> {
    name: &'a str,
    subject: &'a str,
    queue_group: &'a str,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What {
    Info {
        metadata: BTreeMap<&'static str, String>,
    },
    Stats {
        num_requests: u64,
        num_errors: u64,
        last_error: String,
        /// In nanoseconds.
        processing_time: u64,
        average_processing_time: u64,
    },
}

/// Answers discovery requests until `stop`.
pub(super) async fn serve(
    connection: &Connection,
    identity: Identity,
    endpoints: Arc<[Arc<Endpoint>]>,
    guarded: Guarded,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + use<>, ServeError> {
    let client = connection.client.clone();
    let mut asked = Vec::new();
    for (name, verb) in [
        ("PING", Verb::Ping),
        ("INFO", Verb::Info),
        ("STATS", Verb::Stats),
    ] {
        let all = format!("$SRV.{name}");
        let of_name = format!("{all}.{}", identity.name);
        for subject in [all, of_name, identity.subject(name)] {
            let requests = client.subscribe(subject).await;
            let requests = requests.map_err(|error| ServeError::closed(&error))?;
            asked.push(requests.map(move |request| (verb, request)));
        }
    }
    let mut asked = stream::select_all(asked);
    Ok(async move {
        while let Some(Some((verb, request))) = stop.run_until_cancelled(asked.next()).await {
            let Some(reply) = request.reply.filter(|reply| !guarded.forbids(reply)) else {
                continue;
            };
            let answer = |with: Schemas| {
                let answer = serde_json::to_vec(&answer(verb, &identity, &endpoints, with));
                client.publish(reply.clone(), answer.unwrap_or_default().into())
            };
            let mut sent = answer(Schemas::All).await;
            if matches!(&sent, Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded) {
                sent = answer(Schemas::None).await;
            }
            if let Err(error) = sent {
                limited!(WARN, "cannot answer a discovery request", %error);
            }
        }
    })
}

fn answer<'a>(
    verb: Verb,
    identity: &'a Identity,
    endpoints: &'a [Arc<Endpoint>],
    schemas: Schemas,
) -> Answer<'a> {
    let all = |what: &dyn Fn(&Endpoint) -> What| {
        let body = |endpoint: &'a Arc<Endpoint>| EndpointBody {
            name: &endpoint.name,
            subject: &endpoint.subject,
            queue_group: &endpoint.queue_group,
            what: what(endpoint),
        };
        Some(endpoints.iter().map(body).collect())
    };
    let answer = Answer {
        kind: "io.nats.micro.v1.ping_response",
        identity,
        description: None,
        started: None,
        endpoints: None,
    };
    match verb {
        Verb::Ping => answer,
        Verb::Info => Answer {
            kind: "io.nats.micro.v1.info_response",
            description: Some(format!("The commands of the event model {}", identity.name)),
            endpoints: all(&|endpoint| info(endpoint, schemas)),
            ..answer
        },
        Verb::Stats => Answer {
            kind: "io.nats.micro.v1.stats_response",
            started: Some(identity.started),
            endpoints: all(&stats),
            ..answer
        },
    }
}

fn info(endpoint: &Endpoint, schemas: Schemas) -> What {
    let info = endpoint.entry.info();
    let mut metadata = BTreeMap::from([
        ("command", info.ty.name.to_owned()),
        ("description", info.ty.doc.to_owned()),
    ]);
    let rejections: Vec<_> = info.rejects.variants.iter().map(|v| v.code).collect();
    metadata.insert("rejections", rejections.join(","));
    if schemas == Schemas::All
        && let Some(schema) = info.schema.get()
    {
        metadata.insert("schema", schema.to_string());
    }
    What::Info { metadata }
}

fn stats(endpoint: &Endpoint) -> What {
    let stats = endpoint.stats();
    let nanos = u64::try_from(stats.processing.as_nanos()).unwrap_or(u64::MAX);
    What::Stats {
        num_requests: stats.requests,
        num_errors: stats.errors,
        last_error: stats.last_error,
        processing_time: nanos,
        average_processing_time: nanos.checked_div(stats.requests).unwrap_or_default(),
    }
}
