//! `GET /query/<view>/<key...>`: instances and lists.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use eventmodel_http::Http;
use serde_json::{Value, json};

use crate::held::HeldStore;
use crate::model::BonusBot;
use crate::server::{Bank, encoded, request};

async fn with_accounts(accounts: &[&str]) -> Bank {
    let bank = Bank::open().await;
    for account in accounts {
        bank.put("open-account", json!({ "account": account, "owner": null }))
            .await
            .expect(201);
    }
    bank.app.settled().await.unwrap();
    bank
}

async fn with_visits(visits: &[(u32, &str)]) -> Bank {
    let bank = Bank::open().await;
    for (desk, date) in visits {
        bank.put("plan-visit", json!({ "desk": desk, "date": date }))
            .await
            .expect(201);
    }
    bank.app.settled().await.unwrap();
    bank
}

fn keys(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["key"].to_string()).collect()
}

#[tokio::test]
async fn an_instance_is_shown_with_its_key_and_position() {
    let bank = with_visits(&[(1, "2022-12-12"), (2, "2022-12-12")]).await;
    let answer = bank.get("/query/agenda/2/2022-12-12").await.expect(200);
    assert_eq!(
        answer.json(),
        json!({ "key": ["2", "2022-12-12"], "position": 2, "value": { "visits": 1 } })
    );
    assert_eq!(answer.revision(), 2);
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("vary"), "accept");
}

#[tokio::test]
async fn a_view_with_one_instance_has_no_key() {
    let bank = with_accounts(&["a", "b"]).await;
    let answer = bank.get("/query/totals").await.expect(200);
    assert_eq!(
        answer.json(),
        json!({ "key": [], "position": 2, "value": { "accounts": 2, "cents": 0 } })
    );
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let bank = with_accounts(&["a"]).await;
    let shown = bank.get("/query/balance/a").await.expect(200);
    let tag = shown.header("etag");
    for known in [tag, &format!("W/{tag}"), &format!("\"0\", {tag}"), "*"] {
        let answer = bank
            .get_with("/query/balance/a", &[("if-none-match", known)])
            .await
            .expect(304);
        assert_eq!(answer.revision(), 1);
        assert_eq!(answer.text, "");
    }
    for other in ["\"0\"", "\"1\"", "nonsense", ""] {
        bank.get_with("/query/balance/a", &[("if-none-match", other)])
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn the_head_of_an_answer_can_be_asked_for() {
    let bank = with_accounts(&["a"]).await;
    let answer = bank
        .send(request(
            Method::HEAD,
            "/query/balance/a",
            &[],
            Body::empty(),
        ))
        .await
        .expect(200);
    assert_eq!((answer.revision(), &*answer.text), (1, ""));
}

#[tokio::test]
async fn the_first_parts_of_a_key_list_what_is_under_them() {
    let bank = with_visits(&[
        (2, "2022-12-13"),
        (1, "2022-12-12"),
        (10, "2022-12-12"),
        (1, "2022-12-11"),
    ])
    .await;
    let all = bank.get("/query/agenda").await.expect(200).json();
    let one = [r#"["1","2022-12-11"]"#, r#"["1","2022-12-12"]"#];
    assert_eq!(
        keys(&all),
        [
            one[0],
            one[1],
            r#"["10","2022-12-12"]"#,
            r#"["2","2022-12-13"]"#
        ]
    );
    assert_eq!(
        all["items"][0],
        json!({ "key": ["1", "2022-12-11"], "position": 4, "value": { "visits": 1 } })
    );
    assert_eq!(
        keys(&bank.get("/query/agenda/1").await.expect(200).json()),
        one
    );
    assert_eq!(
        keys(&bank.get("/query/agenda?key=1").await.expect(200).json()),
        one
    );
    assert_eq!(
        bank.get("/query/agenda/3").await.expect(200).json(),
        json!({ "items": [] })
    );
}

#[tokio::test]
async fn a_long_list_is_given_in_pages() {
    let bank = with_accounts(&["e", "a", "c", "", "a.b"]).await;
    let mut next = Some("/query/balance?limit=2".to_owned());
    let (mut pages, mut all) = (0, Vec::new());
    while let Some(link) = next {
        let answer = bank.get(&link).await.expect(200);
        let list = answer.json();
        all.extend(keys(&list));
        next = list["next"].as_str().map(str::to_owned);
        assert_eq!(answer.headers.get("link").is_some(), next.is_some());
        pages += 1;
    }
    assert_eq!(
        all,
        [r#"[""]"#, r#"["a"]"#, r#"["a.b"]"#, r#"["c"]"#, r#"["e"]"#]
    );
    assert_eq!(pages, 3);
    for limit in ["0", "-1", "x", ""] {
        let answer = bank.get(&format!("/query/balance?limit={limit}")).await;
        assert_eq!(answer.problem(400, "malformed-url")["parameter"], "limit");
    }
}

#[tokio::test]
async fn a_page_is_never_larger_than_the_application_allows() {
    let bank = Bank::with(|http| http.page_size(2).router()).await;
    for account in ["a", "b", "c"] {
        bank.put("open-account", json!({ "account": account, "owner": null }))
            .await
            .expect(201);
    }
    bank.app.settled().await.unwrap();
    for query in ["", "?limit=100"] {
        let list = bank
            .get(&format!("/query/balance{query}"))
            .await
            .expect(200)
            .json();
        assert_eq!(keys(&list), [r#"["a"]"#, r#"["b"]"#]);
        assert_eq!(
            keys(&bank.get(list["next"].as_str().unwrap()).await.json()),
            [r#"["c"]"#]
        );
    }
}

#[tokio::test]
async fn every_text_is_a_key_that_can_be_asked_for() {
    let accounts = [
        "*", "a.b", "", "..", ".", "a/b", "a b", "%2F", "%", "+", "é😀", "\0", "$JS", ">",
        "?x=1#y", "\u{202e}",
    ];
    let bank = with_accounts(&accounts).await;
    for account in accounts {
        let encoded = encoded(account);
        let in_path = bank
            .get(&format!("/query/balance/{encoded}"))
            .await
            .expect(200)
            .json();
        assert_eq!(in_path["key"], json!([account]));
        assert_eq!(
            bank.get(&format!("/query/balance?key={encoded}"))
                .await
                .expect(200)
                .json(),
            in_path
        );
    }
    assert_eq!(
        bank.get("/query/totals").await.json()["value"]["accounts"],
        accounts.len()
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let bank = with_accounts(&["a"]).await;
    bank.get("/query/balance/b")
        .await
        .problem(404, "no-such-instance");
    bank.get("/query/agenda/1/2022-12-12")
        .await
        .problem(404, "no-such-instance");
    for path in [
        "/query/nothing",
        "/query/Balance",
        "/query/%00",
        "/query//balance",
    ] {
        bank.get(path).await.problem(404, "unknown-view");
    }
    for path in ["/query", "/query/", "/nothing", "/balance"] {
        bank.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused() {
    let bank = with_visits(&[(1, "2022-12-12")]).await;
    for key in [
        "x/2022-12-12",
        "01/2022-12-12",
        "1/2022-12-32",
        "1/x",
        "1/",
        "/",
        "1/2022-12-12/",
        "1/2022-12-12/x",
        // Of the first parts, too.
        "x",
        "1%2F2022-12-12",
    ] {
        bank.get(&format!("/query/agenda/{key}"))
            .await
            .problem(400, "invalid-key");
    }
    bank.get("/query/totals/").await.problem(400, "invalid-key");
    for path in [
        "/query/balance/%zz",
        "/query/balance/%",
        "/query/balance/%FF",
        "/query/balance?key=%FF",
        "/query/%FF",
    ] {
        bank.get(path).await.problem(400, "malformed-url");
    }
}

#[tokio::test]
async fn a_view_is_asked_for_what_was_just_recorded() {
    let store = HeldStore::new();
    let bank = Bank::on(store.clone(), BonusBot::default(), |http| http.router()).await;
    store.hold_readers();
    bank.put("open-account", json!({ "account": "a", "owner": null }))
        .await
        .expect(201);
    bank.get("/query/balance/a")
        .await
        .problem(404, "no-such-instance");
    let asked = bank.get_with("/query/balance/a?after=1", &[("prefer", "wait=20")]);
    let (answer, ()) = tokio::join!(asked, async { store.release_readers() });
    let answer = answer.expect(200);
    assert_eq!(answer.header("preference-applied"), "wait=20");
}

#[tokio::test]
async fn a_view_that_does_not_get_there_in_time_says_so() {
    let bank = with_accounts(&["a"]).await;
    let wait = [("prefer", "wait=0")];
    for path in [
        "/query/balance/a?after=2",
        "/query/balance?after=18446744073709551615",
        "/query/totals?after=2&log=bank",
    ] {
        let answer = bank.get_with(path, &wait).await;
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.problem(503, "not-reached")["position"], 1);
    }
    for query in [
        "after=x",
        "after=-1",
        "after=",
        "after=1&after=1",
        "log=bank",
        "after=1&log=other",
    ] {
        bank.get(&format!("/query/balance?{query}"))
            .await
            .problem(400, "malformed-url");
    }
}

#[tokio::test]
async fn waiting_for_a_view_ends_with_the_time_of_the_request() {
    let quick = |http: Http| http.timeout(Duration::from_millis(1)).router();
    let bank = Bank::with(quick).await;
    for headers in [&[][..], &[("prefer", "wait=1000000")]] {
        let answer = bank.get_with("/query/balance?after=9", headers).await;
        let problem = answer.problem(503, "not-reached");
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.contains("within 5s"), "{detail}");
    }
}

#[tokio::test]
async fn a_preference_that_changed_nothing_was_not_applied() {
    let bank = with_accounts(&["a"]).await;
    let answer = bank
        .get_with("/query/balance/a", &[("prefer", "wait=2")])
        .await
        .expect(200);
    assert!(!answer.headers.contains_key("preference-applied"));
}
