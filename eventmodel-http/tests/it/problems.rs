//! Problem types, and the pages they lead to.

use serde_json::json;

use crate::server::Bank;

#[tokio::test]
async fn the_type_of_a_problem_leads_to_what_it_means() {
    let bank = Bank::open().await;
    let ada = json!({ "account": "ada", "owner": null });
    bank.put("open-account", ada.clone()).await.expect(201);
    let rejected = bank.put("open-account", ada.clone()).await.json();
    let page = bank
        .get(rejected["type"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(page.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        page.text,
        "# The account exists\n\ntype: /problems/open-account/already-open\nstatus: 409\n\n\
         The account exists.\n\nEach account is opened once.\n"
    );
    let stale = bank
        .put_with("open-account", ada, &[("if-match", "\"9\"")])
        .await
        .json();
    let page = bank.get(stale["type"].as_str().unwrap()).await.expect(200);
    assert!(page.text.starts_with(
        "# The instance has another revision\n\ntype: /problems/stale\nstatus: 412\n"
    ));
}

#[tokio::test]
async fn every_type_is_listed_and_has_a_page() {
    let bank = Bank::open().await;
    let list = bank.get("/problems").await.expect(200).text;
    let types: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').nth(2)?.strip_suffix(':'))
        .collect();
    assert!(types.contains(&"/problems/deposit/not-open"), "{list}");
    assert!(types.len() > 25, "{list}");
    for ty in types {
        let page = bank.get(ty).await.expect(200).text;
        assert!(page.contains(&format!("type: {ty}\n")), "{page}");
    }
    for path in [
        "/problems/nothing",
        "/problems/open-account/nothing",
        "/problems/a/b/c",
        "/problems/stale/",
    ] {
        bank.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn the_application_says_where_its_types_are() {
    let base = "https://bank.example/problems/";
    let bank = Bank::with(|http| http.problem_types(base).router()).await;
    let problem = bank
        .put("deposit", json!({ "account": "a", "cents": 1 }))
        .await
        .json();
    assert_eq!(
        problem["type"],
        "https://bank.example/problems/deposit/not-open"
    );
    let missing = bank.get("/nothing").await.json();
    assert_eq!(missing["type"], "https://bank.example/problems/not-found");
    let index = bank.get("/").await.json();
    assert_eq!(
        index["commands"][0]["rejects"][0]["type"],
        "https://bank.example/problems/open-account/already-open"
    );
    let page = bank.get("/problems/stale").await.expect(200).text;
    assert!(page.contains("type: https://bank.example/problems/stale\n"));
}
