//! The store in memory: the reference of what a store does.
//!
//! A log is a vector behind a lock, which an append holds for a few hundred nanoseconds. Readers take a chunk at a time
//! and wait to be woken, so none of them can be too slow to see an event.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use foldhash::fast::RandomState;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::Notify;

use crate::record::{CommandId, CommandRef, Guard, Incarnation, Position, RecordedEvent, Subject};
use crate::store::{
    Append, AppendError, Appended, InboxHost, Item, Limits, Load, Loaded, LogInboxes, LogSpec,
    Read, Store, StoreError,
};

/// Keeps logs in the memory of this process, and remembers ids as long as the process lives.
///
/// Clones share the logs, so a second app on a clone sees what the first one wrote. They share the progress of automations
/// and what is parked, too: an app goes on where the one before it stopped. While two apps with the same automation live,
/// one of them handles the events; the other one takes over when it ends.
///
/// ```
/// use eventmodel::MemoryStore;
///
/// let store = MemoryStore::new();
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    logs: Arc<RwLock<Logs>>,
    inboxes: Arc<LogInboxes>,
    limits: Limits,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what is within these limits. It keeps no snapshots.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits.snapshot(0);
        self
    }

    fn log(&self, name: &Arc<str>) -> Result<Arc<Log>, StoreError> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.get(name)
            .cloned()
            .ok_or_else(|| StoreError::UnknownLog { log: name.clone() })
    }
}

type Logs = HashMap<Arc<str>, Arc<Log>, RandomState>;

#[derive(Debug)]
struct Log {
    incarnation: Incarnation,
    content: RwLock<Content>,
    /// Wakes readers in the order in which they came, so that a run of a test can be repeated.
    appended: Notify,
}

#[derive(Debug, Default)]
struct Content {
    /// The event at position `n` is at index `n - 1`.
    events: Vec<RecordedEvent>,
    /// The positions of each instance, in order.
    instances: HashMap<Subject, Vec<u64>, RandomState>,
    /// The first position of each command.
    commands: HashMap<CommandId, u64, RandomState>,
}

impl Log {
    // A panic while the lock is held cannot leave half an append: see `Content::push`.
    fn content(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn content_mut(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn revision(&self, subject: &Subject) -> Position {
        Position::new(
            self.instances
                .get(subject)
                .and_then(|all| all.last())
                .copied()
                .unwrap_or(0),
        )
    }

    fn committed(&self, command: &CommandRef) -> Result<Option<Appended>, AppendError> {
        let Some(&first) = self.commands.get(&command.id) else {
            return Ok(None);
        };
        let events: Vec<_> = self.events[index(first)..]
            .iter()
            .take_while(|event| event.metadata().command.id == command.id)
            .cloned()
            .collect();
        let recorded = &events[0].metadata().command;
        if !recorded.is_same(command) {
            let (id, name) = (command.id.clone(), recorded.name.clone());
            return Err(AppendError::IdReused { id, name });
        }
        let revisions = revisions(&events);
        Ok(Some(Appended {
            events,
            revisions,
            already_committed: true,
        }))
    }
}

fn index(position: u64) -> usize {
    usize::try_from(position - 1).unwrap_or(usize::MAX)
}

/// The last position of each subject among these events.
fn revisions(events: &[RecordedEvent]) -> Vec<Guard> {
    let mut revisions: Vec<Guard> = Vec::with_capacity(events.len());
    for event in events {
        for subject in event.metadata().subjects.iter() {
            match revisions.iter_mut().find(|guard| guard.subject == *subject) {
                Some(guard) => guard.expected = event.position(),
                None => revisions.push(Guard {
                    subject: subject.clone(),
                    expected: event.position(),
                }),
            }
        }
    }
    revisions
}

#[async_trait]
impl Store for MemoryStore {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        let mut known = self.logs.write().unwrap_or_else(PoisonError::into_inner);
        for log in logs {
            if let Entry::Vacant(entry) = known.entry(log.name.clone()) {
                entry.insert(Arc::new(Log {
                    incarnation: Incarnation::fresh(),
                    content: RwLock::default(),
                    appended: Notify::new(),
                }));
            }
        }
        Ok(())
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let log = self.log(append.log())?;
        let (command, events) = (append.command(), append.events());
        self.limits.check(&append)?;
        let mut content = log.content_mut();
        if let Some(committed) = content.committed(command)? {
            return Ok(committed);
        }
        for guard in append.guards() {
            let actual = content.revision(&guard.subject);
            if actual != guard.expected {
                let subject = Some(guard.subject.clone());
                return Err(AppendError::Conflict {
                    subject,
                    actual: Some(actual),
                });
            }
        }
        let first = content.events.len() as u64 + 1;
        let events: Vec<_> = (first..)
            .zip(events)
            .map(|(position, event)| RecordedEvent::new(event.clone(), Position::new(position)))
            .collect();
        content.commands.insert(command.id.clone(), first);
        for event in &events {
            for subject in event.metadata().subjects.iter() {
                let position = event.position().get();
                match content.instances.get_mut(subject) {
                    Some(positions) => positions.push(position),
                    None => {
                        content.instances.insert(subject.clone(), vec![position]);
                    }
                }
            }
        }
        content.events.extend(events.iter().cloned());
        drop(content);
        log.appended.notify_waiters();
        let revisions = revisions(&events);
        Ok(Appended {
            events,
            revisions,
            already_committed: false,
        })
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let log = self.log(&load.log)?;
        let content = log.content();
        let positions = content
            .instances
            .get(&load.subject)
            .map_or(&[][..], Vec::as_slice);
        let from = positions.partition_point(|position| *position <= load.after.get());
        let items = positions[from..]
            .iter()
            .map(|p| content.events[index(*p)].clone().into());
        let revision = Position::new(positions.last().copied().unwrap_or(0));
        Ok(Loaded::new(items.collect(), revision))
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        Ok(self.log(log)?.content().revision(subject))
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        _: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        self.log(log)?.content().committed(command)
    }

    fn is_absent(&self, log: &Arc<str>, _: &Subject, until: Position, command: &CommandId) -> bool {
        let Ok(log) = self.log(log) else {
            return false;
        };
        let content = log.content();
        let is_after = |first: &u64| *first > until.get();
        until.get() <= content.events.len() as u64
            && content.commands.get(command).is_none_or(is_after)
    }

    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        Ok(self.log(log)?.incarnation)
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        Ok(Position::new(self.log(log)?.content().events.len() as u64))
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        /// How many events are copied out under the lock at a time.
        const CHUNK: usize = 256;

        let log = match self.log(&read.log) {
            Ok(log) => log,
            Err(error) => return futures_util::stream::iter([Err(error)]).boxed(),
        };
        let next = read.after.get();
        futures_util::stream::unfold((log, next, read), |(log, next, read)| async move {
            loop {
                // Before the look at the log, so that no append falls between the two.
                let appended = log.appended.notified();
                let chunk: Vec<_> = {
                    let content = log.content();
                    let from = usize::try_from(next)
                        .unwrap_or(usize::MAX)
                        .min(content.events.len());
                    let to = content.events.len().min(from.saturating_add(CHUNK));
                    content.events[from..to].to_vec()
                };
                if let Some(end) = chunk.last().map(|event| event.position().get()) {
                    drop(appended);
                    // A long log, of which a reader may want next to nothing, must not keep others waiting.
                    if chunk.len() == CHUNK {
                        tokio::task::yield_now().await;
                    }
                    let events = chunk
                        .into_iter()
                        .filter(|event| fits(event, &read))
                        .map(|event| Ok(event.into()))
                        .collect::<Vec<_>>();
                    return Some((futures_util::stream::iter(events), (log, end, read)));
                }
                if !read.follow {
                    return None;
                }
                appended.await;
            }
        })
        .flatten()
        .boxed()
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        Some(self.inboxes.clone())
    }
}

fn fits(event: &RecordedEvent, read: &Read) -> bool {
    read.subjects.is_empty()
        || event
            .metadata()
            .subjects
            .iter()
            .any(|subject| read.subjects.iter().any(|pattern| pattern.matches(subject)))
}
