//! Functions of the model that panic: what was committed gives its receipt, and nobody else is disturbed.

use eventmodel::{
    App, AuditQuery, Command, Decide, Decision, Event, EventModel, ExecuteError, ExecuteOptions,
    MemoryStore, Outcome, Panicked, Position, Slice, Stream, Violations, emit, projection,
};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "counter.{id}")]
struct Counter {
    id: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Counter)]
struct Counted {
    id: u32,
    by: u32,
}

/// What its handler cannot take.
const POISON: u32 = 13;

#[derive(Default, Serialize, Deserialize, Clone, Debug)]
struct Sum {
    sum: u32,
}

#[projection(key = Counter)]
impl Sum {
    fn counted(&mut self, event: &Counted) {
        self.sum += event.by;
        assert_ne!(event.by, POISON, "bad luck");
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Sum, emits(Counted), validate = Self::check)]
struct Count {
    id: u32,
    by: u32,
}

impl Count {
    fn check(&self) -> Result<(), Violations> {
        assert_ne!(self.by, 666, "not valid at all");
        Violations::new().into_result()
    }
}

impl Decide for Count {
    fn decide(&self, sum: &Sum) -> Decision<Self> {
        assert!(sum.sum < 100, "the sum is {}", sum.sum);
        emit(Counted {
            id: self.id,
            by: self.by,
        })
    }
}

fn count(by: u32) -> Count {
    Count { id: 1, by }
}

async fn start() -> App {
    let counters = EventModel::new("counters").slice(Slice::new("Count").command::<Count>());
    counters.start(MemoryStore::new()).await.unwrap()
}

fn id(text: &str) -> ExecuteOptions {
    ExecuteOptions::new().try_id(text).unwrap()
}

async fn outcomes(app: &App) -> Vec<Outcome> {
    let entries = app.audit(&AuditQuery::new()).await.unwrap();
    let mut outcomes: Vec<_> = entries.into_iter().map(|entry| entry.outcome).collect();
    outcomes.reverse();
    outcomes
}

#[tokio::test]
async fn what_was_committed_gives_its_receipt_whatever_its_handler_does() {
    let app = start().await;
    let _ = app.execute(count(1)).await.unwrap();
    let receipt = app.execute_with(count(POISON), id("k")).await.unwrap();
    assert_eq!(
        (receipt.position, receipt.already_committed),
        (Position::new(2), false)
    );

    // The state is half of what it should be, and is not decided on.
    let refused = app.execute(count(1)).await.unwrap_err();
    assert!(!refused.is_retryable());
    assert_eq!(
        refused.to_string(),
        "the state `Sum` of `counter.1` cannot be loaded: its handler panicked at position 2 of the log `counters`: \
         assertion `left != right` failed: bad luck\n  left: 13\n right: 13"
    );
    assert!(matches!(
        refused,
        ExecuteError::Panicked(Panicked::Handler { state: "Sum", position, .. })
            if position == Position::new(2)
    ));
    // Retried, it is the first receipt.
    let again = app.execute_with(count(POISON), id("k")).await.unwrap();
    assert_eq!(
        (again.position, again.already_committed),
        (receipt.position, true)
    );
    // Others are not concerned.
    let _ = app.execute(Count { id: 2, by: 1 }).await.unwrap();

    let outcomes = outcomes(&app).await;
    let is_accepted = |outcome: &Outcome| matches!(outcome, Outcome::Accepted { .. });
    let accepted: Vec<_> = outcomes.iter().map(is_accepted).collect();
    assert_eq!(accepted, [true, true, false, true, true]);
}

#[tokio::test]
async fn a_function_of_a_command_that_panics_is_an_error_and_is_noted() {
    let app = start().await;
    let _ = app.execute(count(100)).await.unwrap();
    let decided = app.execute(count(1)).await.unwrap_err();
    assert_eq!(
        decided.to_string(),
        "`Count` panicked in `decide`: the sum is 100"
    );
    let Err(ExecuteError::Panicked(Panicked::Command { function, .. })) =
        app.execute(count(666)).await
    else {
        panic!("it is not valid at all");
    };
    assert_eq!(function, "validate");
    let _ = app.execute(Count { id: 2, by: 1 }).await.unwrap();
    assert_eq!(outcomes(&app).await.len(), 4);
}

mod snapshots {
    use super::*;
    use crate::snapshots::keeper::{Keeper, Keeping};

    #[tokio::test]
    async fn a_state_whose_handler_panics_is_not_kept() {
        // The state after the append is folded before it, to be kept beside it: on a store that does.
        let counters = EventModel::new("counters").slice(Slice::new("Count").command::<Tally>());
        let store = Keeper::new(Keeping::Newest);
        let app = counters.start(store).await.unwrap();
        let tally = |by| Tally { id: 1, by };
        let _ = app.execute(tally(1)).await.unwrap();
        let _ = app.execute(tally(POISON)).await.unwrap();
        let refused = app.execute(tally(1)).await.unwrap_err();
        assert!(matches!(refused, ExecuteError::Panicked(_)), "{refused}");
    }

    #[derive(Default, Serialize, Deserialize, Clone, Debug)]
    struct Kept {
        sum: u32,
    }

    #[projection(key = Counter, snapshot)]
    impl Kept {
        fn counted(&mut self, event: &Counted) {
            assert_ne!(event.by, POISON, "bad luck");
            self.sum += event.by;
        }
    }

    #[derive(Command, Serialize, Deserialize, Clone, Debug)]
    #[command(state = Kept, emits(Counted))]
    struct Tally {
        id: u32,
        by: u32,
    }

    impl Decide for Tally {
        fn decide(&self, _: &Kept) -> Decision<Self> {
            emit(Counted {
                id: self.id,
                by: self.by,
            })
        }
    }
}
