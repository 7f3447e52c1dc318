//! An event that cannot be read, on a store whose inboxes follow the log.

use eventmodel::{
    Command, Decide, Decision, Event, EventModel, EventQuery, ExecuteError, MemoryStore, Position,
    Slice, Stream, ViewError, emit,
};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use support::bank::{bank, deposit};
use support::torn::torn;

use super::{Recorder, with};

#[tokio::test]
async fn an_event_that_cannot_be_read_parks_its_instance_and_no_other() {
    let recorder = Recorder::default();
    let at = Position::new(2);
    let store = torn(MemoryStore::new(), at);
    let app = with(recorder.clone()).start(store).await.unwrap();
    for (account, cents) in [("ann", 1), ("ann", 2), ("ann", 3), ("bob", 4)] {
        let _ = app.execute(deposit(account, cents)).await.unwrap();
    }
    // The views have stopped; the automation goes on.
    let stopped = app.settled().await.unwrap_err();
    assert!(
        matches!(&stopped, ViewError::Undecodable { error, .. } if error.position == at),
        "{stopped}"
    );
    let [parked] = &app.parked()[..] else {
        panic!("{:?}", app.parked())
    };
    assert_eq!((parked.position, parked.waiting), (at, 1));
    assert!(parked.error.contains("cannot be read"), "{}", parked.error);
    let handled = recorder.0.lock().unwrap();
    assert_eq!((&handled["ann"], &handled["bob"]), (&vec![1], &vec![4]));
}

#[tokio::test]
async fn no_decision_rests_on_an_event_that_cannot_be_read_and_readers_pass_it() {
    let (memory, at) = (MemoryStore::new(), Position::new(2));
    let writer = bank().start(memory.clone()).await.unwrap();
    for account in ["ann", "ann", "bob"] {
        let _ = writer.execute(deposit(account, 1)).await.unwrap();
    }
    let app = bank().start(torn(memory, at)).await.unwrap();
    let error = app.execute(deposit("ann", 1)).await.unwrap_err();
    assert!(
        matches!(&error, ExecuteError::Undecodable { error, .. } if error.position == at),
        "{error}"
    );
    let _ = app.execute(deposit("bob", 1)).await.unwrap();
    let read: Vec<_> = app.events(EventQuery::new()).collect().await;
    let are_read: Vec<_> = read.iter().map(Result::is_ok).collect();
    assert_eq!(are_read, [true, false, true, true]);
}

/// Notes, which no view and no automation of the bank is about.
mod notes {
    use super::{Command, Decide, Decision, Deserialize, Event, Serialize, Stream, emit};

    #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
    #[stream(subject = "note.{number}")]
    pub(super) struct Note {
        number: u32,
    }

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    #[event(stream = Note)]
    pub(super) struct Noted {
        number: u32,
    }

    #[derive(Command, Serialize, Deserialize, Clone, Debug)]
    #[command(state = (), emits(Noted))]
    pub(super) struct Jot {
        pub(super) number: u32,
    }

    impl Decide for Jot {
        fn decide(&self, (): &()) -> Decision<Self> {
            emit(Noted {
                number: self.number,
            })
        }
    }
}

fn jotting() -> Slice {
    Slice::new("Clerk jots").command::<notes::Jot>()
}

/// A deposit, a note that cannot be read, and a deposit.
async fn with_an_unreadable_note() -> MemoryStore {
    let store = MemoryStore::new();
    let writer = EventModel::new("bank").slice(jotting());
    let notes = writer.start(store.clone()).await.unwrap();
    let deposits = bank().start(store.clone()).await.unwrap();
    let _ = deposits.execute(deposit("ann", 1)).await.unwrap();
    let _ = notes.execute(notes::Jot { number: 1 }).await.unwrap();
    let _ = deposits.execute(deposit("ann", 2)).await.unwrap();
    store
}

#[tokio::test]
async fn what_lies_on_no_stream_of_the_model_stops_and_parks_nothing() {
    let store = with_an_unreadable_note().await;
    let recorder = Recorder::default();
    let store = torn(store, Position::new(2));
    let app = with(recorder.clone()).start(store).await.unwrap();
    app.settled().await.unwrap();
    assert!(app.parked().is_empty(), "{:?}", app.parked());
    assert_eq!(recorder.0.lock().unwrap()["ann"], [1, 2]);
    for view in ["balance", "total"] {
        let status = app.view_at(view).unwrap().status();
        assert_eq!((status.unread, status.stopped.is_none()), (1, true));
    }
}

#[tokio::test]
async fn a_view_goes_on_past_what_lies_on_a_stream_that_it_does_not_handle() {
    let store = with_an_unreadable_note().await;
    let at = Position::new(2);
    let model = with(Recorder::default()).slice(jotting());
    let app = model.start(torn(store, at)).await.unwrap();
    app.settled().await.unwrap();
    // The model has the stream, so the automation parks it.
    let parked: Vec<_> = app.parked().iter().map(|parked| parked.position).collect();
    assert_eq!(parked, [at]);
}

#[tokio::test]
async fn a_view_is_as_far_as_a_log_that_ends_with_what_it_does_not_handle() {
    let store = MemoryStore::new();
    let notes = EventModel::new("bank").slice(jotting());
    let notes = notes.start(store.clone()).await.unwrap();
    let _ = notes.execute(notes::Jot { number: 1 }).await.unwrap();
    let store = torn(store, Position::new(1));
    let app = bank().start(store).await.unwrap();
    app.settled().await.unwrap();
}
