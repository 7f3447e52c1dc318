//! `If-Match` and `If-None-Match: *`.

use serde_json::json;

use crate::server::{Answer, Bank};

async fn deposit(bank: &Bank, headers: &[(&str, &str)]) -> Answer {
    bank.put_with("deposit", json!({ "account": "ada", "cents": 5 }), headers)
        .await
}

async fn bank_with_ada() -> Bank {
    let bank = Bank::open().await;
    bank.put("open-account", json!({ "account": "bob", "owner": null }))
        .await
        .expect(201);
    bank.put("open-account", json!({ "account": "ada", "owner": null }))
        .await
        .expect(201);
    bank
}

#[tokio::test]
async fn the_etag_of_a_receipt_can_be_expected() {
    let bank = bank_with_ada().await;
    let first = deposit(&bank, &[("if-match", "\"2\"")]).await.expect(201);
    let second = deposit(&bank, &[("if-match", first.header("etag"))])
        .await
        .expect(201);
    assert_eq!(second.revision(), 4);
}

#[tokio::test]
async fn the_etag_of_a_view_of_the_instance_can_be_expected() {
    let bank = bank_with_ada().await;
    let shown = bank.get("/query/balance/ada?after=2").await.expect(200);
    deposit(&bank, &[("if-match", shown.header("etag"))])
        .await
        .expect(201);
}

#[tokio::test]
async fn what_was_given_for_one_log_does_not_hold_in_another() {
    let [before, after] = [bank_with_ada().await, bank_with_ada().await];
    let receipt = deposit(&before, &[]).await.expect(201);
    deposit(&after, &[]).await.expect(201);
    let refused = deposit(&after, &[("if-match", receipt.header("etag"))]).await;
    let own = refused.header("etag").to_owned();
    refused.problem(412, "stale");
    deposit(&after, &[("if-match", &own)]).await.expect(201);
    let shown = before.get("/query/balance/ada").await.expect(200);
    let tag = shown.header("etag");
    let asked = [("if-none-match", tag)];
    before
        .get_with("/query/balance/ada", &asked)
        .await
        .expect(304);
    after
        .get_with("/query/balance/ada", &asked)
        .await
        .expect(200);
    let location = receipt.header("location");
    before.get(location).await.expect(200);
    after.get(location).await.problem(410, "log-replaced");
    let page = before.get("/events?limit=1").await.json();
    let next = page["next"].as_str().unwrap();
    before.get(next).await.expect(200);
    after.get(next).await.problem(410, "log-replaced");
}

#[tokio::test]
async fn a_stale_revision_is_refused() {
    let bank = bank_with_ada().await;
    let answer = deposit(&bank, &[("if-match", "\"1\"")]).await;
    assert_eq!(answer.revision(), 2);
    let problem = answer.problem(412, "stale");
    assert_eq!(
        (&problem["expected"], &problem["actual"]),
        (&json!(1), &json!(2))
    );
    deposit(&bank, &[("if-match", "\"2\"")]).await.expect(201);
    deposit(&bank, &[("if-match", "\"2\"")])
        .await
        .problem(412, "stale");
}

#[tokio::test]
async fn it_can_be_expected_that_nothing_is_there_yet() {
    let bank = bank_with_ada().await;
    let open = async |account: &str| {
        bank.put_with(
            "open-account",
            json!({ "account": account, "owner": null }),
            &[("if-none-match", "*")],
        )
        .await
    };
    open("ada").await.problem(412, "stale");
    open("eve").await.expect(201);
}

#[tokio::test]
async fn what_was_committed_is_not_stale_when_it_is_sent_again() {
    let bank = bank_with_ada().await;
    let headers = [("if-match", "\"2\""), ("idempotency-key", "k")];
    deposit(&bank, &headers).await.expect(201);
    assert_eq!(
        deposit(&bank, &headers).await.expect(201).json()["alreadyCommitted"],
        true
    );
}

#[tokio::test]
async fn a_precondition_that_is_not_understood_is_refused() {
    let bank = bank_with_ada().await;
    // What is an entity tag, and none that would be given, matches nothing.
    for tag in ["W/\"2\"", "\"\"", "\"two\"", "\"-1\"", "\"02\""] {
        deposit(&bank, &[("if-match", tag)])
            .await
            .problem(412, "stale");
    }
    for tag in ["2", "\"2\", \"3\"", "*", ""] {
        deposit(&bank, &[("if-match", tag)])
            .await
            .problem(400, "malformed-header");
    }
    deposit(&bank, &[("if-none-match", "\"2\"")])
        .await
        .problem(400, "malformed-header");
    deposit(&bank, &[("if-match", "\"2\""), ("if-none-match", "*")])
        .await
        .problem(400, "malformed-header");
    deposit(&bank, &[("if-match", "\"2\""), ("if-match", "\"2\"")])
        .await
        .problem(400, "malformed-header");
}
