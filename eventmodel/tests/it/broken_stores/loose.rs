//! A store that keeps the contract in another way than the store in memory, or breaks it in one way.
//!
//! Its positions have gaps, an event of several streams has a copy at a position of its own for each, a conflict
//! may say nothing, and now and then it is not available: all that is allowed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use eventmodel::record::{CommandRef, Guard, Incarnation, NewEvent, Subject};
use eventmodel::store::{Append, AppendError, Appended, Item, Load, Loaded, LogSpec, Read};
use eventmodel::{CommandId, Position, RecordedEvent, Store, StoreError};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

use super::flaw::Flaw;

/// The largest payload it takes.
const MAX_PAYLOAD: usize = 600_000;

#[derive(Debug)]
pub(crate) struct LooseStore {
    flaw: Flaw,
    logs: Mutex<HashMap<Arc<str>, Arc<Log>>>,
    ids: Mutex<HashMap<CommandId, Appended>>,
    calls: AtomicUsize,
}

#[derive(Debug, Default)]
struct Log {
    content: Mutex<Content>,
    entries: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Content {
    entries: Vec<Entry>,
    instances: HashMap<Subject, Vec<usize>>,
    commands: HashMap<CommandId, Appended>,
}

#[derive(Clone, Debug)]
struct Entry {
    event: RecordedEvent,
    /// Whether it is on the event's first subject; else it is a copy.
    first: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LooseStore {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self {
            flaw,
            logs: Mutex::default(),
            ids: Mutex::default(),
            calls: AtomicUsize::new(0),
        }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// The log; now and then nothing is available.
    fn log(&self, name: &Arc<str>) -> Result<Arc<Log>, StoreError> {
        if self.calls.fetch_add(1, Ordering::SeqCst) % 97 == 96 {
            return Err(StoreError::Unavailable {
                reason: "it is resting".into(),
            });
        }
        let mut logs = lock(&self.logs);
        if self.is(Flaw::CreatesMissingLogs) {
            return Ok(logs.entry(name.clone()).or_default().clone());
        }
        let log = logs.get(name).cloned();
        log.ok_or_else(|| StoreError::UnknownLog { log: name.clone() })
    }

    /// Under which subject an instance is kept.
    fn instance(&self, subject: &Subject) -> Subject {
        if !self.is(Flaw::SharesHistoryOfKeys) {
            return subject.clone();
        }
        Subject::new(&subject.as_str().to_ascii_lowercase()).expect("it is as valid as it was")
    }

    fn find(
        &self,
        content: &Content,
        command: &CommandRef,
    ) -> Result<Option<Appended>, AppendError> {
        let found = match self.flaw {
            Flaw::ForgetsIds => None,
            Flaw::SharesIdsBetweenLogs => lock(&self.ids).get(&command.id).cloned(),
            _ => content.commands.get(&command.id).cloned(),
        };
        let Some(found) = found else { return Ok(None) };
        let recorded = &found.events[0].metadata().command;
        if !recorded.is_same(command) && !self.is(Flaw::TakesAnyCommandUnderAUsedId) {
            let (id, name) = (command.id.clone(), recorded.name.clone());
            return Err(AppendError::IdReused { id, name });
        }
        Ok(Some(Appended::new(found.events, found.revisions, true)))
    }

    fn revision_of(&self, content: &Content, subject: &Subject) -> Position {
        if self.is(Flaw::TellsTheRevisionOfTheLog) {
            return content.end();
        }
        let entries = content.instances.get(&self.instance(subject));
        let last = entries.and_then(|entries| entries.last());
        last.map(|last| content.entries[*last].event.position())
            .unwrap_or_default()
    }

    fn holds(&self, content: &Content, guard: &Guard, events: &[NewEvent]) -> bool {
        let actual = self.revision_of(content, &guard.subject);
        let written = events
            .iter()
            .any(|event| event.metadata.subjects.contains(&guard.subject));
        match self.flaw {
            Flaw::IgnoresGuards => true,
            Flaw::IgnoresGuardsOfWhatIsOnlyRead if !written => true,
            Flaw::TakesAnyFirstEvent if guard.expected == Position::START => true,
            Flaw::TakesGuardsAhead => guard.expected >= actual,
            _ => guard.expected == actual,
        }
    }

    /// Every second conflict says nothing.
    fn conflict(&self, content: &Content, guard: &Guard) -> AppendError {
        let tells = self.calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        let mut actual = self.revision_of(content, &guard.subject);
        if self.is(Flaw::TellsAWrongRevisionInAConflict) {
            actual = Position::new(actual.get() + 1);
        }
        AppendError::Conflict {
            subject: tells.then(|| guard.subject.clone()),
            actual: tells.then_some(actual),
        }
    }

    fn push(&self, content: &mut Content, event: &NewEvent) -> RecordedEvent {
        let mut event = event.clone();
        match self.flaw {
            Flaw::RoundsTimes => {
                let second = event.metadata.time.as_second();
                event.metadata.time = jiff::Timestamp::from_second(second).expect("it is in range");
            }
            Flaw::DropsCausation => event.metadata.causation_id = None,
            Flaw::ReadsPayloadsAsText => {
                let text = String::from_utf8_lossy(&event.payload).into_owned();
                event.payload = text.into();
            }
            _ => {}
        }
        let at = content.entries.len();
        for (n, subject) in event.metadata.subjects.iter().enumerate() {
            let position = content.end().get() + 1 + (content.entries.len() % 3) as u64;
            let place = content.entries.len();
            content.entries.push(Entry {
                event: RecordedEvent::new(event.clone(), Position::new(position)),
                first: n == 0,
            });
            let instance = self.instance(subject);
            content.instances.entry(instance).or_default().push(place);
        }
        content.entries[at].event.clone()
    }

    fn push_all(&self, content: &mut Content, events: &[NewEvent]) -> Vec<RecordedEvent> {
        let push = |(n, event): (usize, &NewEvent)| {
            if self.is(Flaw::LosesAnEventOfABatch) && n == 1 {
                let next = Position::new(content.end().get() + 1);
                return RecordedEvent::new(event.clone(), next);
            }
            self.push(content, event)
        };
        events.iter().enumerate().map(push).collect()
    }

    /// What was committed under the id, or an error if a guard does not hold.
    fn check(
        &self,
        content: &mut Content,
        append: &Append,
    ) -> Result<Option<Appended>, AppendError> {
        if let Some(found) = self.find(content, append.command())? {
            return Ok(Some(found));
        }
        let guards = append.guards();
        // Now and then what a guard expects is looked for on the instance of the one before it, too.
        let is_mixed_up = self.is(Flaw::MixesUpGuards)
            && guards.len() > 1
            && self
                .calls
                .fetch_add(1, Ordering::SeqCst)
                .is_multiple_of(499);
        let holds = |n: usize, on: usize| {
            let subject = guards[on].subject.clone();
            let expected = guards[n].expected;
            self.holds(content, &Guard { subject, expected }, append.events())
        };
        let is_taken = |n: usize| holds(n, n) || (is_mixed_up && n > 0 && holds(n, n - 1));
        let failing = (0..guards.len()).find(|n| !is_taken(*n));
        let Some(guard) = failing.map(|n| &guards[n]) else {
            return Ok(None);
        };
        let conflict = self.conflict(content, guard);
        if self.is(Flaw::StoresAPartBeforeAConflict) && *guard != append.guards()[0] {
            self.push(content, &append.events()[0]);
        }
        Err(conflict)
    }

    fn check_sizes(&self, log: &Log, events: &[NewEvent]) -> Result<(), AppendError> {
        let fits = |event: &&NewEvent| event.payload.len() <= MAX_PAYLOAD;
        let Some(large) = events.iter().find(|event| !fits(event)) else {
            return Ok(());
        };
        if self.is(Flaw::StoresWhatFitsOfABatch) {
            let mut content = lock(&log.content);
            for event in events.iter().filter(fits) {
                self.push(&mut content, event);
            }
        }
        Err(AppendError::TooLarge {
            event: large.metadata.id.clone(),
            size: large.payload.len(),
            max: MAX_PAYLOAD,
        })
    }

    fn commit(&self, content: &mut Content, events: Vec<RecordedEvent>) -> Appended {
        let appended = self.receipt(content, events);
        let id = appended.events[0].metadata().command.id.clone();
        content.commands.insert(id.clone(), appended.clone());
        lock(&self.ids).insert(id, appended.clone());
        appended
    }

    fn receipt(&self, content: &Content, events: Vec<RecordedEvent>) -> Appended {
        let mut revisions: Vec<Guard> = Vec::new();
        for subject in events
            .iter()
            .flat_map(|event| event.metadata().subjects.iter())
        {
            if !revisions.iter().any(|known| known.subject == *subject) {
                revisions.push(Guard {
                    subject: subject.clone(),
                    expected: self.revision_of(content, subject),
                });
            }
        }
        Appended::new(events, revisions, false)
    }
}

impl Content {
    fn end(&self) -> Position {
        let last = self.entries.last().map(|entry| entry.event.position());
        last.unwrap_or_default()
    }
}

#[async_trait]
impl Store for LooseStore {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        let mut known = lock(&self.logs);
        for log in logs {
            if self.is(Flaw::ForgetsWhenOpened) {
                known.remove(&log.name);
            }
            known.entry(log.name.clone()).or_default();
        }
        Ok(())
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let log = self.log(append.log())?;
        self.check_sizes(&log, append.events())?;
        if !self.is(Flaw::TakesAnyNumber) {
            self.limits().check(&append)?;
        }
        let appended = match self.flaw {
            Flaw::TestsGuardsBeforeTheLock => {
                if let Some(found) = self.check(&mut lock(&log.content), &append)? {
                    return Ok(found);
                }
                tokio::task::yield_now().await;
                let mut content = lock(&log.content);
                let stored = self.push_all(&mut content, append.events());
                self.commit(&mut content, stored)
            }
            Flaw::StoresTheEventsOneByOne => {
                if let Some(found) = self.check(&mut lock(&log.content), &append)? {
                    return Ok(found);
                }
                let mut stored = Vec::new();
                for event in append.events() {
                    stored.push(self.push(&mut lock(&log.content), event));
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                }
                self.commit(&mut lock(&log.content), stored)
            }
            _ => {
                let mut content = lock(&log.content);
                if let Some(found) = self.check(&mut content, &append)? {
                    return Ok(found);
                }
                let stored = self.push_all(&mut content, append.events());
                self.commit(&mut content, stored)
            }
        };
        log.entries.send_modify(|count| *count += 1);
        Ok(appended)
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let log = self.log(&load.log)?;
        let content = lock(&log.content);
        let entries = content.instances.get(&self.instance(&load.subject));
        let mut events: Vec<_> = entries
            .into_iter()
            .flatten()
            .map(|place| content.entries[*place].event.clone())
            .collect();
        let mut revision = self.revision_of(&content, &load.subject);
        if self.is(Flaw::IgnoresFloors) && events.pop().is_some() {
            revision = events
                .last()
                .map(RecordedEvent::position)
                .unwrap_or_default();
        }
        events.retain(|event| event.position() > load.after);
        if self.is(Flaw::TruncatesLoads) {
            events.truncate(1000);
        }
        Ok(Loaded::new(
            events.into_iter().map(Item::from).collect(),
            revision,
        ))
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        let log = self.log(log)?;
        let content = lock(&log.content);
        Ok(self.revision_of(&content, subject))
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        _: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        let log = self.log(log)?;
        let content = lock(&log.content);
        self.find(&content, command)
    }

    fn is_absent(&self, _: &Arc<str>, _: &Subject, _: Position, _: &CommandId) -> bool {
        self.is(Flaw::TakesAllForAbsent)
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        let log = self.log(log)?;
        let content = lock(&log.content);
        if self.is(Flaw::CountsCopiesInTheLastPosition) {
            return Ok(content.end());
        }
        let last = content.entries.iter().rfind(|entry| entry.first);
        Ok(last.map(|entry| entry.event.position()).unwrap_or_default())
    }

    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        let logs = lock(&self.logs);
        let Some(log) = logs.get(log) else {
            return Err(StoreError::UnknownLog { log: log.clone() });
        };
        let place = match self.flaw {
            Flaw::TellsNoLogFromAnother => 0,
            _ => Arc::as_ptr(log) as usize,
        };
        Ok(Incarnation::new(place as u64))
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        let log = match self.log(&read.log) {
            Ok(log) => log,
            Err(error) => return futures_util::stream::iter([Err(error)]).boxed(),
        };
        let entries = log.entries.subscribe();
        let flaw = self.flaw;
        futures_util::stream::unfold(
            (log, entries, 0, read),
            move |(log, mut entries, mut place, read)| async move {
                loop {
                    entries.mark_unchanged();
                    let entry = lock(&log.content).entries.get(place).cloned();
                    if let Some(entry) = entry {
                        place += 1;
                        let times = flaw.deliveries(place, &entry.event, entry.first, &read);
                        if times > 0 {
                            let items = vec![Ok(entry.event.into()); times];
                            let next = (log, entries, place, read);
                            return Some((futures_util::stream::iter(items), next));
                        }
                    } else if !flaw.waits(&read) || entries.changed().await.is_err() {
                        return None;
                    }
                }
            },
        )
        .flatten()
        .boxed()
    }
}
