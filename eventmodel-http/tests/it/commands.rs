//! `PUT /mutation/<command>`: receipts and rejections.

use axum::body::Body;
use axum::http::Method;
use eventmodel::EventQuery;
use futures_util::TryStreamExt;
use serde_json::json;

use crate::server::{Bank, request};

#[tokio::test]
async fn a_command_is_answered_with_its_receipt() {
    let bank = Bank::open().await;
    let answer = bank
        .put("open-account", json!({ "account": "ada", "owner": "Ada" }))
        .await
        .expect(201);
    let receipt = answer.json();
    assert_eq!(receipt["log"], "bank");
    assert_eq!(receipt["position"], 1);
    assert_eq!(receipt["revision"], 1);
    assert_eq!(receipt["alreadyCommitted"], false);
    let event = &receipt["events"][0];
    assert_eq!(event["type"], "AccountOpened");
    assert_eq!(event["subject"], "account.ada");
    assert_eq!(event["position"], 1);
    assert_eq!(event["data"], json!({ "account": "ada", "owner": "Ada" }));
    assert_eq!(
        event["id"],
        format!("{}/0", receipt["commandId"].as_str().unwrap())
    );
    assert_eq!(answer.revision(), 1);
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn the_location_of_a_receipt_shows_what_was_recorded() {
    let bank = Bank::open().await;
    let answer = bank
        .put("open-account", json!({ "account": "ada", "owner": "Ada" }))
        .await;
    let shown = bank.get(answer.header("location")).await.expect(200);
    let value = json!({ "owner": "Ada", "cents": 0, "open": true });
    assert_eq!(
        shown.json(),
        json!({ "key": ["ada"], "position": 1, "value": value })
    );
}

#[tokio::test]
async fn the_etag_is_the_revision_of_the_instance_that_the_command_is_keyed_by() {
    let bank = Bank::open().await;
    bank.put("open-account", json!({ "account": "ada", "owner": null }))
        .await
        .expect(201);
    let data = json!({ "account": "ada", "farewell": "2022-12-12" });
    let answer = bank.put("close-account", data).await.expect(201);
    let receipt = answer.json();
    assert_eq!(
        (&receipt["revision"], &receipt["position"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(answer.revision(), 2);
}

#[tokio::test]
async fn a_command_can_be_posted() {
    let bank = Bank::open().await;
    let body = Body::from(json!({ "data": { "account": "ada", "owner": null } }).to_string());
    let headers = [(
        "content-type",
        "application/cloudevents+json; charset=utf-8",
    )];
    bank.send(request(
        Method::POST,
        "/mutation/open-account",
        &headers,
        body,
    ))
    .await
    .expect(201);
}

#[tokio::test]
async fn a_rejection_has_a_problem_type_of_its_own() {
    let bank = Bank::open().await;
    let ada = json!({ "account": "ada", "owner": null });
    bank.put("open-account", ada.clone()).await.expect(201);
    let problem = bank
        .put("open-account", ada)
        .await
        .problem(409, "open-account/already-open");
    assert_eq!(problem["title"], "The account exists");
    assert_eq!(problem["detail"], "`ada` is open already");
    assert_eq!(problem["code"], "already-open");
    assert_eq!(
        problem["details"],
        json!({ "AlreadyOpen": { "account": "ada" } })
    );
    assert!(problem["correlationId"].is_string());

    let deposit = bank
        .put("deposit", json!({ "account": "bob", "cents": 1 }))
        .await;
    let problem = deposit.problem(409, "deposit/not-open");
    assert_eq!(problem["title"], "not open");
}

#[tokio::test]
async fn a_command_that_has_nothing_to_record_is_fine() {
    let bank = Bank::open().await;
    let answer = bank
        .put("close-account", json!({ "account": "ada" }))
        .await
        .expect(200);
    assert_eq!(answer.json()["events"], json!([]));
    assert_eq!(answer.revision(), 0);
    assert!(!answer.headers.contains_key("location"));
}

#[tokio::test]
async fn fields_that_are_wrong_are_pointed_at() {
    let bank = Bank::open().await;
    let invalid = async |data| {
        bank.put("deposit", data)
            .await
            .problem(422, "invalid-fields")["errors"]
            .clone()
    };
    let all =
        invalid(json!({ "account": "ada", "cents": 0, "note": { "text": "x".repeat(21) } })).await;
    assert_eq!(
        all[0],
        json!({ "pointer": "/data/cents", "detail": "must be more than nothing" })
    );
    assert_eq!(
        all[1],
        json!({ "pointer": "/data/note/text", "detail": "must have at most 20 bytes" })
    );
    let wrong_type = invalid(json!({ "account": "ada", "cents": 1, "note": { "text": 7 } })).await;
    assert_eq!(wrong_type[0]["pointer"], "/data/note/text");
    let missing = invalid(json!({ "account": "ada" })).await;
    assert_eq!(
        missing[0],
        json!({ "pointer": "/data", "detail": "missing field `cents`" })
    );
    for not_an_object in [json!(null), json!([]), json!("x"), json!(7)] {
        assert_eq!(invalid(not_an_object).await[0]["pointer"], "/data");
    }
}

#[tokio::test]
async fn a_date_that_does_not_exist_is_pointed_at() {
    let bank = Bank::open().await;
    for date in [
        "2022-02-30",
        "2022-13-01",
        "yesterday",
        "",
        "2022-12-12T00:00:00Z[",
        "99999-01-01",
    ] {
        let answer = bank
            .put("plan-visit", json!({ "desk": 1, "date": date }))
            .await;
        let problem = answer.problem(422, "invalid-fields");
        assert_eq!(problem["errors"][0]["pointer"], "/data/date", "{date}");
    }
}

#[tokio::test]
async fn the_body_around_a_command_is_checked_too() {
    let bank = Bank::open().await;
    let errors = async |body: &str| {
        bank.put_raw("close-account", body.to_owned(), &[])
            .await
            .problem(422, "invalid-fields")["errors"]
            .clone()
    };
    assert_eq!(errors("{}").await[0]["pointer"], "/data");
    assert_eq!(
        errors(r#"{"account": "ada"}"#).await[1]["pointer"],
        "/account"
    );
    let data = r#"{"data": {"account": "ada"}, "#;
    for id in [
        "7",
        r#""""#,
        r#""a\u0000""#,
        &format!("{:?}", "x".repeat(257)),
    ] {
        assert_eq!(
            errors(&format!(r#"{data} "correlationId": {id}}}"#)).await[0]["pointer"],
            "/correlationId"
        );
    }
    assert_eq!(
        errors(&format!(r#"{data} "a/b~": 1}}"#)).await[0]["pointer"],
        "/a~1b~0"
    );
}

#[tokio::test]
async fn a_correlation_id_comes_from_the_body_or_a_header_or_is_made() {
    let bank = Bank::open().await;
    let correlation = async |account: &str, body: Option<&str>, header: Option<&str>| {
        let body = json!({ "data": { "account": account, "owner": null }, "correlationId": body });
        let headers: Vec<_> = header
            .into_iter()
            .map(|id| ("x-correlation-id", id))
            .collect();
        let answer = bank
            .put_raw("open-account", body.to_string(), &headers)
            .await
            .expect(201);
        let receipt = answer.json();
        assert_eq!(
            receipt["events"][0]["correlationId"],
            receipt["correlationId"]
        );
        receipt["correlationId"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        correlation("a", Some("from body é"), None).await,
        "from body é"
    );
    assert_eq!(
        correlation("b", None, Some("from header")).await,
        "from header"
    );
    assert_eq!(correlation("c", Some("body"), Some("header")).await, "body");
    assert_ne!(
        correlation("d", None, None).await,
        correlation("e", None, None).await
    );
}

#[tokio::test]
async fn the_events_of_a_command_belong_to_its_trace() {
    let bank = Bank::open().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (account, traceparent) in [("a", trace), ("b", "nonsense")] {
        let data = json!({ "account": account, "owner": null });
        bank.put_with("open-account", data, &[("traceparent", traceparent)])
            .await
            .expect(201);
    }
    let events: Vec<_> = bank
        .app
        .events(EventQuery::new())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(events[0].metadata().traceparent.as_deref(), Some(trace));
    assert_eq!(events[1].metadata().traceparent, None);
}

#[tokio::test]
async fn only_commands_that_a_slice_offers_have_an_address() {
    let bank = Bank::open().await;
    let data = json!({ "account": "ada" });
    for command in [
        "pay-bonus",
        "open",
        "OpenAccount",
        "open-account/",
        "open-account/x",
        "%00",
        "..",
    ] {
        bank.put(command, data.clone())
            .await
            .problem(404, "unknown-command");
    }
}

#[tokio::test]
async fn another_method_is_told_which_are_possible() {
    let bank = Bank::open().await;
    let mut refused = Vec::new();
    for (method, path) in [
        (Method::GET, "/mutation/open-account"),
        (Method::DELETE, "/query/balance"),
        (Method::PATCH, "/"),
        (Method::GET, "/parked/retry"),
    ] {
        let answer = bank.send(request(method, path, &[], Body::empty())).await;
        refused.push(answer.header("allow").to_owned());
        answer.problem(405, "method-not-allowed");
    }
    assert_eq!(refused, ["PUT,POST", "GET,HEAD", "GET,HEAD", "POST"]);
}

#[tokio::test]
async fn a_mistake_of_the_program_is_answered_and_harms_nobody_else() {
    let bank = Bank::open().await;
    bank.put("open-account", json!({ "account": "ada", "owner": null }))
        .await
        .expect(201);
    let deposit = async |text: &str| {
        let data = json!({ "account": "ada", "cents": 5, "note": { "text": text } });
        bank.put("deposit", data).await
    };
    deposit("bug").await.problem(500, "panicked");
    deposit("").await.expect(201);
}
