//! Logs: opened more than once, told apart, and missed when they are not there.

use eventmodel::store::{AppendError, Load, StoreError};
use eventmodel::{CommandId, Position};
use tokio::task::JoinSet;

use super::bench::Bench;
use super::draft::{revision_of, same_events};
use super::join_all;

pub async fn a_log_that_was_not_opened_is_named_in_the_error(bench: Bench) {
    let nowhere = Bench::unopened(bench.store.clone());
    let account = nowhere.account(1);
    let draft = nowhere.command("Open").on(&account, Position::START);
    let names_it =
        |error: &StoreError| matches!(error, StoreError::UnknownLog { log } if *log == nowhere.log);
    let names_it_too =
        |error: &AppendError| matches!(error, AppendError::Store(error) if names_it(error));

    let append = draft.try_send().await.expect_err("it is not there");
    assert!(names_it_too(&append), "append: {append}");
    let command = draft.command_ref();
    let found = nowhere
        .committed(&command, std::slice::from_ref(&account))
        .await;
    let found = found.expect_err("it is not there");
    assert!(names_it_too(&found), "committed: {found}");
    let load = Load {
        log: nowhere.log.clone(),
        subject: account.clone(),
        after: Position::START,
        floor: Position::START,
        snapshot: None,
        commands: false,
    };
    let load = bench.store.load(load).await.expect_err("it is not there");
    assert!(names_it(&load), "load: {load}");
    let revision = bench.store.revision(&nowhere.log, &account).await;
    let revision = revision.expect_err("it is not there");
    assert!(names_it(&revision), "revision: {revision}");
    let last = bench.store.last_position(&nowhere.log).await;
    let last = last.expect_err("it is not there");
    assert!(names_it(&last), "last_position: {last}");
    for mut reader in [
        nowhere.read(Position::START, &[]),
        nowhere.follow(Position::START, &[]),
    ] {
        let error = reader.next_error().await;
        assert!(names_it(&error), "read: {error}");
    }
}

pub async fn opening_a_log_again_keeps_it(bench: Bench) {
    let account = bench.account(1);
    let command = bench.command("Open").on(&account, Position::START);
    let stored = command.send().await;
    let mut follower = bench.follow(stored.events[0].position(), &[]);
    for _ in 0..3 {
        bench.reopen().await;
    }
    same_events("the log", &bench.all().await, &stored.events);
    command.send_again().await;
    let seen = revision_of(&stored, &account);
    let next = bench.command("Deposit").on(&account, seen).send().await;
    same_events("a follower", &[follower.next().await], &next.events);
}

pub async fn a_log_is_opened_by_many_at_once(bench: Bench) {
    let fresh = Bench::unopened(bench.store.clone());
    let mut openers = JoinSet::new();
    for n in 0..8 {
        let bench = fresh.clone();
        openers.spawn(async move {
            bench.reopen().await;
            let account = bench.account(n);
            bench
                .command("Open")
                .on(&account, Position::START)
                .send()
                .await
        });
    }
    let stored = join_all(openers).await;
    assert_eq!(fresh.all().await.len(), stored.len());
}

pub async fn several_logs_are_opened_together(bench: Bench) {
    let benches = [(); 3].map(|()| Bench::unopened(bench.store.clone()));
    let specs = benches.each_ref().map(Bench::spec);
    let opened = bench.store.open(&specs).await;
    opened.unwrap_or_else(|error| panic!("the logs cannot be opened: {error}"));
    for bench in &benches {
        let opened = bench.command("Open").on(&bench.account(1), Position::START);
        let opened = opened.send().await;
        same_events("the log", &bench.all().await, &opened.events);
    }
}

pub async fn two_logs_know_nothing_of_each_other(bench: Bench) {
    let other = bench.another_log().await;
    let id = CommandId::fresh();
    let ours = bench
        .command("Open")
        .id(&id)
        .on(&bench.account(1), Position::START);
    let ours = ours.send().await;
    let mut follower = other.follow(Position::START, &[]);
    assert_eq!(other.last_position().await, Position::START);
    assert_eq!(other.revision(&other.account(1)).await, Position::START);
    // An id belongs to its log.
    let theirs = other
        .command("Close")
        .id(&id)
        .on(&other.account(1), Position::START);
    let theirs = theirs.send().await;
    same_events("our log", &bench.all().await, &ours.events);
    same_events("the other log", &other.all().await, &theirs.events);
    same_events("its follower", &[follower.next().await], &theirs.events);
}
