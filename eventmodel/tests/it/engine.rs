//! What `execute` promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventmodel::store::{AuditQuery, Outcome};
use eventmodel::{
    App, AppOptions, Command, CommandId, Decide, Decision, EventModel, EventQuery, ExecuteError,
    ExecuteOptions, MemoryStore, Now, Position, Slice, emit, reject,
};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use support::bank::{
    Balance, Deposited, Import, Interest, Open, Opened, Refused, Sponsor, Transfer, Withdrawn,
    account, bank, deposit, withdraw,
};

async fn start(store: &MemoryStore) -> App {
    bank().start(store.clone()).await.unwrap()
}

async fn balance(app: &App, name: &str) -> i64 {
    app.settled().await.unwrap();
    app.view::<Balance>()
        .get(&account(name))
        .await
        .unwrap()
        .unwrap_or_default()
        .cents
}

async fn events(app: &App) -> Vec<String> {
    let events: Vec<_> = app.events(EventQuery::new()).try_collect().await.unwrap();
    events
        .iter()
        .map(|event| event.event_type().to_owned())
        .collect()
}

fn id(text: &str) -> ExecuteOptions {
    ExecuteOptions::new().try_id(text).unwrap()
}

#[tokio::test]
async fn a_receipt_says_what_was_stored_and_where() {
    let app = start(&MemoryStore::new()).await;
    let options = ExecuteOptions::new()
        .correlation_id("request-7")
        .source("till")
        .causation_id("x");
    let receipt = app.execute_with(deposit("ann", 5), options).await.unwrap();
    assert_eq!(&*receipt.log, "bank");
    assert_eq!(
        (receipt.position, receipt.revision),
        (Position::new(1), Position::new(1))
    );
    assert!(!receipt.already_committed);
    let [event] = &receipt.events[..] else {
        panic!("{receipt:?}")
    };
    assert_eq!(event.decode::<Deposited>().unwrap().cents, 5);
    let metadata = event.metadata();
    assert_eq!(metadata.subject().as_str(), "account.ann");
    assert_eq!(metadata.id.as_str(), format!("{}/0", receipt.command_id));
    assert_eq!(&*metadata.correlation_id, "request-7");
    assert_eq!(&*metadata.source, "till");
    assert_eq!(metadata.causation_id.as_deref(), Some("x"));
    assert_eq!(&*metadata.command.name, "Deposit");
}

#[tokio::test]
async fn a_rejected_command_stores_nothing() {
    let app = start(&MemoryStore::new()).await;
    let rejected = app.execute(withdraw("ann", 1)).await;
    assert!(matches!(
        rejected,
        Err(ExecuteError::Rejected(Refused::TooLittle { cents: 0 }))
    ));
    assert!(events(&app).await.is_empty());
}

#[tokio::test]
async fn a_command_may_emit_nothing() {
    let app = bank()
        .start_with(
            MemoryStore::new(),
            AppOptions::new().clock(|| Timestamp::UNIX_EPOCH),
        )
        .await
        .unwrap();
    let first = app.execute(deposit("ann", 5)).await.unwrap();
    let receipt = app
        .execute(Interest {
            account: "ann".into(),
        })
        .await
        .unwrap();
    assert!(receipt.events.is_empty());
    assert_eq!(
        (receipt.position, receipt.revision),
        (first.position, first.revision)
    );
}

#[tokio::test]
async fn a_decision_sees_the_clock_of_the_app() {
    let at = Timestamp::from_second(63).unwrap();
    let app = bank()
        .start_with(MemoryStore::new(), AppOptions::new().clock(move || at))
        .await
        .unwrap();
    let receipt = app
        .execute(Interest {
            account: "ann".into(),
        })
        .await
        .unwrap();
    assert_eq!(receipt.events.len(), 3);
    assert!(
        receipt
            .events
            .iter()
            .all(|event| event.metadata().time == at)
    );
    assert_eq!(balance(&app, "ann").await, 3);
}

#[tokio::test]
async fn the_same_id_gives_the_first_receipt_and_is_not_decided_again() {
    let app = start(&MemoryStore::new()).await;
    let _ = app.execute(deposit("ann", 5)).await.unwrap();
    let first = app.execute_with(withdraw("ann", 5), id("w")).await.unwrap();
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    // Decided again, it would be rejected: the balance is too small now.
    let again = app.execute_with(withdraw("ann", 5), id("w")).await.unwrap();
    assert!(again.already_committed);
    assert_eq!(
        (again.position, again.revision),
        (first.position, first.revision)
    );
    assert_eq!(again.events[0].metadata(), first.events[0].metadata());
    assert_eq!(events(&app).await, ["Deposited", "Withdrawn", "Deposited"]);
}

/// Rings as long as it is early.
#[derive(Command, Serialize, Deserialize)]
#[command(state = Now, emits(Opened), rejects = Refused)]
struct Ring {
    account: String,
}

impl Decide for Ring {
    fn decide(&self, now: &Now) -> Decision<Self> {
        if now.0 > Timestamp::UNIX_EPOCH {
            return reject(Refused::Open);
        }
        emit(Opened {
            account: self.account.clone(),
        })
    }
}

#[tokio::test]
async fn a_command_that_decides_on_no_instance_is_found_again_by_its_id() {
    let late = Arc::new(AtomicBool::new(false));
    let clock = late.clone();
    let options = AppOptions::new().clock(move || {
        let hour = i64::from(clock.load(Ordering::SeqCst));
        Timestamp::from_second(3_600 * hour).unwrap()
    });
    let model = EventModel::new("bells").slice(Slice::new("Somebody rings").command::<Ring>());
    let app = model.start_with(MemoryStore::new(), options).await.unwrap();
    let ring = || Ring {
        account: "ann".into(),
    };
    let first = app.execute_with(ring(), id("ring")).await.unwrap();
    late.store(true, Ordering::SeqCst);
    assert!(app.execute(ring()).await.is_err());
    let again = app.execute_with(ring(), id("ring")).await.unwrap();
    assert!(again.already_committed);
    assert_eq!(again.position, first.position);
}

#[tokio::test]
async fn an_id_of_another_command_is_refused() {
    let app = start(&MemoryStore::new()).await;
    let _ = app.execute_with(deposit("ann", 5), id("a")).await.unwrap();
    let other_body = app.execute_with(deposit("ann", 6), id("a")).await;
    assert!(
        matches!(other_body, Err(ExecuteError::IdReused { .. })),
        "{other_body:?}"
    );
    let other_command = app.execute_with(withdraw("ann", 5), id("a")).await;
    assert!(
        matches!(other_command, Err(ExecuteError::IdReused { .. })),
        "{other_command:?}"
    );
    assert_eq!(events(&app).await, ["Deposited"]);
}

#[tokio::test]
async fn a_natural_id_makes_a_command_idempotent() {
    let app = start(&MemoryStore::new()).await;
    let import = Import {
        receipt: 7,
        account: "ann".into(),
        cents: 5,
    };
    let first = app.execute(import.clone()).await.unwrap();
    assert_eq!(first.command_id, CommandId::new("import:7").unwrap());
    assert!(app.execute(import).await.unwrap().already_committed);
    assert_eq!(balance(&app, "ann").await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_id_at_the_same_time_is_one_command() {
    let store = MemoryStore::new();
    for round in 0..50 {
        let name = format!("account-{round}");
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            // An app each, so that nothing but the store is shared.
            let (app, name) = (start(&store).await, name.clone());
            tasks.spawn(async move {
                let options = id(&format!("id-{name}"));
                app.execute_with(deposit(&name, 1), options).await.unwrap()
            });
        }
        let receipts = tasks.join_all().await;
        assert_eq!(
            receipts
                .iter()
                .filter(|receipt| !receipt.already_committed)
                .count(),
            1
        );
        assert!(
            receipts
                .iter()
                .all(|receipt| receipt.position == receipts[0].position)
        );
    }
}

#[tokio::test]
async fn several_events_of_one_command_are_stored_together() {
    let app = start(&MemoryStore::new()).await;
    let _ = app.execute(deposit("ann", 5)).await.unwrap();
    let transfer = Transfer {
        from: "ann".into(),
        to: "bob".into(),
        cents: 3,
    };
    let receipt = app.execute(transfer).await.unwrap();
    assert!(receipt.events[0].is::<Withdrawn>() && receipt.events[1].is::<Deposited>());
    assert_eq!(receipt.position, receipt.events[1].position());
    // The revision is that of the first instance of its state.
    assert_eq!(receipt.revision, receipt.events[0].position());
    assert_eq!(
        (balance(&app, "ann").await, balance(&app, "bob").await),
        (2, 3)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_is_lost_when_many_write_to_the_same_instances() {
    let store = MemoryStore::new();
    let app = start(&store).await;
    for name in ["a", "b", "c"] {
        let _ = app.execute(deposit(name, 100)).await.unwrap();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..6_usize {
        let app = start(&store).await;
        tasks.spawn(async move {
            let names = ["a", "b", "c"];
            for round in 0..40 {
                let (from, to) = (names[(task + round) % 3], names[(task + 2 * round + 1) % 3]);
                let transfer = Transfer {
                    from: from.into(),
                    to: to.into(),
                    cents: 30,
                };
                match app.execute(transfer).await {
                    Ok(_) | Err(ExecuteError::Rejected(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    tasks.join_all().await;
    let balances = [
        balance(&app, "a").await,
        balance(&app, "b").await,
        balance(&app, "c").await,
    ];
    assert_eq!(balances.iter().sum::<i64>(), 300);
    assert!(balances.iter().all(|cents| *cents >= 0), "{balances:?}");
}

#[tokio::test]
async fn a_rejection_is_never_decided_on_a_stale_state() {
    let store = MemoryStore::new();
    let (one, other) = (start(&store).await, start(&store).await);
    let _ = one.execute(deposit("ann", 1)).await.unwrap();
    let _ = other.execute(deposit("ann", 10)).await.unwrap();
    // `one` has a balance of 1 in its cache.
    let receipt = one.execute(withdraw("ann", 11)).await.unwrap();
    assert_eq!(receipt.position, Position::new(3));
    assert_eq!(balance(&one, "ann").await, 0);
}

#[tokio::test]
async fn a_state_that_is_only_consulted_is_read_each_time() {
    let store = MemoryStore::new();
    let (one, other) = (start(&store).await, start(&store).await);
    let _ = one.execute(deposit("rich", 100)).await.unwrap();
    let sponsor = Sponsor {
        sponsor: "rich".into(),
        account: "ann".into(),
    };
    let _ = one.execute(sponsor.clone()).await.unwrap();
    let _ = other.execute(withdraw("rich", 50)).await.unwrap();
    assert!(matches!(
        one.execute(sponsor).await,
        Err(ExecuteError::Rejected(_))
    ));
}

#[tokio::test]
async fn an_instance_that_is_written_without_being_decided_on_is_guarded_too() {
    let store = MemoryStore::new();
    let (one, other) = (start(&store).await, start(&store).await);
    let _ = one.execute(deposit("rich", 100)).await.unwrap();
    let sponsor = Sponsor {
        sponsor: "rich".into(),
        account: "ann".into(),
    };
    // Between these two the revision that `one` remembers of the account gets stale.
    let _ = one.execute(sponsor.clone()).await.unwrap();
    let _ = other.execute(deposit("ann", 5)).await.unwrap();
    let _ = one.execute(sponsor).await.unwrap();
    assert_eq!(balance(&one, "ann").await, 7);
}

#[tokio::test]
async fn a_conflict_that_outlives_its_attempts_is_an_error_and_stores_nothing() {
    let store = MemoryStore::new();
    let one = bank()
        .start_with(store.clone(), AppOptions::new().max_attempts(1))
        .await
        .unwrap();
    let other = start(&store).await;
    let _ = one.execute(deposit("ann", 1)).await.unwrap();
    let _ = other.execute(deposit("ann", 1)).await.unwrap();
    let conflict = one.execute(deposit("ann", 1)).await.unwrap_err();
    assert!(
        matches!(conflict, ExecuteError::Conflict { attempts: 1 }),
        "{conflict:?}"
    );
    assert!(conflict.is_retryable());
    assert_eq!(events(&one).await.len(), 2);
    let _ = one.execute(deposit("ann", 1)).await.unwrap();
}

#[tokio::test]
async fn an_expected_revision_holds_or_the_command_is_stale() {
    let store = MemoryStore::new();
    let (one, other) = (start(&store).await, start(&store).await);
    let expect = |revision| ExecuteOptions::new().expected_revision(revision);
    let first = one
        .execute_with(deposit("ann", 1), expect(Position::START))
        .await
        .unwrap();
    let second = one
        .execute_with(deposit("ann", 1), expect(first.revision))
        .await
        .unwrap();
    let stale = one
        .execute_with(deposit("ann", 1), expect(first.revision))
        .await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { expected, actual })
            if expected.position() == first.revision && actual.position() == second.revision)
    );
    // The cache of `one` agrees with what it expects, and both are wrong.
    let _ = other.execute(deposit("ann", 1)).await.unwrap();
    let stale = one
        .execute_with(deposit("ann", 1), expect(second.revision))
        .await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { .. })),
        "{stale:?}"
    );
    let stale = one
        .execute_with(withdraw("ann", 100), expect(second.revision))
        .await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { .. })),
        "{stale:?}"
    );
    let import = Import {
        receipt: 1,
        account: "ann".into(),
        cents: 1,
    };
    let stale = one.execute_with(import, expect(second.revision)).await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { .. })),
        "{stale:?}"
    );
    assert_eq!(events(&one).await.len(), 3);
}

#[tokio::test]
async fn all_that_is_invalid_is_said_at_once() {
    let app = start(&MemoryStore::new()).await;
    let Err(ExecuteError::Invalid(violations)) = app.execute(deposit("", 0)).await else {
        panic!()
    };
    let paths: Vec<_> = violations
        .iter()
        .map(eventmodel::Violation::pointer)
        .collect();
    assert_eq!(paths, ["/cents", "/account"]);
}

#[tokio::test]
async fn a_key_that_is_too_long_is_an_error() {
    let app = start(&MemoryStore::new()).await;
    let error = app.execute(deposit(&"x".repeat(10_000), 1)).await;
    assert!(matches!(error, Err(ExecuteError::Key(_))), "{error:?}");
}

#[tokio::test]
async fn a_command_of_no_slice_is_an_error() {
    let model = eventmodel::EventModel::new("bank");
    let app = model.start(MemoryStore::new()).await.unwrap();
    let error = app.execute(deposit("ann", 1)).await;
    assert!(
        matches!(error, Err(ExecuteError::NotInModel { command: "Deposit" })),
        "{error:?}"
    );
}

#[tokio::test]
async fn without_a_cache_everything_is_the_same() {
    let store = MemoryStore::new();
    let app = bank()
        .start_with(store, AppOptions::new().state_cache(0))
        .await
        .unwrap();
    let _ = app
        .execute(Open {
            account: "ann".into(),
        })
        .await
        .unwrap();
    assert!(
        app.execute(Open {
            account: "ann".into()
        })
        .await
        .is_err()
    );
    let _ = app.execute(deposit("ann", 2)).await.unwrap();
    let _ = app.execute(withdraw("ann", 2)).await.unwrap();
    assert!(app.execute(withdraw("ann", 1)).await.is_err());
}

#[tokio::test]
async fn the_audit_trail_has_every_command_that_ended() {
    let store = MemoryStore::new();
    let app = bank()
        .start_with(store.clone(), AppOptions::new().max_attempts(1))
        .await
        .unwrap();
    let _ = app
        .execute_with(deposit("ann", 1), id("d").correlation_id("r"))
        .await
        .unwrap();
    let _ = app.execute_with(deposit("ann", 1), id("d")).await.unwrap();
    let _ = app.execute(withdraw("ann", 9)).await.unwrap_err();
    let _ = app.execute(deposit("", 0)).await.unwrap_err();
    let _ = start(&store)
        .await
        .execute(deposit("ann", 1))
        .await
        .unwrap();
    let _ = app.execute(deposit("ann", 1)).await.unwrap_err();

    let entries = app.audit(&AuditQuery::new()).await.unwrap();
    let outcomes: Vec<_> = entries.iter().rev().map(|entry| &entry.outcome).collect();
    assert!(
        matches!(outcomes[0], Outcome::Accepted { events, already_committed: false }
        if events[0].position == Position::new(1) && &*events[0].event_type == "Deposited")
    );
    assert!(matches!(
        outcomes[1],
        Outcome::Accepted {
            already_committed: true,
            ..
        }
    ));
    assert!(matches!(outcomes[2], Outcome::Rejected { code, .. } if &**code == "too-little"));
    assert!(matches!(outcomes[3], Outcome::Failed { .. }));
    assert!(matches!(outcomes[4], Outcome::Conflict));
    let query = AuditQuery::new().command("Deposit").correlation_id("r");
    let [entry] = &app.audit(&query).await.unwrap()[..] else {
        panic!()
    };
    assert_eq!(entry.id, CommandId::new("d").unwrap());
}

#[tokio::test]
async fn recorded_events_can_be_read() {
    let app = start(&MemoryStore::new()).await;
    for (name, cents) in [("ann", 1), ("bob", 2), ("ann", 3)] {
        let _ = app.execute(deposit(name, cents)).await.unwrap();
    }
    let _ = app.execute(withdraw("ann", 4)).await.unwrap();
    let positions = async |query| -> Vec<u64> {
        let events: Vec<_> = app.events(query).try_collect().await.unwrap();
        events.iter().map(|event| event.position().get()).collect()
    };
    assert_eq!(positions(EventQuery::new()).await, [1, 2, 3, 4]);
    assert_eq!(
        positions(EventQuery::new().of(&account("ann")).unwrap()).await,
        [1, 3, 4]
    );
    assert_eq!(positions(EventQuery::new().event::<Withdrawn>()).await, [4]);
    assert_eq!(
        positions(EventQuery::new().after(Position::new(2)).limit(1)).await,
        [3]
    );
    let mut live = app.events(EventQuery::new().after(Position::new(3)).live());
    assert_eq!(
        live.try_next().await.unwrap().unwrap().position(),
        Position::new(4)
    );
    let receipt = app.execute(deposit("cat", 1)).await.unwrap();
    assert_eq!(
        live.try_next().await.unwrap().unwrap().position(),
        receipt.position
    );
    app.shutdown().await.unwrap();
    assert!(live.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_long_log_in_which_nothing_is_found_does_not_keep_others_waiting() {
    let app = start(&MemoryStore::new()).await;
    for _ in 0..2_000 {
        let _ = app.execute(deposit("ann", 1)).await.unwrap();
    }
    let mut rare = app.events(EventQuery::new().of(&account("nobody")).unwrap());
    let turns = std::cell::Cell::new(0);
    let others = async {
        loop {
            turns.set(turns.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        found = rare.try_next() => assert!(found.unwrap().is_none()),
        () = others => unreachable!(),
    }
    assert!(turns.get() >= 5, "{}", turns.get());
}
