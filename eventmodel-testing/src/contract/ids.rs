//! Ids: the same command again gives the first receipt, another one under its id is an error.

use eventmodel::store::{AppendError, Appended};
use eventmodel::{CommandId, CommandRef, Position, Subject};
use tokio::task::JoinSet;

use super::bench::Bench;
use super::draft::{Draft, revision_of, same_events};
use super::join_all;

/// The receipt of an earlier attempt must be the first one.
#[track_caller]
fn same_receipt(found: &Appended, first: &Appended) {
    same_events("the receipt", &found.events, &first.events);
    for revision in &first.revisions {
        assert_eq!(
            revision_of(found, &revision.subject),
            revision.expected,
            "the receipt tells another revision of `{}`",
            revision.subject
        );
    }
}

fn transfer<'a>(bench: &'a Bench, from: &Subject, to: &Subject) -> Draft<'a> {
    let draft = bench.command("Transfer").fingerprint(1);
    draft.on(from, Position::START).on(to, Position::START)
}

pub async fn the_same_command_again_gives_the_first_receipt(bench: Bench) {
    let account = bench.account(1);
    let one = bench.command("Open").on(&account, Position::START);
    let several = transfer(&bench, &bench.account(2), &bench.account(3));
    for command in [one, several] {
        let first = command.send().await;
        let before = bench.all().await;
        for _ in 0..3 {
            same_receipt(&command.send_again().await, &first);
        }
        same_events("the log", &bench.all().await, &before);
    }
}

pub async fn the_first_receipt_is_given_when_the_guards_no_longer_hold(bench: Bench) {
    let account = bench.account(1);
    let command = bench.command("Open").on(&account, Position::START);
    let first = command.send().await;
    let mut tail = revision_of(&first, &account);
    for _ in 0..30 {
        let next = bench.command("Deposit").on(&account, tail).send().await;
        tail = revision_of(&next, &account);
    }
    same_receipt(&command.send_again().await, &first);
    // Decided again on what is there now, with another outcome: it was committed all the same.
    let decided_again = bench.command("Open").id(&command.command_ref().id);
    let decided_again = decided_again.on(&account, tail).event(&[&account]);
    same_receipt(&decided_again.send_again().await, &first);
    assert_eq!(bench.revision(&account).await, tail);
}

pub async fn a_command_sent_many_times_at_once_is_stored_once(bench: Bench) {
    for round in 0..15u64 {
        let id = CommandId::fresh();
        let mut senders = JoinSet::new();
        for _ in 0..6 {
            let (bench, id) = (bench.clone(), id.clone());
            senders.spawn(async move {
                let (from, to) = (bench.account(round), bench.course(round));
                let mut draft = bench.command("Transfer").id(&id).fingerprint(round);
                draft = draft.on(&from, Position::START);
                if round % 2 == 1 {
                    draft = draft.on(&to, Position::START);
                }
                draft.try_send().await
            });
        }
        let answers: Vec<_> = join_all(senders).await;
        let receipts: Vec<_> = answers
            .iter()
            .map(|answer| match answer {
                Ok(receipt) => receipt,
                Err(error) => panic!("one of the same commands was refused: {error}"),
            })
            .collect();
        let stored_now = receipts.iter().filter(|receipt| !receipt.already_committed);
        assert_eq!(stored_now.count(), 1, "one of them, and only one, is new");
        for receipt in &receipts[1..] {
            same_receipt(receipt, receipts[0]);
        }
        let account = bench.account(round);
        let floor = revision_of(receipts[0], &account);
        assert_eq!(bench.history(&account, floor).await.len(), 1);
    }
}

pub async fn another_command_under_a_used_id_is_refused(bench: Bench) {
    let account = bench.account(1);
    let first = bench.command("Open").fingerprint(1);
    let first = first.on(&account, Position::START);
    let stored = first.send().await;
    let tail = revision_of(&stored, &account);
    let id = first.command_ref().id;
    for (name, fingerprint) in [("Close", 1), ("Open", 2)] {
        for seen in [Position::START, tail] {
            let other = bench.command(name).id(&id).fingerprint(fingerprint);
            let other = other.on(&account, seen);
            other.must_be_another().await;
            let command = other.command_ref();
            let found = bench
                .committed(&command, std::slice::from_ref(&account))
                .await;
            assert!(
                matches!(found, Err(AppendError::IdReused { .. })),
                "the look-up of another command under a used id should say so"
            );
        }
    }
    same_events("the log", &bench.all().await, &stored.events);
    same_events(
        "the first receipt",
        &first.send_again().await.events,
        &stored.events,
    );
}

pub async fn a_body_that_is_not_known_is_not_another_one(bench: Bench) {
    let (a, b) = (bench.account("a"), bench.account("b"));
    for (instance, first, second) in [(&a, Some(7), None), (&b, None, Some(7))] {
        let command = bench.command("Open").fingerprint(first);
        let command = command.on(instance, Position::START);
        let stored = command.send().await;
        let again = command.fingerprint(second).send_again().await;
        same_receipt(&again, &stored);
    }
}

pub async fn a_used_id_is_noticed_on_another_instance(bench: Bench) {
    let (first, second) = (bench.account(1), bench.account(2));
    let command = bench.command("Open").on(&first, Position::START);
    let stored = command.send().await;
    let id = command.command_ref().id;
    let same = bench.command("Open").id(&id).on(&second, Position::START);
    same_receipt(&same.send_again().await, &stored);
    let other = bench.command("Close").id(&id).on(&second, Position::START);
    other.must_be_another().await;
    let both = bench.command("Close").id(&id).on(&second, Position::START);
    both.on(&bench.account(3), Position::START)
        .must_be_another()
        .await;
    same_events("the log", &bench.all().await, &stored.events);
}

pub async fn the_id_of_a_refused_command_is_not_used_up(bench: Bench) {
    let account = bench.account(1);
    let opened = bench.command("Open").on(&account, Position::START).send();
    let tail = revision_of(&opened.await, &account);
    let id = CommandId::fresh();
    let stale = bench
        .command("Deposit")
        .id(&id)
        .on(&account, Position::START);
    stale.must_conflict().await;
    let retried = bench.command("Deposit").id(&id).on(&account, tail);
    retried.send().await;
    assert_eq!(bench.all().await.len(), 2);
}

pub async fn what_was_committed_is_found(bench: Bench) {
    let (from, to, read) = (bench.account(1), bench.account(2), bench.course(1));
    let subjects = [read.clone(), from.clone(), to.clone()];
    let command = transfer(&bench, &from, &to).guard(&read, Position::START);
    let find = async |command: CommandRef| match bench.committed(&command, &subjects).await {
        Ok(found) => found,
        Err(error) => panic!("the look-up failed: {error}"),
    };
    assert!(find(command.command_ref()).await.is_none());
    let stored = command.send().await;
    let unknown = bench.command("Transfer").command_ref();
    let mut tail = revision_of(&stored, &from);
    for round in 0..20 {
        if round % 10 == 0 {
            let found = find(command.command_ref()).await;
            let found = found.expect("the command was committed");
            assert!(found.already_committed);
            same_receipt(&found, &stored);
            assert!(
                find(unknown.clone()).await.is_none(),
                "an unknown command is found"
            );
        }
        let next = bench.command("Deposit").on(&from, tail).send().await;
        tail = revision_of(&next, &from);
    }
}

pub async fn a_command_that_is_said_to_be_absent_is_absent(bench: Bench) {
    let account = bench.account(1);
    let (mut read, mut tail) = (Position::START, Position::START);
    let mut stored: Vec<(CommandId, Position)> = Vec::new();
    for round in 0..12u64 {
        // Some say what they are a repetition of, as with the id of a caller.
        let draft = bench.command("Deposit").on(&account, tail);
        let draft = draft.fingerprint((round % 4 < 2).then_some(round));
        tail = revision_of(&draft.send().await, &account);
        stored.push((draft.command_ref().id, tail));
        if round % 3 == 2 {
            let after = if round % 2 == 0 {
                read
            } else {
                Position::START
            };
            read = bench.load_commands(&account, after, tail).await.revision;
        }
        for (n, (id, first)) in stored.iter().enumerate() {
            for (_, until) in &stored[n..] {
                assert!(
                    !bench.store.is_absent(&bench.log, &account, *until, id),
                    "`{id}`, which is at {first}, is said not to be there up to {until}"
                );
            }
        }
    }
    let later = Position::new(tail.get() + 1_000);
    let next = CommandId::fresh();
    assert!(
        !bench.store.is_absent(&bench.log, &account, later, &next),
        "nobody knows what will be there"
    );
}

pub async fn ids_that_look_alike_are_different(bench: Bench) {
    let long = "é".repeat(CommandId::MAX_LEN / 2);
    let longer = format!("{}e", "é".repeat(CommandId::MAX_LEN / 2 - 1));
    let ids = [
        "x", "X", "x/0", "x/0/0", "x ", " x", "x%20", "x%2F0", "x.0", "*", ">", "%", "ä",
        "a\u{308}", "\"", "'", "x;--", "null", "0", "00", "日本", "🦀", "$SYS", "\\n", &long,
        &longer,
    ];
    let mut stored = Vec::new();
    for (n, text) in ids.iter().enumerate() {
        let id = CommandId::new(text).expect("the id is valid");
        let account = bench.account(n);
        let command = bench.command("Open").id(&id).fingerprint(n as u64);
        let receipt = command.on(&account, Position::START).send().await;
        stored.push((id, account, receipt));
    }
    for (n, (id, account, first)) in stored.iter().enumerate() {
        let command = bench.command("Open").id(id).fingerprint(n as u64);
        let again = command.on(account, Position::START).send_again().await;
        same_receipt(&again, first);
    }
    let expected: Vec<_> = stored.into_iter().flat_map(|(.., r)| r.events).collect();
    same_events("the log", &bench.all().await, &expected);
}
