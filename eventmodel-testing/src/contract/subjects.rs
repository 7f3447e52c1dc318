//! Keys of any text: each is one instance, and comes back as it was.

use eventmodel::{Position, Subject, SubjectReader};

use super::bench::Bench;
use super::draft::{revision_of, same_events};

/// Texts that mean something to a server, a file system, a query language, or a terminal.
fn hostile_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "",
        "*",
        ">",
        ".",
        "..",
        "a",
        "A",
        "a.b",
        "a.*",
        "a.>",
        "$JS",
        "$SYS.>",
        "a b",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\0",
        "%",
        "%%",
        "%2E",
        "%2e",
        "%00",
        "\\",
        "/",
        "../x",
        "'",
        "\"",
        "' OR 1=1 --",
        ";",
        "_",
        "?",
        "[a]",
        "null",
        "0",
        "00",
        "-1",
        "é",
        "e\u{301}",
        "ß",
        "SS",
        "日本",
        "🦀",
        "\u{202e}x",
        "\u{feff}",
        "\u{10ffff}",
        "ı",
        "I",
    ]
    .map(str::to_owned)
    .into();
    keys.push("x".repeat(600));
    keys.push(format!("{}y", "x".repeat(599)));
    keys.push("ü".repeat(100));
    keys
}

/// The key that the subject of an account was made from.
fn key_of(subject: &Subject, prefix: &str) -> String {
    let mut reader = SubjectReader::new(subject, "{log}.account.{key}");
    let read = reader
        .literal(prefix.trim_end_matches('.'))
        .and_then(|()| reader.literal("account"))
        .and_then(|()| reader.token("key"));
    read.unwrap_or_else(|error| panic!("the subject came back otherwise: {error}"))
}

pub async fn hostile_keys_come_back_as_they_were(bench: Bench) {
    let prefix = bench.prefix();
    let keys = hostile_keys();
    for key in &keys {
        let account = bench.account(key);
        let appended = bench.command("Open").on(&account, Position::START);
        let appended = appended.send().await;
        let history = bench
            .history(&account, revision_of(&appended, &account))
            .await;
        same_events(
            &format!("the history of {key:?}"),
            &history,
            &appended.events,
        );
        assert_eq!(key_of(history[0].subject(), &prefix), *key);
    }
    let all = bench.all().await;
    let found: Vec<_> = all.iter().map(|e| key_of(e.subject(), &prefix)).collect();
    assert_eq!(found, keys);
}

pub async fn hostile_keys_do_not_share_history(bench: Bench) {
    let keys = hostile_keys();
    let mut tails = Vec::new();
    for round in 0..2 {
        for (n, key) in keys.iter().enumerate() {
            let account = bench.account(key);
            let seen = tails.get(n).copied().unwrap_or(Position::START);
            // A key that shares history with an earlier one conflicts here.
            let appended = bench.command("Deposit").on(&account, seen);
            let appended = appended.payload(format!("{n}/{round}")).send().await;
            let tail = revision_of(&appended, &account);
            if round == 0 {
                tails.push(tail);
            } else {
                tails[n] = tail;
            }
        }
    }
    for (n, (key, tail)) in keys.iter().zip(tails).enumerate() {
        let account = bench.account(key);
        assert_eq!(bench.revision(&account).await, tail);
        for events in [
            bench.history(&account, tail).await,
            bench
                .read(Position::START, &[(&account).into()])
                .rest()
                .await,
        ] {
            let payloads: Vec<_> = events.iter().map(|e| e.payload().clone()).collect();
            let expected = [format!("{n}/0"), format!("{n}/1")];
            assert_eq!(payloads, expected, "the events of {key:?}");
        }
    }
}

pub async fn two_tokens_are_never_taken_for_others(bench: Bench) {
    let pairs = [
        ("a", "b.c"),
        ("a.b", "c"),
        ("", "a"),
        ("a", ""),
        ("*", "a"),
        ("a", "*"),
        ("a", "b"),
    ];
    for (n, (row, number)) in pairs.iter().enumerate() {
        let seat = bench.seat(row, number);
        let reserved = bench.command("Reserve").on(&seat, Position::START);
        reserved.payload(n.to_string()).send().await;
    }
    for (n, (row, number)) in pairs.iter().enumerate() {
        let seat = bench.seat(row, number);
        let history = bench.history(&seat, bench.revision(&seat).await).await;
        let payloads: Vec<_> = history.iter().map(|e| e.payload().clone()).collect();
        assert_eq!(
            payloads,
            [n.to_string()],
            "the events of {row:?}, {number:?}"
        );
    }
}
