//! Payloads and metadata come back byte for byte.

use bytes::Bytes;
use eventmodel::store::AppendError;
use eventmodel::{CommandId, Position};
use jiff::Timestamp;

use super::bench::Bench;
use super::draft::{revision_of, same_events};

/// Bytes without a pattern that a compression or a text conversion would keep by chance.
fn noise(len: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

pub async fn a_large_payload_is_intact(bench: Bench) {
    let account = bench.account(1);
    let stored = bench.command("Attach").on(&account, Position::START);
    let stored = stored.payload(noise(500_000, 1)).send().await;
    let history = bench
        .history(&account, revision_of(&stored, &account))
        .await;
    same_events("loaded", &history, &stored.events);
    same_events("read", &bench.all().await, &stored.events);
}

pub async fn many_large_events_are_loaded_together(bench: Bench) {
    let account = bench.account(1);
    let mut tail = Position::START;
    let mut stored = Vec::new();
    for n in 0..12 {
        let draft = bench
            .command("Attach")
            .on(&account, tail)
            .payload(noise(500_000, n));
        let draft = draft.event(&[&account]).payload(noise(300_000, 100 + n));
        let appended = draft.send().await;
        tail = revision_of(&appended, &account);
        stored.extend(appended.events);
    }
    same_events("loaded", &bench.history(&account, tail).await, &stored);
    same_events("read", &bench.all().await, &stored);
    let mut follower = bench.follow(stored[0].position(), &[]);
    same_events("followed", &follower.up_to(tail).await, &stored[1..]);
}

pub async fn a_payload_over_the_limit_is_refused(bench: Bench) {
    let (account, other) = (bench.account(1), bench.account(2));
    // A store that takes this much has its limit further on, or none.
    for len in [2 << 20, 9 << 20, 65 << 20] {
        let seen = bench.revision(&account).await;
        let before = bench.last_position().await;
        let large = bench.command("Attach").on(&account, seen);
        let large = large.payload(vec![b'x'; len]);
        let id = large.command_ref().id;
        let (event, size, max) = match large.try_send().await {
            Ok(_) => continue,
            Err(AppendError::TooLarge { event, size, max }) => (event, size, max),
            Err(error) => panic!("{len} bytes are too large, the error is: {error}"),
        };
        assert_eq!(event, id.event(0), "the error names the event");
        assert!(
            size >= len && size > max,
            "{size} bytes are said to be more than {max}"
        );
        let batch = bench.command("Attach").on(&other, Position::START);
        let batch = batch.on(&account, seen).payload(vec![b'x'; len]);
        match batch.try_send().await {
            Err(AppendError::TooLarge { event, .. }) => {
                assert_eq!(event, batch.command_ref().id.event(1));
            }
            answer => panic!("one of two events is too large, the answer is: {answer:?}"),
        }
        assert_eq!(bench.last_position().await, before, "something was stored");
        assert_eq!(bench.revision(&account).await, seen);
        assert_eq!(bench.revision(&other).await, Position::START);

        // What the error says is true: so much fits. And the id is still free.
        let fits = max - (size - len);
        let smaller = bench.command("Attach").id(&id).on(&account, seen);
        let stored = smaller.payload(noise(fits, 1)).send().await;
        let found = bench.read(before, &[]).rest().await;
        same_events("the log", &found, &stored.events);
        return;
    }
}

pub async fn more_records_than_the_limit_are_refused(bench: Bench) {
    let max = bench.store.limits().records;
    // A store may have no limit to speak of.
    if max > 10_000 {
        return;
    }
    let (course, student) = (bench.course(1), bench.student(1));
    let before = bench.last_position().await;
    // An event of two streams is two records, and so many are one too many.
    let draft = |more: usize| {
        let mut draft = bench.command("Fill").on(&course, Position::START);
        draft = draft.guard(&student, Position::START);
        for _ in 0..max - 2 + more {
            draft = draft.event(&[&course]);
        }
        draft
    };
    match draft(1).event(&[&course, &student]).try_send().await {
        Err(AppendError::TooMany { records, max: said }) => {
            assert_eq!((records, said), (max + 2, max));
        }
        answer => panic!(
            "{} records are too many, the answer is: {answer:?}",
            max + 2
        ),
    }
    assert_eq!(bench.last_position().await, before, "something was stored");
    // The guard alone is a record, too.
    let stored = draft(0).send().await;
    assert_eq!(stored.events.len(), max - 1);
}

pub async fn any_bytes_are_a_payload(bench: Bench) {
    let payloads: [Bytes; 8] = [
        Bytes::new(),
        Bytes::from_static(b"{}"),
        Bytes::from_static(b"\0"),
        Bytes::from_static(b"\r\n"),
        Bytes::from_static(b"NATS/1.0\r\nNats-Msg-Id: x\r\n\r\n"),
        Bytes::from_static("\u{feff}ä🦀".as_bytes()),
        Bytes::from_static(&[0xff, 0xfe, 0xc3, 0x28]),
        (0..=u8::MAX).collect(),
    ];
    let account = bench.account(1);
    let mut tail = Position::START;
    let mut stored = Vec::new();
    for payload in &payloads {
        let draft = bench
            .command("Attach")
            .on(&account, tail)
            .payload(payload.clone());
        let draft = draft.metadata(|m| m.content_type = "application/octet-stream".into());
        let appended = draft.send().await;
        tail = revision_of(&appended, &account);
        stored.extend(appended.events);
    }
    same_events("loaded", &bench.history(&account, tail).await, &stored);
    same_events("read", &bench.all().await, &stored);
    let found: Vec<_> = stored.iter().map(|e| e.payload().clone()).collect();
    assert_eq!(found, payloads);
}

/// All that can break an envelope.
const HOSTILE: &str =
    " \u{e4} \"q\" 'x' 100%25 \r\n\tX-Injected: y\0 \u{65e5} \u{1f980} =;,\\ \u{7f} ";

pub async fn metadata_comes_back_to_the_last_field(bench: Bench) {
    let account = bench.account(1);
    let command = |n: usize| {
        CommandId::new(&format!(" \u{e4}%20\"{n}\" \u{1f980}/{n} ")).expect("it is valid")
    };
    let draft = bench.command(HOSTILE).id(&command(1));
    let draft = draft.fingerprint(u64::MAX).on(&account, Position::START);
    let draft = draft.metadata(|m| {
        m.event_type = "Konto er\u{f6}ffnet/2.0 \"100%\"".into();
        m.version = u32::MAX;
        m.time = Timestamp::new(1_670_803_200, 123_456_789).expect("it is valid");
        m.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
        m.content_type = "application/json; charset=\"utf-8\"".into();
    });
    let first = draft.send().await;
    let seen = revision_of(&first, &account);
    let draft = bench.command("Change").id(&command(2)).on(&account, seen);
    let draft = draft.metadata(|m| {
        m.source = HOSTILE.into();
        m.correlation_id = HOSTILE.into();
        m.causation_id = Some(HOSTILE.into());
        m.time = Timestamp::new(-1, -1).expect("it is valid");
    });
    let draft = draft.event(&[&account]).metadata(|m| {
        m.time = Timestamp::new(4_102_444_800, 1_000_000).expect("it is valid");
    });
    let second = draft.send().await;

    let tail = revision_of(&second, &account);
    let stored = [first.events.clone(), second.events.clone()].concat();
    same_events("loaded", &bench.history(&account, tail).await, &stored);
    same_events("read", &bench.all().await, &stored);
    let followed = bench.follow(Position::START, &[]).up_to(tail).await;
    same_events("followed", &followed, &stored);
    for receipt in [&first, &second] {
        let command = &receipt.events[0].metadata().command;
        let found = bench
            .committed(command, std::slice::from_ref(&account))
            .await;
        let found = found.unwrap_or_else(|error| panic!("the look-up failed: {error}"));
        let found = found.expect("the command was committed");
        same_events("looked up", &found.events, &receipt.events);
    }
}
