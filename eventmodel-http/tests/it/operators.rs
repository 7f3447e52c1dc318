//! Health, the index, and what only operators may see.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::Method;
use eventmodel::{App, MemoryStore, Position};
use eventmodel_http::Http;
use serde_json::{Value, json};
use support::torn::torn;

use crate::held::HeldStore;
use crate::model::BonusBot;
use crate::server::{Answer, Bank, request};

async fn open(bank: &Bank, account: &str, owner: &str) {
    bank.put(
        "open-account",
        json!({ "account": account, "owner": owner }),
    )
    .await
    .expect(201);
}

#[tokio::test]
async fn the_index_lists_what_can_be_done() {
    let bank = Bank::open().await;
    let index = bank.get("/").await.expect(200).json();
    assert_eq!(index["model"], "bank");
    let names = |list: &str| -> Vec<Value> {
        index[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["name"].clone())
            .collect()
    };
    assert_eq!(
        names("commands"),
        ["OpenAccount", "Deposit", "PlanVisit", "CloseAccount"]
    );
    assert_eq!(names("views"), ["Balance", "Totals", "Agenda"]);
    let open = &index["commands"][0];
    assert_eq!(open["doc"], "Opens an account.");
    assert_eq!(open["href"], "/mutation/open-account");
    assert_eq!(
        open["fields"][1],
        json!({ "name": "owner", "type": "Option<String>", "doc": "" })
    );
    assert_eq!(open["emits"], json!(["AccountOpened"]));
    assert_eq!(open["rejects"][0]["code"], "already-open");
    let templates: Vec<_> = index["views"]
        .as_array()
        .unwrap()
        .iter()
        .map(|view| view["template"].clone())
        .collect();
    assert_eq!(
        templates,
        [
            "/query/balance/{account}",
            "/query/totals",
            "/query/agenda/{desk}/{date}"
        ]
    );
    for link in ["health", "ready", "problems"] {
        bank.get(index[link].as_str().unwrap()).await.expect(200);
    }
}

#[tokio::test]
async fn a_bank_that_runs_is_ready() {
    let bank = Bank::open().await;
    open(&bank, "a", "Ada").await;
    bank.app.settled().await.unwrap();
    assert_eq!(
        bank.get("/health").await.expect(200).json(),
        json!({ "status": "up" })
    );
    let ready = bank.get("/ready").await.expect(200).json();
    assert_eq!(ready["status"], "ready");
    let balance = ready["views"]
        .as_array()
        .unwrap()
        .iter()
        .find(|view| view["name"] == "Balance")
        .unwrap();
    assert_eq!(
        balance,
        &json!({ "name": "Balance", "status": "running", "positions": { "bank": 1 } })
    );
    assert_eq!(
        ready["automations"][0],
        json!({ "name": "BonusBot", "status": "running", "parked": 0, "positions": { "bank": 1 } })
    );
}

#[tokio::test]
async fn a_bank_whose_views_are_not_there_yet_is_not_ready() {
    let store = HeldStore::new();
    let first = Bank::on(store.clone(), BonusBot::default(), |http| http.router()).await;
    open(&first, "a", "Ada").await;
    store.hold_readers();
    let second = Bank::on(store.clone(), BonusBot::default(), |http| http.router()).await;
    let ready = second.get("/ready").await.expect(503).json();
    assert_eq!(ready["status"], "not-ready");
    assert_eq!(ready["views"][0]["status"], "catching-up");
    second.get("/health").await.expect(200);
    store.release_readers();
    second.app.settled().await.unwrap();
    second.get("/ready").await.expect(200);
}

#[tokio::test]
async fn a_bank_that_was_shut_down_is_not_ready() {
    let bank = Bank::open().await;
    bank.app.shutdown().await.unwrap();
    assert_eq!(
        bank.get("/ready").await.expect(503).json()["views"][0]["status"],
        "stopped"
    );
}

#[tokio::test]
async fn the_audit_trail_says_how_commands_ended() {
    let bank = Bank::open().await;
    open(&bank, "a", "Ada").await;
    let data = json!({ "account": "b", "cents": 1 });
    let rejected = bank
        .put("deposit", data)
        .await
        .problem(409, "deposit/not-open");
    let stale = bank.put_with(
        "close-account",
        json!({ "account": "a" }),
        &[("if-match", "\"9\""), ("idempotency-key", "k")],
    );
    stale.await.problem(412, "stale");
    let items = async |query: &str| {
        bank.get(&format!("/audit{query}")).await.expect(200).json()["items"].clone()
    };
    let all = items("").await;
    let outcomes: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["conflict", "rejected", "accepted"]);
    assert_eq!(
        all[2]["events"],
        json!([{ "type": "AccountOpened", "position": 1 }])
    );
    let correlated = items(&format!(
        "?correlationId={}",
        rejected["correlationId"].as_str().unwrap()
    ))
    .await;
    assert_eq!(correlated, json!([all[1]]));
    assert_eq!(correlated[0]["code"], "not-open");
    assert_eq!(items("?command=OpenAccount").await, json!([all[2]]));
    assert_eq!(items("?id=k").await, json!([all[0]]));
    assert_eq!(items("?limit=1").await, json!([all[0]]));
    assert_eq!(items("?since=9999-01-01T00:00:00Z").await, json!([]));
    for query in [
        "since=yesterday",
        "limit=0",
        "limit=x",
        "id=",
        "id=%00",
        "command=a&command=b",
    ] {
        bank.get(&format!("/audit?{query}"))
            .await
            .problem(400, "malformed-url");
    }
}

#[tokio::test]
async fn recorded_events_are_read_in_pages() {
    let bank = Bank::open().await;
    for account in ["a", "b", "c"] {
        open(&bank, account, "Ada").await;
    }
    bank.put("plan-visit", json!({ "desk": 1, "date": "2022-12-12" }))
        .await
        .expect(201);
    let (mut next, mut seen) = (
        Some("/events?limit=2&subject=account.*".to_owned()),
        Vec::new(),
    );
    while let Some(link) = next {
        let page = bank.get(&link).await.expect(200).json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["position"].clone()),
        );
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, [1, 2, 3]);
    let both = bank
        .get("/events?subject=account.a&subject=visit.%3E&log=bank")
        .await
        .expect(200)
        .json();
    let subjects: Vec<_> = both["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["subject"].clone())
        .collect();
    assert_eq!(subjects, ["account.a", "visit.1.2022-12-12"]);
    assert_eq!(
        bank.get("/events?after=4").await.json(),
        json!({ "items": [] })
    );
    bank.get("/events?log=other")
        .await
        .problem(404, "unknown-log");
    for query in ["subject=a..b", "subject=", "after=x", "limit=0"] {
        bank.get(&format!("/events?{query}"))
            .await
            .problem(400, "malformed-url");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_listed_with_its_reason() {
    let store = torn(MemoryStore::new(), Position::new(2));
    let all = |http: Http| http.router().merge(http.admin());
    let bank = Bank::on(store, BonusBot::default(), all).await;
    open(&bank, "a", "Ada").await;
    bank.put("plan-visit", json!({ "desk": 1, "date": "2022-12-12" }))
        .await
        .expect(201);
    open(&bank, "b", "Bob").await;
    let first = bank.get("/events?limit=2").await.expect(200).json();
    assert_eq!(first["items"][0]["position"], 1);
    let unreadable = &first["items"][1];
    for (field, is) in [
        ("position", json!(2)),
        ("subject", json!("visit.1.2022-12-12")),
    ] {
        assert_eq!(unreadable[field], is, "{unreadable}");
    }
    let reason = unreadable["unreadable"].as_str().unwrap();
    assert!(reason.contains("no event of this model"), "{reason}");
    let next = first["next"].as_str().unwrap();
    let second = bank.get(next).await.expect(200).json();
    assert_eq!(second["items"][0]["position"], 3);

    // The view of accounts goes on past it and says so.
    let ready = bank.get("/ready").await.json();
    let views = ready["views"].as_array().unwrap();
    let went_on: Vec<_> = views.iter().filter(|view| view["unread"] == 1).collect();
    assert!(!went_on.is_empty(), "{ready}");
    assert!(
        went_on.iter().all(|view| view["status"] == "running"),
        "{ready}"
    );
}

async fn retry(bank: &Bank, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    bank.send(request(
        Method::POST,
        "/parked/retry",
        &headers,
        Body::from(body.to_string()),
    ))
    .await
}

async fn parked(app: &App) {
    app.settled().await.unwrap();
}

#[tokio::test]
async fn what_an_automation_has_set_aside_can_be_seen_and_retried() {
    let mended = Arc::new(AtomicBool::new(false));
    let bot = BonusBot {
        mended: mended.clone(),
    };
    let bank = Bank::on(MemoryStore::new(), bot, |http| {
        http.router().merge(http.admin())
    })
    .await;
    for account in ["a", "b"] {
        open(&bank, account, "poison").await;
    }
    parked(&bank.app).await;
    let items = bank.get("/parked").await.expect(200).json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 2);
    assert_eq!(items[0]["subject"], "account.a");
    assert_eq!(items[0]["position"], 1);
    assert_eq!(items[0]["error"], "the handler failed: it is poisoned");
    assert_eq!(
        bank.get("/ready").await.expect(200).json()["automations"][0]["parked"],
        2
    );

    for body in [
        json!({ "subject": "account.c" }),
        json!({ "automation": "Other" }),
        json!({ "log": "other" }),
    ] {
        retry(&bank, &body).await.problem(404, "not-parked");
    }
    for body in [json!({ "subjekt": "account.a" }), json!({ "subject": 1 })] {
        retry(&bank, &body).await.problem(422, "invalid-fields");
    }
    retry(&bank, &json!([]))
        .await
        .problem(400, "malformed-body");

    mended.store(true, Ordering::SeqCst);
    let retried = retry(
        &bank,
        &json!({ "subject": "account.b", "automation": "BonusBot" }),
    )
    .await
    .expect(202)
    .json();
    assert_eq!(retried["retried"].as_array().unwrap().len(), 1);
    let mut watch = bank.app.view_at("balance").unwrap().watch("b", None);
    loop {
        let entry = futures_util::StreamExt::next(&mut watch)
            .await
            .unwrap()
            .unwrap();
        if entry.to_json().unwrap()["cents"] == 100 {
            break;
        }
    }
    assert_eq!(
        bank.get("/parked").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    retry(&bank, &json!({})).await.expect(202);
}

#[tokio::test]
async fn operators_routes_are_not_among_the_others() {
    let bank = Bank::with(|http| http.router()).await;
    for path in ["/audit", "/events", "/parked", "/refused"] {
        bank.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn what_was_no_command_is_counted_by_its_reason_and_not_in_the_audit_trail() {
    let bank = Bank::with(|http| http.router().merge(http.admin())).await;
    let open = |body: Value| bank.put("open-account", body);
    for _ in 0..3 {
        bank.put("no-such-command", json!({}))
            .await
            .problem(404, "unknown-command");
    }
    for body in [json!({ "account": 1, "owner": null }), json!({})] {
        open(body).await.problem(422, "invalid-fields");
    }
    let put = Method::PUT;
    let json = [("content-type", "application/json")];
    for (headers, body) in [(&json[..], "{"), (&json, "[]"), (&[], "{}")] {
        let request = request(
            put.clone(),
            "/mutation/open-account",
            headers,
            Body::from(body),
        );
        bank.send(request).await;
    }
    bank.get("/nowhere").await.problem(404, "not-found");
    bank.get("/mutation/open-account")
        .await
        .problem(405, "method-not-allowed");
    // These are commands, and no view is one.
    let ann = || json!({ "account": "ann", "owner": "Ann" });
    open(ann()).await.expect(201);
    open(ann()).await.problem(409, "open-account/already-open");
    bank.get("/query/balance/nobody")
        .await
        .problem(404, "no-such-instance");

    let answer = bank.get("/refused").await.expect(200).json();
    let counts: Vec<_> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["code"].as_str().unwrap(),
                item["status"].as_u64(),
                item["requests"].as_u64(),
            )
        })
        .collect();
    let expected = [
        ("invalid-fields", 422, 2),
        ("malformed-body", 400, 2),
        ("method-not-allowed", 405, 1),
        ("not-found", 404, 1),
        ("unknown-command", 404, 3),
        ("unsupported-media-type", 415, 1),
    ];
    let expected = expected.map(|(code, status, requests)| (code, Some(status), Some(requests)));
    assert_eq!(counts, expected, "{answer}");
    let audit = bank.get("/audit").await.expect(200).json();
    assert_eq!(audit["items"].as_array().unwrap().len(), 2);
}
