//! `Idempotency-Key`, and commands with an id of their own.

use futures_util::future::join_all;
use serde_json::json;

use crate::server::Bank;

#[tokio::test]
async fn the_same_key_gives_the_stored_receipt_again() {
    let bank = Bank::open().await;
    let send = async |key: &str| {
        let data = json!({ "account": "ada", "owner": null });
        bank.put_with("open-account", data, &[("idempotency-key", key)])
            .await
            .expect(201)
    };
    let first = send("\"order 42\"").await;
    assert_eq!(first.json()["commandId"], "order 42");
    let again = send("\"order 42\"").await;
    let mut expected = first.json();
    expected["alreadyCommitted"] = true.into();
    assert_eq!(again.json(), expected);
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(again.header("location"), first.header("location"));
}

#[tokio::test]
async fn a_key_is_the_same_with_quotes_and_without() {
    let bank = Bank::open().await;
    let ada = json!({ "account": "ada", "owner": null });
    bank.put_with(
        "open-account",
        ada.clone(),
        &[("idempotency-key", "order-42")],
    )
    .await
    .expect(201);
    let again = bank
        .put_with("open-account", ada, &[("idempotency-key", "\"order-42\"")])
        .await
        .expect(201);
    assert_eq!(again.json()["alreadyCommitted"], true);
}

#[tokio::test]
async fn the_same_key_with_another_body_or_command_is_refused() {
    let bank = Bank::open().await;
    let key = [("idempotency-key", "k")];
    bank.put_with(
        "open-account",
        json!({ "account": "ada", "owner": null }),
        &key,
    )
    .await
    .expect(201);
    let other_body = bank
        .put_with(
            "open-account",
            json!({ "account": "ada", "owner": "Bob" }),
            &key,
        )
        .await;
    let problem = other_body.problem(422, "id-reused");
    assert_eq!(problem["commandId"], "k");
    let other_command = bank
        .put_with("close-account", json!({ "account": "ada" }), &key)
        .await;
    other_command.problem(422, "id-reused");
}

#[tokio::test]
async fn a_rejection_is_decided_again() {
    let bank = Bank::open().await;
    let deposit = async || {
        let data = json!({ "account": "ada", "cents": 5 });
        bank.put_with("deposit", data, &[("idempotency-key", "k")])
            .await
    };
    let problem = deposit().await.problem(409, "deposit/not-open");
    assert_eq!(problem["commandId"], "k");
    bank.put("open-account", json!({ "account": "ada", "owner": null }))
        .await
        .expect(201);
    assert_eq!(
        deposit().await.expect(201).json()["alreadyCommitted"],
        false
    );
}

#[tokio::test]
async fn a_command_with_an_id_of_its_own_happens_once() {
    let bank = Bank::open().await;
    let visit = json!({ "desk": 1, "date": "2022-12-12" });
    assert_eq!(
        bank.put("plan-visit", visit.clone())
            .await
            .expect(201)
            .json()["alreadyCommitted"],
        false
    );
    assert_eq!(
        bank.put("plan-visit", visit).await.expect(201).json()["alreadyCommitted"],
        true
    );
}

#[tokio::test]
async fn many_who_send_the_same_key_at_once_get_one_receipt() {
    let bank = Bank::open().await;
    bank.put("open-account", json!({ "account": "ada", "owner": null }))
        .await
        .expect(201);
    let sent = (0..20).map(|_| {
        let data = json!({ "account": "ada", "cents": 5 });
        bank.put_with("deposit", data, &[("idempotency-key", "k")])
    });
    let receipts: Vec<_> = join_all(sent)
        .await
        .into_iter()
        .map(|answer| answer.expect(201).json())
        .collect();
    assert!(receipts.iter().all(|receipt| receipt["position"] == 2));
    assert_eq!(
        receipts
            .iter()
            .filter(|receipt| receipt["alreadyCommitted"] == false)
            .count(),
        1
    );
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_nothing_is_executed() {
    let bank = Bank::open().await;
    let ada = json!({ "account": "ada", "owner": null });
    for key in ["", "\"", "a b", "\"a\", \"b\"", "\u{e9}", &"x".repeat(300)] {
        let answer = bank
            .put_with("open-account", ada.clone(), &[("idempotency-key", key)])
            .await;
        assert_eq!(
            answer.problem(400, "malformed-header")["header"],
            "idempotency-key"
        );
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    bank.put_with("open-account", ada.clone(), &twice)
        .await
        .problem(400, "malformed-header");
    bank.put("open-account", ada).await.expect(201);
}
