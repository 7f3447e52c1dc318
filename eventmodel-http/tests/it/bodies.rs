//! Bodies that readers understand differently, numbers that not every type holds, and how little of a large body an
//! answer repeats.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, StatusCode};
use axum::routing::post;
use eventmodel::store::{AuditQuery, Outcome};
use eventmodel::transport;
use eventmodel::{
    App, Command, Decide, Decision, Event, EventModel, EventQuery, MemoryStore, Rejection, Slice,
    Stream, Violations, emit, reject,
};
use eventmodel_http::Http;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::model::Deposit;
use crate::server::{Bank, request};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "reading.{meter}")]
struct Meter {
    meter: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Meter)]
struct Measured {
    meter: String,
    total: u128,
    change: i128,
    facts: Value,
    more: BTreeMap<String, Value>,
}

#[derive(Rejection, Serialize, Clone, Debug, thiserror::Error)]
enum Refused {
    #[error("{text}")]
    Long { text: String },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(emits(Measured), rejects = Refused, validate = Self::check)]
struct Measure {
    meter: String,
    #[serde(default)]
    total: u128,
    #[serde(default)]
    change: i128,
    #[serde(default)]
    facts: Value,
    #[serde(default)]
    violations: u32,
    #[serde(default)]
    rejected: u32,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

impl Measure {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        for n in 0..self.violations {
            violations.check(false, &format!("facts.{n}"), "it is wrong");
        }
        violations.into_result()
    }
}

impl Decide for Measure {
    fn decide(&self, (): &()) -> Decision<Self> {
        if self.rejected > 0 {
            let text = "no ".repeat(self.rejected as usize);
            return reject(Refused::Long { text });
        }
        emit(Measured {
            meter: self.meter.clone(),
            total: self.total,
            change: self.change,
            facts: self.facts.clone(),
            more: self.more.clone(),
        })
    }
}

async fn meters() -> (App, Router) {
    let model =
        EventModel::new("meters").slice(Slice::new("Someone measures").command::<Measure>());
    let app = model.start(MemoryStore::new()).await.unwrap();
    let http = Http::new(app.clone()).body_limit(4 * 1024 * 1024);
    (app, http.router().merge(http.admin()))
}

async fn measure(router: &Router, body: impl Into<Body>) -> (StatusCode, String) {
    let headers = [("content-type", "application/json")];
    let put = request(Method::PUT, "/mutation/measure", &headers, body.into());
    let response = router.clone().oneshot(put).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A problem that is as small as every problem.
#[track_caller]
fn small((status, text): (StatusCode, String), code: &str) -> Value {
    assert!(text.len() <= transport::Problem::MAX_LEN, "{}", text.len());
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status.as_u16());
    problem
}

#[tokio::test]
async fn a_member_that_stands_there_twice_is_pointed_at() {
    let bank = Bank::open().await;
    for (body, pointer) in [
        (
            r#"{"data": {"account": "a"}, "data": {"account": "b"}}"#,
            "/data",
        ),
        (
            r#"{"data": {"account": "a", "account": "b"}}"#,
            "/data/account",
        ),
        (
            r#"{"data": {"account": "a", "\u0061ccount": "a"}}"#,
            "/data/account",
        ),
        (
            r#"{"data": {"account": "a"}, "correlationId": "a", "correlationId": "a"}"#,
            "/correlationId",
        ),
        (
            r#"{"data": {"note": {"text": "", "more": 1, "text": ""}}}"#,
            "/data/note/text",
        ),
        (
            r#"{"data": {"unknown": [0, {"a/b~": 1, "a\/b~": 2}]}}"#,
            "/data/unknown/1/a~1b~0",
        ),
        (r#"{"data": {"": 1, "": 2}}"#, "/data/"),
        // What a reader of any value would take for the JSON in the string.
        (
            r#"{"data": {"x": {"$serde_json::private::RawValue": "{\"a\": 1, \"a\": 2}"}}}"#,
            "/data/x/$serde_json::private::RawValue",
        ),
    ] {
        for command in ["open-account", "deposit", "close-account"] {
            let problem = bank
                .put_raw(command, body, &[])
                .await
                .problem(422, "invalid-fields");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
    }
    assert!(
        bank.app
            .events(EventQuery::new())
            .try_next()
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn every_body_that_is_taken_is_read_alike() {
    let bank = Bank::with(|http| {
        let own = http.router().merge(http.admin());
        own.route("/deposits", post(http.command::<Deposit>()))
    })
    .await;
    for (path, body, pointer) in [
        (
            "/deposits",
            r#"{"account": "a", "cents": 1, "cents": 5}"#,
            "/cents",
        ),
        ("/parked/retry", r#"{"log": "a", "log": "bank"}"#, "/log"),
    ] {
        let json = [("content-type", "application/json")];
        let answer = bank.send(request(Method::POST, path, &json, body.into()));
        let problem = answer.await.problem(422, "invalid-fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
}

/// The payload of [`Measured`], as it is written.
#[derive(Deserialize)]
struct Recorded<'a> {
    #[serde(borrow)]
    total: &'a RawValue,
    change: &'a RawValue,
    facts: Value,
    more: Value,
}

#[tokio::test]
async fn numbers_are_recorded_as_they_were_sent() {
    let (app, router) = meters().await;
    let facts = r#"{"max":18446744073709551615,"min":-9223372036854775808,"price":1.10,"tiny":5e-324,"sum":0.30000000000000004}"#;
    let body = format!(
        r#"{{"data": {{"meter": "m", "total": {}, "change": {}, "facts": {facts}, "extra": 0.7}}}}"#,
        u128::MAX,
        i128::MIN
    );
    let (status, answer) = measure(&router, body).await;
    assert_eq!(status, 201, "{answer}");
    let events: Vec<_> = app.events(EventQuery::new()).try_collect().await.unwrap();
    let recorded: Recorded<'_> = serde_json::from_slice(events[0].payload()).unwrap();
    assert_eq!(recorded.total.get(), u128::MAX.to_string());
    assert_eq!(recorded.change.get(), i128::MIN.to_string());
    assert_eq!(
        recorded.facts,
        serde_json::from_str::<Value>(facts).unwrap()
    );
    assert_eq!(recorded.facts["max"], u64::MAX);
    assert_eq!(recorded.more, json!({ "extra": 0.7 }));
    assert!(answer.contains(&u128::MAX.to_string()), "{answer}");
}

#[tokio::test]
async fn a_number_that_a_field_would_change_is_pointed_at() {
    let (app, router) = meters().await;
    for (data, pointer) in [
        (r#""facts": 12345678901234567890123"#, "/data/facts"),
        (
            r#""facts": {"a": [0.1234567890123456789]}"#,
            "/data/facts/a/0",
        ),
        (r#""facts": 18446744073709551616"#, "/data/facts"),
        (r#""extra": -9223372036854775809"#, "/data/extra"),
        (
            r#""total": 340282366920938463463374607431768211456"#,
            "/data/total",
        ),
        (r#""total": 1.5"#, "/data/total"),
    ] {
        let body = format!(r#"{{"data": {{"meter": "m", {data}}}}}"#);
        let problem = small(measure(&router, body).await, "invalid-fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for number in ["1e400", "-1e400"] {
        let body = format!(r#"{{"data": {{"meter": "m", "facts": [{number}]}}}}"#);
        let problem = small(measure(&router, body).await, "malformed-body");
        assert_eq!(
            problem["errors"][0]["pointer"], "/data/facts/0",
            "{problem}"
        );
    }
    assert!(
        app.events(EventQuery::new())
            .try_next()
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_problem_is_small_however_large_the_body_is() {
    let (app, router) = meters().await;
    let long = "x".repeat(900_000);
    let nasty = r#"\u0001\""#.repeat(100_000);
    for text in [&long, &nasty] {
        let body = format!(r#"{{"data": {{"meter": "m", "total": "{text}"}}}}"#);
        let problem = small(measure(&router, body).await, "invalid-fields");
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], "/data/total");
        let said = error["detail"].as_str().unwrap();
        assert!(said.starts_with("invalid type: string"), "{said}");
        assert!(said.ends_with("expected u128"), "{said}");
        assert!(said.contains("bytes left out"), "{said}");

        let name = format!(r#"{{"data": {{"meter": "m"}}, "{text}": 1}}"#);
        small(measure(&router, name).await, "invalid-fields");
        let doubled = format!(r#"{{"data": {{"{text}": 1, "{text}": 1}}}}"#);
        small(measure(&router, doubled).await, "invalid-fields");
        let number = format!(r#"{{"data": {{"meter": "m", "facts": {{"{text}": 1e-400}}}}}}"#);
        small(measure(&router, number).await, "invalid-fields");
        // A key that is too long for a subject.
        let key = format!(r#"{{"data": {{"meter": "{text}"}}}}"#);
        small(measure(&router, key).await, "invalid-fields");
    }
    let digits = format!(
        r#"{{"data": {{"meter": "m", "facts": {}}}}}"#,
        "123".repeat(100)
    );
    small(measure(&router, digits).await, "invalid-fields");
    assert!(
        app.events(EventQuery::new())
            .try_next()
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn of_many_violations_the_first_are_listed_and_the_others_counted() {
    let (app, router) = meters().await;
    let body = r#"{"data": {"meter": "m", "violations": 100000}, "correlationId": "c"}"#;
    let problem = small(measure(&router, body).await, "invalid-fields");
    let errors = problem["errors"].as_array().unwrap();
    assert!(errors.len() > 50, "{}", errors.len());
    assert_eq!(errors[49]["pointer"], "/data/facts/49");
    assert_eq!(
        problem["omitted"],
        json!({ "errors": { "items": 100_000 - errors.len() } })
    );
    assert_eq!(problem["correlationId"], "c");

    let members: Vec<_> = (0..100_000).map(|n| format!(r#""m{n}": 1"#)).collect();
    let body = format!(r#"{{"data": {{"meter": "m"}}, {}}}"#, members.join(", "));
    let problem = small(measure(&router, body).await, "invalid-fields");
    let listed = problem["errors"].as_array().unwrap().len();
    assert_eq!(problem["omitted"]["errors"]["items"], 100_000 - listed);

    let audited = app.audit(&AuditQuery::new()).await.unwrap();
    let Outcome::Failed { message } = &audited[0].outcome else {
        panic!("{audited:?}");
    };
    assert!(message.len() < 1100, "{}", message.len());
}

#[tokio::test]
async fn details_of_a_rejection_that_are_too_large_are_left_out() {
    let (app, router) = meters().await;
    let body = |times: u32| format!(r#"{{"data": {{"meter": "m", "rejected": {times}}}}}"#);
    let problem = small(measure(&router, body(2)).await, "long");
    assert_eq!(problem["details"], json!({ "Long": { "text": "no no " } }));
    assert_eq!(problem["omitted"], Value::Null);

    let problem = small(measure(&router, body(300_000)).await, "long");
    assert_eq!(problem["details"], Value::Null);
    assert!(problem["omitted"]["details"]["bytes"].as_u64() > Some(900_000));
    assert!(problem["detail"].as_str().unwrap().starts_with("no no "));
    let audited = app.audit(&AuditQuery::new().limit(1)).await.unwrap();
    let Outcome::Rejected { message, .. } = &audited[0].outcome else {
        panic!("{audited:?}");
    };
    assert!(message.len() < 1100, "{}", message.len());
}

#[tokio::test]
async fn what_an_address_or_a_header_says_is_repeated_in_part() {
    let bank = Bank::open().await;
    let long = "x".repeat(60_000);
    let encoded = "%01".repeat(20_000);
    for path in [
        format!("/query/balance/{long}/{long}")
            .chars()
            .take(60_000)
            .collect::<String>(),
        format!("/mutation/{long}"),
        format!("/problems/{long}"),
        format!("/events?subject={long}.*.%3E.x"),
        format!("/events?log={encoded}"),
        format!("/events?after={long}"),
        format!("/query/agenda/{encoded}/x"),
        format!("/query/balance?after={long}"),
    ] {
        let answer = bank.get(&path).await;
        assert!(answer.status.is_client_error(), "{path:.60} {answer:?}");
        assert!(
            answer.text.len() <= transport::Problem::MAX_LEN,
            "{path:.60}"
        );
    }
    for name in [
        "idempotency-key",
        "if-match",
        "x-correlation-id",
        "if-none-match",
    ] {
        let data = json!({ "account": "a", "owner": null });
        let answer = bank.put_with("open-account", data, &[(name, &long)]).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.len() <= transport::Problem::MAX_LEN, "{name}");
    }
}
