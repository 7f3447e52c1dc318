//! Whatever the text of an id is: it is answered, never with a 500, and what was created is found under it.

use axum::body::Body;
use axum::http::Method;
use proptest::prelude::*;
use serde_json::json;

use crate::server::{Bank, encoded, request};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[.*>%/\\\\?#&=+ $~\"'{}\\[\\]\u{0}-\u{1f}a-c]{0,12}",
        prop::collection::vec(any::<char>(), 0..400).prop_map(String::from_iter),
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just(String::new()),
    ]
}

#[test]
fn any_text_is_an_id_that_leads_back_to_what_was_created() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bank = runtime.block_on(Bank::open());
    proptest!(ProptestConfig::with_cases(300), |(account in text(), owner in any::<Option<String>>())| {
        runtime.block_on(async {
            let answer = bank.put("open-account", json!({ "account": account, "owner": owner })).await;
            let position = match answer.status.as_u16() {
                201 => answer.json()["position"].as_u64(),
                409 => None,
                422 => {
                    prop_assert!(account.len() > 100, "{:?}", answer);
                    return Ok(());
                }
                _ => return Err(TestCaseError::fail(format!("{answer:?}"))),
            };
            bank.app.settled().await.unwrap();
            let encoded = encoded(&account);
            let mut links = vec![format!("/query/balance/{encoded}"), format!("/query/balance?key={encoded}")];
            links.extend(answer.headers.get("location").map(|link| link.to_str().unwrap().to_owned()));
            for link in links {
                let shown = bank.get(&link).await;
                prop_assert_eq!(shown.status.as_u16(), 200, "{} {:?}", link, shown);
                let shown = shown.json();
                prop_assert_eq!(&shown["key"], &json!([account]));
                if let Some(position) = position {
                    prop_assert_eq!(&shown["value"]["owner"], &json!(owner));
                    prop_assert_eq!(&shown["position"], &json!(position));
                }
            }
            Ok(())
        })?;
    });
}

#[test]
fn any_target_and_any_headers_are_answered() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bank = runtime.block_on(Bank::open());
    let route = prop::sample::select(vec![
        "",
        "mutation/",
        "query/",
        "query/balance",
        "query/agenda/",
        "problems/",
        "audit",
        "events",
        "parked/",
    ]);
    let names = [
        "idempotency-key",
        "if-match",
        "if-none-match",
        "prefer",
        "accept",
        "last-event-id",
        "traceparent",
        "content-type",
        "x-correlation-id",
    ];
    let header = (prop::sample::select(names.to_vec()), "[ -~]{0,20}");
    let target = "[a-z0-9.%/?=&*+~-]{0,40}";
    let method = prop::sample::select(vec![
        Method::GET,
        Method::PUT,
        Method::POST,
        Method::DELETE,
        Method::HEAD,
    ]);
    let strategy = (
        method,
        route,
        target,
        prop::collection::vec(header, 0..4),
        any::<String>(),
    );
    proptest!(ProptestConfig::with_cases(500), |((method, route, target, headers, body) in strategy)| {
        runtime.block_on(async {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.trim())).collect();
            let path = format!("/{route}{target}");
            let status = bank.begin(request(method, &path, &headers, Body::from(body))).await.status();
            // A view that is asked for a position it does not have yet may say that it is not that far.
            prop_assert!(status.as_u16() < 500 || status == 503 && path.contains("after="), "{} {}", path, status);
            Ok(())
        })?;
    });
}

#[test]
fn any_json_is_answered() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bank = runtime.block_on(Bank::open());
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<f64>().prop_map(|n| json!(n)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<String>().prop_map(|s| json!(s)),
    ];
    let names = prop::sample::select(vec![
        "data",
        "correlationId",
        "account",
        "owner",
        "cents",
        "note",
        "text",
        "desk",
        "date",
    ]);
    let value = leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|all| json!(all)),
            prop::collection::btree_map(names.clone(), inner, 0..6).prop_map(|all| json!(all)),
        ]
    });
    let command = prop::sample::select(vec![
        "open-account",
        "deposit",
        "close-account",
        "plan-visit",
    ]);
    proptest!(ProptestConfig::with_cases(300), |(command in command, value in value, wrapped in any::<bool>())| {
        runtime.block_on(async {
            let answer = if wrapped {
                bank.put(command, value).await
            } else {
                bank.put_raw(command, value.to_string(), &[]).await
            };
            prop_assert!(answer.status.as_u16() < 500, "{:?}", answer);
            Ok(())
        })?;
    });
}
