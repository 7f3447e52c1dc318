//! A command of a test, and what every receipt must say.

use bytes::Bytes;
use eventmodel::store::{Append, AppendError, Appended, Snapshot};
use eventmodel::{
    CommandId, CommandRef, Guard, Metadata, NewEvent, Position, RecordedEvent, Subject,
};
use jiff::Timestamp;

use super::bench::Bench;

/// A command that is being put together.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    bench: &'a Bench,
    id: CommandId,
    name: String,
    fingerprint: Option<u64>,
    guards: Vec<Guard>,
    events: Vec<Event>,
    snapshots: Vec<Snapshot>,
}

#[derive(Clone, Debug)]
struct Event {
    subjects: Vec<Subject>,
    payload: Option<Bytes>,
    edit: Option<fn(&mut Metadata)>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(bench: &'a Bench, name: &str) -> Self {
        Self {
            bench,
            id: CommandId::fresh(),
            name: name.to_owned(),
            fingerprint: None,
            guards: Vec::new(),
            events: Vec::new(),
            snapshots: Vec::new(),
        }
    }

    pub(super) fn id(mut self, id: &CommandId) -> Self {
        self.id = id.clone();
        self
    }

    pub(super) fn fingerprint(mut self, fingerprint: impl Into<Option<u64>>) -> Self {
        self.fingerprint = fingerprint.into();
        self
    }

    /// A guard on an instance, written or not.
    pub(super) fn guard(mut self, subject: &Subject, expected: Position) -> Self {
        self.guards.push(Guard {
            subject: subject.clone(),
            expected,
        });
        self
    }

    /// An event of these instances.
    pub(super) fn event(mut self, subjects: &[&Subject]) -> Self {
        self.events.push(Event {
            subjects: subjects.iter().map(|&subject| subject.clone()).collect(),
            payload: None,
            edit: None,
        });
        self
    }

    /// An event of one instance, guarded.
    pub(super) fn on(self, subject: &Subject, expected: Position) -> Self {
        self.guard(subject, expected).event(&[subject])
    }

    /// The payload of the last event.
    pub(super) fn payload(mut self, payload: impl Into<Bytes>) -> Self {
        if let Some(event) = self.events.last_mut() {
            event.payload = Some(payload.into());
        }
        self
    }

    /// Changes the metadata of the last event.
    pub(super) fn metadata(mut self, edit: fn(&mut Metadata)) -> Self {
        if let Some(event) = self.events.last_mut() {
            event.edit = Some(edit);
        }
        self
    }

    /// The state that it leaves an instance in.
    pub(super) fn snapshot(
        mut self,
        subject: &Subject,
        fold: u64,
        state: impl Into<Bytes>,
    ) -> Self {
        self.snapshots.push(Snapshot {
            subject: subject.clone(),
            fold,
            state: state.into(),
        });
        self
    }

    pub(super) fn command_ref(&self) -> CommandRef {
        CommandRef {
            id: self.id.clone(),
            name: self.name.as_str().into(),
            fingerprint: self.fingerprint,
            events: u32::try_from(self.events.len()).expect("a test has few events"),
        }
    }

    pub(super) fn build(&self) -> Append {
        let command = self.command_ref();
        let events = self.events.iter().enumerate().map(|(n, event)| {
            let mut metadata = Metadata {
                position: Position::START,
                subjects: event.subjects.clone().into(),
                id: self.id.event(n),
                event_type: "SomethingHappened".into(),
                version: 1,
                time: Timestamp::UNIX_EPOCH,
                source: "store-contract".into(),
                content_type: "application/json".into(),
                correlation_id: self.id.as_str().into(),
                causation_id: None,
                traceparent: None,
                command: command.clone(),
            };
            if let Some(edit) = event.edit {
                edit(&mut metadata);
            }
            let payload = event
                .payload
                .clone()
                .unwrap_or_else(|| format!(r#"{{"command":"{}","n":{n}}}"#, self.name).into());
            NewEvent::new(metadata, payload)
        });
        let (log, guards) = (self.bench.log.clone(), self.guards.clone());
        Append::new(log, command.clone(), guards, events.collect())
            .and_then(|append| append.with_snapshots(self.snapshots.clone()))
            .unwrap_or_else(|error| panic!("the suite made an invalid append: {error}"))
    }

    /// Appends it, whatever comes of it.
    pub(super) async fn try_send(&self) -> Result<Appended, AppendError> {
        let append = self.build();
        let answer = self.bench.append(&append).await;
        if let Ok(appended) = &answer {
            check_receipt(&append, appended);
        }
        answer
    }

    /// Appends it. It must be stored now, and not have been before.
    pub(super) fn send(&self) -> impl Future<Output = Appended> + Send + use<'a> {
        let draft = self.clone();
        async move {
            let name = &draft.name;
            let appended = draft.try_send().await;
            let appended =
                appended.unwrap_or_else(|error| panic!("`{name}` was not stored: {error}"));
            assert!(
                !appended.already_committed,
                "`{name}` is new, the receipt says that it was committed before"
            );
            appended
        }
    }

    /// Appends it. It must be found to have been committed before.
    pub(super) async fn send_again(&self) -> Appended {
        let name = &self.name;
        let appended = self.try_send().await;
        let appended =
            appended.unwrap_or_else(|error| panic!("`{name}`, sent again, was refused: {error}"));
        assert!(
            appended.already_committed,
            "`{name}` was sent again, the receipt says that it was stored just now"
        );
        appended
    }

    /// Appends it. It must conflict; if the error says where and what, that must be true.
    pub(super) async fn must_conflict(&self) {
        match self.try_send().await {
            Ok(_) => panic!("`{}` was stored, though a guard did not hold", self.name),
            Err(AppendError::Conflict { subject, actual }) => {
                let Some(subject) = subject else { return };
                let guard = self.guards.iter().find(|guard| guard.subject == subject);
                let guard = guard.unwrap_or_else(|| {
                    panic!("the conflict is on `{subject}`, which has no guard")
                });
                let truth = self.bench.revision(&subject).await;
                assert_ne!(
                    truth, guard.expected,
                    "the conflict is on `{subject}`, where the guard holds"
                );
                if let Some(actual) = actual {
                    assert_eq!(
                        actual, truth,
                        "the conflict on `{subject}` tells a wrong revision"
                    );
                }
            }
            Err(error) => panic!("`{}` should conflict, the error is: {error}", self.name),
        }
    }

    /// Appends it. Its id must be found to be another command's.
    pub(super) async fn must_be_another(&self) {
        match self.try_send().await {
            Ok(_) => panic!("`{}` got a receipt under another command's id", self.name),
            Err(AppendError::IdReused { id, name: _ }) => assert_eq!(id, self.id),
            Err(error) => panic!("`{}` has a used id, the error is: {error}", self.name),
        }
    }
}

/// What every receipt says, of a first attempt or a later one.
fn check_receipt(append: &Append, appended: &Appended) {
    let mut last = Position::START;
    for (n, event) in appended.events.iter().enumerate() {
        assert_eq!(
            event.metadata().id,
            append.command().id.event(n),
            "the receipt has another event in place {n}"
        );
        assert!(
            event.position() > last,
            "event {n} of the receipt is at {}, the one before it at {last}",
            event.position()
        );
        last = event.position();
    }
    let mut subjects: Vec<_> = appended
        .events
        .iter()
        .flat_map(|event| event.metadata().subjects.iter())
        .collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut revised: Vec<_> = appended.revisions.iter().map(|r| &r.subject).collect();
    revised.sort_unstable();
    assert_eq!(
        revised, subjects,
        "the receipt does not have one revision for each instance that was written"
    );
    if appended.already_committed {
        return;
    }
    let expected = append.events().iter().map(|e| (&e.metadata, &e.payload));
    assert_eq!(appended.events.len(), append.events().len());
    for (found, (metadata, payload)) in appended.events.iter().zip(expected) {
        assert_eq!(without_position(found), *metadata, "the receipt changed it");
        assert!(found.payload() == payload, "the receipt changed a payload");
    }
}

/// The revision of an instance after an append that wrote it.
#[track_caller]
pub(super) fn revision_of(appended: &Appended, subject: &Subject) -> Position {
    appended
        .revisions
        .iter()
        .find(|revision| revision.subject == *subject)
        .unwrap_or_else(|| panic!("the receipt has no revision of `{subject}`"))
        .expected
}

pub(super) fn without_position(event: &RecordedEvent) -> Metadata {
    Metadata {
        position: Position::START,
        ..event.metadata().clone()
    }
}

/// The same events at the same positions.
#[track_caller]
pub(super) fn same_events(what: &str, found: &[RecordedEvent], expected: &[RecordedEvent]) {
    let places = |events: &[RecordedEvent]| -> Vec<_> {
        let place = |e: &RecordedEvent| (e.position().get(), e.metadata().id.to_string());
        events.iter().map(place).collect()
    };
    same_list(what, &places(found), &places(expected));
    same_facts(what, found, expected);
}

/// The same events. A copy of an event may stand at a position of its own.
#[track_caller]
pub(super) fn same_facts(what: &str, found: &[RecordedEvent], expected: &[RecordedEvent]) {
    let ids = |events: &[RecordedEvent]| -> Vec<_> {
        events.iter().map(|e| e.metadata().id.to_string()).collect()
    };
    same_list(what, &ids(found), &ids(expected));
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(
            without_position(found),
            without_position(expected),
            "{what}: the metadata changed"
        );
        assert!(
            found.payload() == expected.payload(),
            "{what}: the payload of `{}` changed; it has {} bytes and had {}",
            found.metadata().id,
            found.payload().len(),
            expected.payload().len()
        );
    }
}

/// Two lists, of which only the first difference is shown: they may be long.
#[track_caller]
fn same_list<T: PartialEq + std::fmt::Debug>(what: &str, found: &[T], expected: &[T]) {
    let Some(n) = (0..found.len().max(expected.len())).find(|n| found.get(*n) != expected.get(*n))
    else {
        return;
    };
    panic!(
        "{what}: {} events, expected {}; the first difference is in place {n}: found {:?}, expected {:?}",
        found.len(),
        expected.len(),
        found.get(n),
        expected.get(n)
    );
}
