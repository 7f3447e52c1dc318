//! One build of a view: its definition, its bucket, and its progress.

use std::sync::Arc;

use async_nats::HeaderMap;
use bytes::Bytes;
use eventmodel::store::{AnyInstance, ViewDefinition, ViewProgress, ViewState};
use eventmodel::{Position, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::bucket::{Bucket, Put, Value};
use super::index::Index;
use super::key;
use super::positions::{Positions, PositionsError, ViewLog};
use super::watch::Beginnings;
use crate::connect::drift::drifted;

/// The header of a value that names the events in it.
const AT: &str = "Eventmodel-At";

#[derive(Debug)]
pub(super) struct Build {
    pub(super) definition: Arc<ViewDefinition>,
    pub(super) bucket: Bucket,
    pub(super) index: Index,
    pub(super) beginnings: Beginnings,
    pub(super) logs: Vec<ViewLog>,
    pub(super) progress: Arc<ViewProgress>,
}

/// An instance of a view as it stands in the bucket.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its sequence in the bucket; 0 if it is new.
    pub(super) sequence: u64,
    /// For each log, the last event in it.
    pub(super) positions: Positions,
    /// The log of the latest event.
    pub(super) log: usize,
    pub(super) state: Arc<dyn ViewState>,
}

/// The value of an instance, for people and other programs.
#[derive(Serialize, Deserialize)]
struct Shown<'a> {
    log: &'a str,
    position: u64,
    #[serde(borrow)]
    state: &'a RawValue,
}

impl Build {
    /// An instance without events.
    pub(super) fn nothing(&self) -> Entry {
        Entry {
            sequence: 0,
            positions: Positions::start(&self.logs),
            log: 0,
            state: self.definition.fold.create(),
        }
    }

    /// An instance, for a query.
    pub(super) async fn query(&self, text: &str) -> Result<Option<AnyInstance>, StoreError> {
        let value = self.bucket.get(&key::encode(text)).await?;
        self.bucket.verify_for(value.as_ref()).await?;
        let entry = value.map(|value| self.read(&value)).transpose()?;
        Ok(entry.map(|entry| self.shown(entry, text)))
    }

    /// An entry for a query. What this process has shown it lists, too, also if another one is ahead of it.
    fn shown(&self, entry: Entry, text: &str) -> AnyInstance {
        let instance = AnyInstance::new(text, entry.positions.get(entry.log), entry.state);
        self.index.add([&instance.key]);
        instance
    }

    /// An instance, as the leader of the bucket knows it.
    pub(super) async fn load(&self, text: &str) -> Result<Option<Entry>, StoreError> {
        let value = self.bucket.get(&key::encode(text)).await?;
        value.map(|value| self.read(&value)).transpose()
    }

    /// Writes an instance, unless its value has changed.
    pub(super) async fn store(&self, text: &str, entry: &Entry) -> Result<Put, StoreError> {
        let (key, view) = (key::encode(text), self.definition.name());
        let failed = |error: &dyn std::fmt::Display| {
            StoreError::failed(format!(
                "the instance `{text}` of the view `{view}` cannot be written as JSON: {error}"
            ))
        };
        let state = entry.state.encode().map_err(|error| failed(&error))?;
        let state: &RawValue = serde_json::from_slice(&state).map_err(|error| failed(&error))?;
        let log = &self.logs[entry.log].name;
        let position = entry.positions.get(entry.log).get();
        let shown = Shown {
            log,
            position,
            state,
        };
        let payload = serde_json::to_vec(&shown).map_err(|error| failed(&error))?;
        let mut headers = HeaderMap::new();
        headers.insert(AT, entry.positions.to_text(&self.logs, entry.log));
        let put = self
            .bucket
            .put(&key, entry.sequence, headers, payload.into());
        put.await
    }

    fn read(&self, value: &Value) -> Result<Entry, StoreError> {
        let Value {
            key,
            sequence,
            headers,
            payload,
            ..
        } = value;
        let odd = |reason: String| {
            let anew = self.bucket.anew();
            self.bucket.drifted(format!(
                "the value of `{key}` cannot be read: {reason}; {anew}"
            ))
        };
        let at = headers.get(AT).map_or("", |at| at.as_str());
        let (positions, log) = Positions::parse(at, &self.logs).map_err(|error| match error {
            PositionsError::Recreated { log, created } => self.recreated(log, created),
            PositionsError::Odd(_) => odd(format!("header `{AT}`: {error}")),
        })?;
        let shown: Shown<'_> =
            serde_json::from_slice(payload).map_err(|error| odd(error.to_string()))?;
        let state = self.definition.fold.decode(shown.state.get().as_bytes());
        Ok(Entry {
            sequence: *sequence,
            positions,
            log,
            state: state.map_err(|error| odd(error.to_string()))?,
        })
    }

    /// The error if the bucket was built from another stream than the log.
    pub(super) fn recreated(&self, log: usize, created: jiff::Timestamp) -> StoreError {
        let ViewLog { name, created: is } = &self.logs[log];
        drifted(
            name.clone(),
            format!(
                "the bucket `{}` was built from the JetStream stream of this name that was created at {created}, and the \
                 one that is there was created at {is}: {}",
                self.bucket.name,
                self.bucket.anew()
            ),
        )
    }

    /// The instance that a value holds, for a query; `None` if it holds something else.
    pub(super) async fn instance_of(
        &self,
        value: &Value,
    ) -> Result<Option<(Positions, AnyInstance)>, StoreError> {
        self.bucket.verify_for(Some(value)).await?;
        let Some(text) = key::decode(&value.key) else {
            return Ok(None);
        };
        let entry = self.read(value)?;
        Ok(Some((entry.positions.clone(), self.shown(entry, &text))))
    }
}

impl Entry {
    /// Whether it holds the event at this position.
    pub(super) fn has(&self, log: usize, position: Position) -> bool {
        position <= self.positions.get(log)
    }
}

/// The tokens of a key as a bucket has them; none stay none.
pub(super) fn prefix_key(prefix: &str) -> String {
    if prefix.is_empty() {
        return String::new();
    }
    key::encode(prefix)
}

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<Bytes, StoreError> {
    let json = serde_json::to_vec(value).map_err(StoreError::failed)?;
    Ok(json.into())
}
