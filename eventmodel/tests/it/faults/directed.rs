//! What chance finds seldom, one by one.

use std::time::Duration;

use eventmodel::{App, AppOptions, EventModel, ExecuteError, ExecuteOptions, Slice};
use support::savings::{Balance, Deposit, Open, Refused, Visit, Withdraw};

use super::scripted::{Fate, Scripted};

const OPEN: Open = Open {
    account: 1,
    branch: 9,
};

const DEPOSIT: Deposit = Deposit {
    account: 1,
    cents: 10,
};

fn withdraw(cents: u64) -> Withdraw {
    Withdraw { account: 1, cents }
}

/// The commands of the savings bank, without its bot.
fn model() -> EventModel {
    EventModel::new("savings").slice(
        Slice::new("Customer does something")
            .view::<Balance>()
            .command::<Open>()
            .command::<Deposit>()
            .command::<Withdraw>()
            .command::<Visit>(),
    )
}

async fn start(store: &Scripted, options: AppOptions) -> App {
    model().start_with(store.clone(), options).await.unwrap()
}

fn id(text: &str) -> ExecuteOptions {
    ExecuteOptions::new().try_id(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn two_states_of_one_stream_are_guarded_from_where_the_older_one_was_read() {
    let store = Scripted::default();
    let one = start(&store, AppOptions::new()).await;
    let other = start(&store, AppOptions::new()).await;
    let _ = one.execute(OPEN).await.unwrap();
    let _ = one.execute(DEPOSIT).await.unwrap();
    // One has the balance of 10 in its cache, and not the number of withdrawals.
    let _ = other.execute(withdraw(10)).await.unwrap();
    let second = one.execute(withdraw(10)).await;
    let refused = Refused::TooLittle {
        account: 1,
        cents: 0,
    };
    assert!(
        matches!(&second, Err(ExecuteError::Rejected(r)) if *r == refused),
        "{second:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_conflict_does_not_end_an_unknown_outcome_as_long_as_the_guards_hold() {
    let store = Scripted::default();
    let app = start(&store, AppOptions::new().max_attempts(1)).await;
    store.next_appends([Fate::Late, Fate::InTheWay]);
    let receipt = app.execute(OPEN).await.unwrap();
    assert!(!receipt.already_committed);
    store.late_appends_arrive().await;
    assert_eq!(store.length("savings").await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_that_cannot_be_resolved_stays_unknown() {
    let store = Scripted::default();
    let app = start(&store, AppOptions::new()).await;
    store.next_appends([Fate::AckLost, Fate::Broken]);
    let unknown = app.execute(OPEN).await;
    assert!(
        matches!(&unknown, Err(ExecuteError::UnknownOutcome { reason, .. })
            if reason == "nobody knows; then: the store failed: the disk is full"),
        "{unknown:?}"
    );
    assert_eq!(store.length("savings").await, 1);

    // Without a doubt before it, the failure is what it is.
    store.next_appends([Fate::Broken]);
    let failed = app.execute(DEPOSIT).await;
    assert!(matches!(failed, Err(ExecuteError::Store(_))), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_command_is_not_rejected_for_what_it_did_itself_meanwhile() {
    let store = Scripted::default();
    let options = AppOptions::new()
        .resolve_within(Duration::ZERO)
        .state_cache(0);
    let app = start(&store, options).await;
    store.next_appends([Fate::Late]);
    let unknown = app.execute_with(OPEN, id("open-1")).await;
    assert!(
        matches!(unknown, Err(ExecuteError::UnknownOutcome { .. })),
        "{unknown:?}"
    );
    store.late_appends_arrive_before_the_next_load();
    let receipt = app.execute_with(OPEN, id("open-1")).await.unwrap();
    assert!(receipt.already_committed);
    assert_eq!(store.length("savings").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_command_is_not_rejected_because_a_replica_lags() {
    let store = Scripted::default();
    let one = start(&store, AppOptions::new()).await;
    let other = start(&store, AppOptions::new()).await;
    let _ = one.execute(OPEN).await.unwrap();
    store.next_load_is_stale();
    let receipt = other.execute(DEPOSIT).await.unwrap();
    assert_eq!(receipt.events.len(), 1);

    // Nor does it emit nothing because of it.
    store.next_load_is_stale();
    let rejected = start(&store, AppOptions::new()).await.execute(OPEN).await;
    assert!(matches!(rejected, Err(ExecuteError::Rejected(_))));
}

#[tokio::test(start_paused = true)]
async fn a_command_is_not_stale_because_a_replica_lags() {
    let store = Scripted::default();
    let one = start(&store, AppOptions::new()).await;
    let other = start(&store, AppOptions::new()).await;
    let opened = one.execute(OPEN).await.unwrap();
    store.next_load_is_stale();
    let expected = ExecuteOptions::new().expected_revision(opened.revision);
    let deposited = other.execute_with(DEPOSIT, expected.clone()).await.unwrap();
    let stale = one.execute_with(DEPOSIT, expected).await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { actual, .. }) if actual.position() == deposited.revision),
        "{stale:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_command_without_state_is_not_stale_because_of_what_is_remembered() {
    let store = Scripted::default();
    let one = start(&store, AppOptions::new()).await;
    let other = start(&store, AppOptions::new()).await;
    let visit = Visit { branch: 9 };
    let first = one.execute(visit.clone()).await.unwrap();
    let second = other.execute(visit.clone()).await.unwrap();
    let after = |revision| ExecuteOptions::new().expected_revision(revision);
    let third = one
        .execute_with(visit.clone(), after(second.revision))
        .await;
    let third = third.unwrap();
    assert_eq!(third.position.get(), 3);
    let stale = other.execute_with(visit, after(first.revision)).await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { actual, .. }) if actual.position() == third.revision),
        "{stale:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_id_costs_no_question_if_the_store_knows_that_it_is_new() {
    let store = Scripted::default();
    let app = start(&store, AppOptions::new()).await;
    let _ = app.execute_with(OPEN, id("open")).await.unwrap();
    let first = app.execute_with(DEPOSIT, id("deposit")).await.unwrap();
    let visit = Visit { branch: 9 };
    let _ = app.execute_with(visit, id("visit")).await.unwrap();
    assert_eq!(store.questions(), 0);
    let again = app.execute_with(DEPOSIT, id("deposit")).await.unwrap();
    assert!(again.already_committed);
    assert_eq!(again.position, first.position);
    assert_eq!(store.questions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_another_process_executed_is_told_no_only_by_that_process() {
    let store = Scripted::default();
    let one = start(&store, AppOptions::new()).await;
    let _ = one.execute(OPEN).await.unwrap();
    // Each of these remembers the account as it is now.
    let others = [(); 2].map(|()| start(&store, AppOptions::new().max_attempts(1)));
    let mut with_the_old_state = Vec::new();
    for other in others {
        let other = other.await;
        assert!(other.execute(OPEN).await.is_err());
        with_the_old_state.push(other);
    }
    let deposited = one.execute(DEPOSIT).await.unwrap();

    let options = id("withdraw").expected_revision(deposited.revision);
    let first = one.execute_with(withdraw(10), options.clone()).await;
    let first = first.unwrap();
    // By what it remembers the command is stale, without a revision it is rejected, or in conflict.
    for (other, options) in with_the_old_state.iter().zip([options, id("withdraw")]) {
        let again = other.execute_with(withdraw(10), options).await.unwrap();
        assert!(again.already_committed);
        assert_eq!(
            (again.position, again.revision),
            (first.position, first.revision)
        );
    }
}
