use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

#[track_caller]
fn text(json: &str) -> JsonText {
    JsonText::read(json.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Known {
    whole: u128,
    signed: i128,
    float: f64,
}

#[derive(Deserialize, Debug)]
#[allow(dead_code, reason = "only whether it can be read is asked")]
struct Order {
    #[serde(default)]
    price: Value,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    tagged: Option<Tagged>,
    #[serde(default)]
    either: Option<Either>,
    #[serde(default)]
    list: Vec<(u8, Value)>,
    #[serde(default)]
    by_number: BTreeMap<u32, Value>,
    #[serde(default)]
    raw: Option<Box<RawValue>>,
    #[serde(default)]
    float: f64,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

#[derive(Deserialize, Debug)]
#[allow(dead_code, reason = "only whether it can be read is asked")]
enum Kind {
    Plain,
    Priced(Value),
    Both(u8, Value),
    Named { price: Value },
}

#[derive(Deserialize, Debug)]
#[serde(tag = "type")]
#[allow(dead_code, reason = "only whether it can be read is asked")]
enum Tagged {
    Weighed { weight: f64 },
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
#[allow(dead_code, reason = "only whether it can be read is asked")]
enum Either {
    Count(u64),
    Weight(f64),
}

#[test]
fn a_type_gets_its_numbers_as_they_were_sent() {
    let sent = format!(
        r#"{{"whole": {}, "signed": {}, "float": 0.1000000000000000055}}"#,
        u128::MAX,
        i128::MIN
    );
    let read: Known = text(&sent).deserialize().unwrap();
    let expected = Known {
        whole: u128::MAX,
        signed: i128::MIN,
        float: 0.1,
    };
    assert_eq!(read, expected);
    let order: Order = text(r#"{"raw": {"a": [1.10, 12345678901234567890123]}}"#)
        .deserialize()
        .unwrap();
    let raw = order.raw.unwrap();
    assert_eq!(raw.get(), r#"{"a": [1.10, 12345678901234567890123]}"#);
}

#[test]
fn a_number_that_would_be_changed_is_pointed_at() {
    const LARGE: &str = "12345678901234567890123";
    for (sent, pointer) in [
        (r#"{"price": #}"#, "/price"),
        (r#"{"float": #, "price": {"a/b": [1, #]}}"#, "/price/a~1b/1"),
        (r#"{"kind": {"Priced": #}}"#, "/kind/Priced"),
        (r#"{"kind": {"Both": [1, [#]]}}"#, "/kind/Both/1/0"),
        (r#"{"kind": {"Named": {"price": #}}}"#, "/kind/Named/price"),
        (
            r#"{"tagged": {"type": "Weighed", "weight": #}}"#,
            "/tagged/weight",
        ),
        (r#"{"either": #}"#, "/either"),
        (r#"{"list": [[1, 1], [1, #]]}"#, "/list/1/1"),
        (r#"{"by_number": {"7": {"x": #}}}"#, "/by_number/7/x"),
        (r#"{"unknown": {"x": #}}"#, "/unknown/x"),
    ] {
        let sent = sent.replace('#', LARGE);
        let violation = text(&sent).deserialize::<Order>().unwrap_err();
        assert_eq!(violation.pointer(), pointer, "{sent}: {violation}");
        let said = format!("`{LARGE}` would become `1.2345678901234568e+22` here");
        assert!(violation.message.starts_with(&said), "{violation}");
        // It says what helps.
        let helped = sent.replace(LARGE, &format!("{LARGE:?}"));
        let helped = helped.replace("\"float\": \"12345678901234567890123\"", "\"float\": 1");
        match text(&helped).deserialize::<Order>() {
            Ok(_) => {}
            Err(violation) => assert!(
                !violation.message.contains("would become"),
                "{helped}: {violation}"
            ),
        }
    }
    let beside =
        format!(r#"{{"float": {LARGE}, "price": 1.10, "kind": "Plain", "list": [[1, 0.1]]}}"#);
    let order: Order = text(&beside).deserialize().unwrap();
    assert_eq!(order.price, json!(1.1));
}

#[test]
fn a_violation_points_at_something_that_was_sent() {
    for (sent, pointer) in [
        (r#"{"kind": "Priced"}"#, "/kind"),
        (r#"{"kind": {"Plain": 1}}"#, "/kind/Plain"),
        (r#"{"kind": {"Both": [1]}}"#, "/kind/Both"),
        (r#"{"kind": {"Named": {}}}"#, "/kind/Named"),
        (r#"{"list": [[1, 1], ["x", 1]]}"#, "/list/1/0"),
        (r#"{"float": "x"}"#, "/float"),
    ] {
        // The second is read in the way that refuses changes.
        for sent in [
            sent.to_owned(),
            sent.replacen('{', r#"{"raw": 1e-400, "#, 1),
        ] {
            let violation = text(&sent).deserialize::<Order>().unwrap_err();
            assert_eq!(violation.pointer(), pointer, "{sent}: {violation}");
            assert!(!violation.message.contains(" at line "), "{violation}");
        }
    }
}

#[test]
fn a_large_integer_that_is_none_is_pointed_at() {
    for wrong in [
        "1.5",
        "\"1\"",
        "-1",
        "1e2",
        "null",
        "[]",
        "340282366920938463463374607431768211456",
    ] {
        let sent = format!(r#"{{"whole": {wrong}, "signed": 1, "float": 1}}"#);
        let violation = text(&sent).deserialize::<Known>().unwrap_err();
        assert_eq!(violation.pointer(), "/whole", "{sent}: {violation}");
        assert!(violation.message.ends_with("expected u128"), "{violation}");
    }
}

#[test]
fn what_the_grammar_allows_and_nobody_can_read_is_pointed_at() {
    let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    text(&deep(JsonText::MAX_DEPTH));
    let too_deep = deep(JsonText::MAX_DEPTH + 1);
    let deepest = "/0".repeat(JsonText::MAX_DEPTH);
    for (sent, status, pointer) in [
        (r#" {"a": [1, {"b": 1, "c": {}, "b": 2}]} "#, 422, "/a/1/b"),
        (r#"{"a": 1e309}"#, 400, "/a"),
        (r#"{"a": ["\ud800"]}"#, 400, "/a/0"),
        (r#"{"\udfff": 1}"#, 400, ""),
        (&too_deep, 400, &deepest),
    ] {
        let (found, violation) = match JsonText::read(sent.as_bytes()) {
            Err(JsonError::Ambiguous(violation)) => (422, violation),
            Err(JsonError::Unreadable(violation)) => (400, violation),
            other => panic!("{sent}: {other:?}"),
        };
        assert_eq!((found, &*violation.pointer()), (status, pointer), "{sent}");
    }
    for sent in ["", "{", "{} {}", "\u{feff}{}", "\"\u{1}\"", "01", "NaN"] {
        assert!(matches!(
            JsonText::read(sent.as_bytes()),
            Err(JsonError::NotJson(_))
        ));
    }
    assert!(matches!(
        JsonText::read(b"\"\xff\""),
        Err(JsonError::NotJson(_))
    ));
}
