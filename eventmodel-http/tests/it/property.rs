//! Whatever the text of an id is: it is answered, never with a 500, and what was created is found under it.

use axum::body::Body;
use axum::http::Method;
use eventmodel::transport::{JsonText, Problem, pointer_to};
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

/// A document whose objects name each of their members once, and as many of its objects as it has.
#[derive(Clone, Debug)]
enum Document {
    Leaf(String),
    Array(Vec<Document>),
    Object(Vec<(String, Document)>),
}

fn documents() -> impl Strategy<Value = Document> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-0.0e+7".to_owned()),
        any::<u128>().prop_map(|n| n.to_string()),
        any::<f64>()
            .prop_filter("JSON has no others", |n| n.is_finite())
            .prop_map(|n| n.to_string()),
        any::<String>().prop_map(|text| json!(text).to_string()),
    ];
    let name = prop_oneof!["[a-c]{0,2}", "[/~\"\\\\0-1]{0,3}", any::<String>(),];
    leaf.prop_map(Document::Leaf)
        .prop_recursive(6, 60, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Document::Array),
                prop::collection::btree_map(name.clone(), inner, 0..6)
                    .prop_map(|members| Document::Object(members.into_iter().collect())),
            ]
        })
}

impl Document {
    fn text(&self, space: &str) -> String {
        let joined = |items: Vec<String>| items.join(&format!("{space},{space}"));
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Array(items) => {
                let items = items.iter().map(|item| item.text(space)).collect();
                format!("[{space}{}{space}]", joined(items))
            }
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    format!("{}{space}:{space}{}", json!(name), value.text(space))
                });
                format!("{{{space}{}{space}}}", joined(members.collect()))
            }
        }
    }

    /// The pointers of all members.
    fn members(&self, above: &str, found: &mut Vec<String>) {
        match self {
            Self::Leaf(_) => {}
            Self::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    item.members(&format!("{above}/{n}"), found);
                }
            }
            Self::Object(members) => {
                for (name, value) in members {
                    let pointer = format!("{above}{}", pointer_to(name));
                    value.members(&pointer, found);
                    found.push(pointer);
                }
            }
        }
    }

    /// Adds the member at this pointer again, with every character of its name escaped.
    fn double(&self, above: &str, doubled: &str, at: usize) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Array(items) => {
                let items = items.iter().enumerate();
                let items =
                    items.map(|(n, item)| item.double(&format!("{above}/{n}"), doubled, at));
                format!("[{}]", items.collect::<Vec<_>>().join(","))
            }
            Self::Object(members) => {
                let mut texts = Vec::new();
                let mut again = None;
                for (name, value) in members {
                    let pointer = format!("{above}{}", pointer_to(name));
                    if pointer == doubled {
                        let units = name.encode_utf16();
                        let escaped: Vec<_> = units.map(|unit| format!("\\u{unit:04x}")).collect();
                        let escaped = escaped.concat();
                        again = Some(format!("\"{escaped}\":null"));
                    }
                    texts.push(format!(
                        "{}:{}",
                        json!(name),
                        value.double(&pointer, doubled, at)
                    ));
                }
                if let Some(again) = again {
                    texts.insert(at % (texts.len() + 1), again);
                }
                format!("{{{}}}", texts.join(","))
            }
        }
    }
}

#[test]
fn a_document_is_read_unless_one_of_its_objects_names_a_member_twice() {
    let place = any::<prop::sample::Index>();
    let space = prop::sample::select(vec!["", " ", "\n\t \r"]);
    let strategy = (documents(), space, place, any::<usize>());
    proptest!(ProptestConfig::with_cases(2000), |((document, space, place, at) in strategy)| {
        let text = document.text(space);
        let read = JsonText::read(text.as_bytes());
        let read = read.as_ref().map(JsonText::get);
        prop_assert_eq!(read, Ok(&*text));
        let mut members = Vec::new();
        document.members("", &mut members);
        if !members.is_empty() {
            let pointer = &members[place.index(members.len())];
            let text = document.double("", pointer, at);
            let problem = JsonText::read(text.as_bytes());
            prop_assert!(problem.is_err(), "{text}");
            let problem = Problem::from(problem.unwrap_err());
            prop_assert_eq!(problem.status(), 422);
            prop_assert_eq!(&problem.get("errors").unwrap()[0]["pointer"], &json!(pointer), "{}", text);
        }
    });
}
