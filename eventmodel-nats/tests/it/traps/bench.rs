//! A log of its own, and appends to it by hand.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::Store;
use eventmodel::record::{CommandRef, Guard, NewEvent, Subject, SubjectPattern};
use eventmodel::store::{Append, AppendError, Appended, Item, Load, Loaded, LogSpec, Read};
use eventmodel::{CommandId, EventId, Metadata, Position, RecordedEvent, StoreError};
use eventmodel_nats::NatsStore;
use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats_harness::unique;
use futures_util::{StreamExt, TryStreamExt};

/// Far more than anything takes that ends at all.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) store: NatsStore,
    pub(crate) log: Arc<str>,
}

impl Bench {
    /// Opens a log that nobody else uses.
    pub(crate) async fn open(store: NatsStore) -> Self {
        let bench = Self {
            store,
            log: unique("trap").into(),
        };
        bench.reopen().await.unwrap();
        bench
    }

    /// The same log through another store.
    pub(crate) async fn through(&self, store: NatsStore) -> Self {
        let bench = Self {
            store,
            log: self.log.clone(),
        };
        bench.reopen().await.unwrap();
        bench
    }

    pub(crate) fn spec(&self) -> LogSpec {
        LogSpec::new(self.log.clone(), vec![self.pattern("item.*")])
    }

    pub(crate) async fn reopen(&self) -> Result<(), StoreError> {
        self.store.open(&[self.spec()]).await
    }

    pub(crate) fn pattern(&self, rest: &str) -> SubjectPattern {
        SubjectPattern::new(&format!("{}.{rest}", self.log)).unwrap()
    }

    pub(crate) fn item(&self, name: impl std::fmt::Display) -> Subject {
        Subject::new(&format!("{}.item.{name}", self.log)).unwrap()
    }

    /// An event on each of these subjects, guarded by what is expected there.
    pub(crate) fn append(&self, id: &str, written: &[(&Subject, u64)]) -> Append {
        self.guarded(id, written, &[])
    }

    /// Guarded also on what it does not write.
    pub(crate) fn guarded(
        &self,
        id: &str,
        written: &[(&Subject, u64)],
        consulted: &[(&Subject, u64)],
    ) -> Append {
        let events: Vec<_> = written.iter().map(|(subject, _)| (*subject, 20)).collect();
        let guards = [written, consulted].concat();
        self.sized(id, &guards, &events)
    }

    /// Events with so many bytes of payload.
    pub(crate) fn sized(
        &self,
        id: &str,
        guards: &[(&Subject, u64)],
        events: &[(&Subject, usize)],
    ) -> Append {
        let command = CommandRef::new(CommandId::new(id).unwrap(), "DoIt")
            .fingerprint(Some(7))
            .events(u32::try_from(events.len()).unwrap());
        let guards = guards.iter().map(|(subject, expected)| Guard {
            subject: (*subject).clone(),
            expected: Position::new(*expected),
        });
        let events = events.iter().enumerate().map(|(n, (subject, size))| {
            let id = EventId::new(&format!("{id}/{n}"));
            let subjects = vec![(*subject).clone()];
            let mut metadata = Metadata::new(command.clone(), id, "Done", subjects);
            metadata.source = "traps".into();
            let payload = format!("\"{}\"", "x".repeat(size.saturating_sub(2)));
            NewEvent::new(metadata, payload.into())
        });
        Append::new(
            self.log.clone(),
            command.clone(),
            guards.collect(),
            events.collect(),
        )
        .unwrap()
    }

    /// Appends one event; its position. A cluster may still elect a leader for a new log: then it is tried again.
    pub(crate) async fn put(&self, id: &str, subject: &Subject, expected: u64) -> u64 {
        let append = self.append(id, &[(subject, expected)]);
        let stored = async {
            loop {
                match self.store.append(append.clone()).await {
                    Ok(appended) => return positions(&appended)[0],
                    Err(error) => assert!(error.is_retryable(), "{error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(BOUND, stored)
            .await
            .expect("an append is stored in time")
    }

    pub(crate) async fn load(
        &self,
        subject: &Subject,
        after: u64,
        floor: u64,
    ) -> Result<Loaded, StoreError> {
        let load = Load::new(self.log.clone(), subject.clone())
            .after(Position::new(after))
            .floor(Position::new(floor));
        self.store.load(load).await
    }

    pub(crate) fn read(&self, follow: bool) -> Read {
        Read::new(self.log.clone()).follow(follow)
    }

    /// All events, in order.
    pub(crate) async fn events(&self) -> Vec<RecordedEvent> {
        let items = self.store.read(self.read(false));
        let read = items.map(|item| item.and_then(Item::event));
        tokio::time::timeout(BOUND, read.try_collect())
            .await
            .expect("the log is read in time")
            .unwrap()
    }

    /// The next `count` events of a reader that follows.
    pub(crate) async fn follow(&self, count: usize) -> Vec<RecordedEvent> {
        let items = self.store.read(self.read(true)).take(count);
        let read = items.map(|item| item.and_then(Item::event));
        tokio::time::timeout(BOUND, read.try_collect())
            .await
            .expect("the events come in time")
            .unwrap()
    }

    /// The JetStream stream itself.
    pub(crate) async fn stream(&self) -> jetstream::stream::Stream {
        let context = jetstream::new(self.store.client().clone());
        context.get_stream(&*self.log).await.unwrap()
    }

    /// How many messages the JetStream stream has, events or not.
    pub(crate) async fn messages(&self) -> u64 {
        self.stream().await.get_info().await.unwrap().state.messages
    }
}

pub(crate) fn positions(appended: &Appended) -> Vec<u64> {
    let events = appended.events.iter();
    events.map(|event| event.position().get()).collect()
}

pub(crate) fn ids(events: &[RecordedEvent]) -> Vec<String> {
    let ids = events.iter().map(|event| event.metadata().id.to_string());
    ids.collect()
}

/// The events of an instance, all of which can be read.
pub(crate) fn events_of(loaded: Loaded) -> Vec<RecordedEvent> {
    let events = loaded.items.into_iter().map(Item::event);
    events.collect::<Result<_, _>>().unwrap()
}

pub(crate) fn is_conflict(result: &Result<Appended, AppendError>) -> bool {
    matches!(result, Err(AppendError::Conflict { .. }))
}
