//! A store in trouble, and executions that take too long.

use std::time::Duration;

use eventmodel::StoreError;
use eventmodel::store::AppendError;
use serde_json::json;

use crate::held::HeldStore;
use crate::model::BonusBot;
use crate::server::{Answer, Bank};

async fn open(bank: &Bank, headers: &[(&str, &str)]) -> Answer {
    bank.put_with(
        "open-account",
        json!({ "account": "a", "owner": null }),
        headers,
    )
    .await
}

async fn bank(store: &HeldStore) -> Bank {
    Bank::on(store.clone(), BonusBot::default(), |http| http.router()).await
}

#[tokio::test]
async fn an_unknown_outcome_says_with_which_id_to_retry() {
    let store = HeldStore::new();
    let bank = bank(&store).await;
    store.fail(Some(AppendError::Unknown {
        reason: "the connection to 10.0.0.7 broke".into(),
    }));
    for key in [None, Some("mine")] {
        let headers: Vec<_> = key
            .into_iter()
            .map(|key| ("idempotency-key", key))
            .collect();
        let answer = open(&bank, &headers).await;
        assert_eq!(answer.header("retry-after"), "1");
        assert!(!answer.text.contains("10.0.0.7"));
        let problem = answer.problem(503, "unknown-outcome");
        let id = problem["commandId"].as_str().unwrap();
        assert!(key.is_none_or(|key| key == id));
    }
    store.fail(None);
    let problem = {
        store.fail(Some(AppendError::Unknown {
            reason: "again".into(),
        }));
        open(&bank, &[]).await.problem(503, "unknown-outcome")
    };
    store.fail(None);
    let id = problem["commandId"].as_str().unwrap().to_owned();
    let receipt = open(&bank, &[("idempotency-key", &id)])
        .await
        .expect(201)
        .json();
    assert_eq!(receipt["commandId"], id);
}

#[tokio::test]
async fn a_store_that_is_not_there_is_no_fault_of_the_request() {
    let store = HeldStore::new();
    let bank = bank(&store).await;
    let unavailable = StoreError::Unavailable {
        reason: "no route to 10.0.0.7".into(),
    };
    store.fail(Some(AppendError::Store(unavailable)));
    let answer = open(&bank, &[]).await;
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.text.contains("10.0.0.7"));
    answer.problem(503, "unavailable");
    store.fail(Some(AppendError::Store(StoreError::Full {
        reason: "the disk of 10.0.0.7".into(),
    })));
    let answer = open(&bank, &[]).await;
    assert_eq!(answer.header("retry-after"), "5");
    assert!(!answer.text.contains("10.0.0.7"));
    answer.problem(503, "store-full");
    store.fail(Some(AppendError::Store(StoreError::failed(
        "disk of 10.0.0.7 is broken",
    ))));
    let answer = open(&bank, &[]).await;
    assert!(!answer.text.contains("10.0.0.7"));
    assert!(answer.problem(500, "internal")["correlationId"].is_string());
}

#[tokio::test]
async fn a_conflict_that_outlived_its_attempts_can_be_retried() {
    let store = HeldStore::new();
    let bank = bank(&store).await;
    store.fail(Some(AppendError::Conflict {
        subject: None,
        actual: None,
    }));
    let answer = open(&bank, &[]).await;
    assert_eq!(answer.header("retry-after"), "1");
    assert!(answer.problem(409, "conflict")["attempts"].as_u64() > Some(1));
}

#[tokio::test]
async fn an_execution_that_takes_too_long_goes_on() {
    let store = HeldStore::new();
    let quick = |http: eventmodel_http::Http| http.timeout(Duration::from_millis(50)).router();
    let bank = Bank::on(store.clone(), BonusBot::default(), quick).await;
    store.hold_appends();
    let key = [("idempotency-key", "k")];
    let answer = open(&bank, &key).await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.problem(503, "unknown-outcome")["commandId"], "k");
    store.release_appends();
    bank.app
        .view_at("balance")
        .unwrap()
        .ready(
            Some(eventmodel::Position::new(1).into()),
            Duration::from_secs(30),
        )
        .await
        .unwrap();
    assert_eq!(
        open(&bank, &key).await.expect(201).json()["alreadyCommitted"],
        true
    );
}

#[tokio::test]
async fn an_app_that_shuts_down_says_so() {
    let bank = bank(&HeldStore::new()).await;
    bank.app.shutdown().await.unwrap();
    let answer = open(&bank, &[]).await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("connection"), "close");
    answer.problem(503, "shutting-down");
    bank.get("/query/balance?after=9")
        .await
        .problem(503, "shutting-down");
    bank.get("/health").await.expect(200);
}

#[tokio::test]
async fn a_handler_that_panics_costs_its_instance_and_no_receipt() {
    let bank = Bank::open().await;
    for account in ["a", "b"] {
        let open = json!({ "account": account, "owner": null });
        bank.put("open-account", open).await.expect(201);
    }
    let deposit = |account: &str, cents: u64| {
        let data = json!({ "account": account, "cents": cents });
        bank.put("deposit", data)
    };
    deposit("a", 1).await.expect(201);
    // More than the balance can hold: it is recorded all the same.
    let headers = [("idempotency-key", "most")];
    let most = json!({ "account": "a", "cents": u64::MAX });
    let first = bank.put_with("deposit", most.clone(), &headers).await;
    let first = first.expect(201).json();
    let refused = deposit("a", 1).await;
    assert!(!refused.text.contains("overflow"), "{}", refused.text);
    refused.problem(500, "panicked");
    let again = bank.put_with("deposit", most, &headers).await.json();
    assert_eq!(again["position"], first["position"]);
    deposit("b", 1).await.expect(201);
}
