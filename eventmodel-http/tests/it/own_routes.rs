//! The adapter inside an application of someone else.

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use eventmodel_http::{Http, Problem};
use serde_json::json;

use crate::model::{Deposit, OpenAccount, PayBonus};
use crate::server::{Answer, Bank, request};

async fn open(
    State(http): State<Http>,
    Path(account): Path<String>,
    headers: HeaderMap,
) -> Response {
    http.execute(
        OpenAccount {
            account,
            owner: None,
        },
        &headers,
    )
    .await
}

async fn post_json(bank: &Bank, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    bank.send(request(
        Method::POST,
        path,
        &all,
        Body::from(body.to_owned()),
    ))
    .await
}

#[tokio::test]
async fn a_route_of_ones_own_takes_a_command_as_its_body() {
    let bank = Bank::with(|http| {
        http.router()
            .route("/deposits", post(http.command::<Deposit>()))
    })
    .await;
    let deposit = async |body: &str, headers: &[(&str, &str)]| {
        post_json(&bank, "/deposits", body, headers).await
    };
    let problem = deposit(r#"{"account": "a", "cents": 5}"#, &[])
        .await
        .problem(409, "deposit/not-open");
    assert!(problem["correlationId"].is_string());
    bank.put("open-account", json!({ "account": "a", "owner": null }))
        .await
        .expect(201);

    let key = [("idempotency-key", "k")];
    let answer = deposit(r#"{"account": "a", "cents": 5}"#, &key)
        .await
        .expect(201);
    assert_eq!(answer.revision(), 2);
    assert_eq!(answer.json()["commandId"], "k");
    assert_eq!(
        deposit(r#"{"account": "a", "cents": 5}"#, &key)
            .await
            .expect(201)
            .json()["alreadyCommitted"],
        true
    );

    let problem = deposit(r#"{"account": "a", "cents": 0}"#, &[])
        .await
        .problem(422, "invalid-fields");
    assert_eq!(problem["errors"][0]["pointer"], "/cents");
    deposit("{", &[]).await.problem(400, "malformed-body");
    deposit("[]", &[]).await.problem(422, "invalid-fields");
    deposit(r#"{"account": "a", "cents": 5}"#, &[("if-match", "*")])
        .await
        .problem(400, "malformed-header");
    let not_json = bank
        .send(request(Method::POST, "/deposits", &[], Body::from("{}")))
        .await;
    not_json.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn a_command_that_only_automations_issue_can_be_routed_on_purpose() {
    let bank = Bank::with(|http| {
        http.router()
            .route("/bonus", post(http.command::<PayBonus>()))
    })
    .await;
    post_json(&bank, "/bonus", r#"{"account": "a"}"#, &[])
        .await
        .expect(201);
}

#[tokio::test]
async fn a_command_that_is_not_in_the_model_is_a_mistake_of_the_program() {
    let bank = Bank::with(|http| {
        http.router()
            .route("/other", post(http.command::<other::OpenAccount>()))
    })
    .await;
    post_json(&bank, "/other", "{}", &[])
        .await
        .problem(500, "internal");
}

mod other {
    use eventmodel::{Command, Decide, Decision, emit};
    use serde::{Deserialize, Serialize};

    /// Another one, with the address of the one in the model.
    #[derive(Command, Serialize, Deserialize)]
    #[command(emits())]
    pub(super) struct OpenAccount {}

    impl Decide for OpenAccount {
        fn decide(&self, (): &()) -> Decision<Self> {
            emit(())
        }
    }
}

#[tokio::test]
async fn a_handler_of_ones_own_makes_the_command() {
    let bank = Bank::with(|http| {
        Router::new()
            .route("/accounts/{account}", axum::routing::put(open))
            .with_state(http.clone())
            .merge(http.router())
    })
    .await;
    let put = async |headers: &[(&str, &str)]| {
        bank.send(request(
            Method::PUT,
            "/accounts/a%2Eb",
            headers,
            Body::empty(),
        ))
        .await
    };
    let answer = put(&[("x-correlation-id", "c")]).await.expect(201);
    assert_eq!(answer.json()["events"][0]["subject"], "account.a%2Eb");
    assert_eq!(answer.json()["correlationId"], "c");
    put(&[]).await.problem(409, "open-account/already-open");
    put(&[("idempotency-key", "")])
        .await
        .problem(400, "malformed-header");
}

#[tokio::test]
async fn a_handler_of_ones_own_can_answer_with_the_same_problems() {
    async fn handler(State(http): State<Http>) -> Result<String, Problem> {
        let account = "a".to_owned();
        let receipt = http
            .app()
            .execute(OpenAccount {
                account,
                owner: None,
            })
            .await;
        let receipt = receipt.map_err(|error| http.problem::<OpenAccount>(error))?;
        Ok(receipt.position.to_string())
    }
    let bank = Bank::with(|http| {
        let http = http.problem_types("https://bank.example");
        Router::new().route("/once", get(handler)).with_state(http)
    })
    .await;
    assert_eq!(bank.get("/once").await.expect(200).text, "1");
    let problem = bank.get("/once").await.expect(409).json();
    assert_eq!(
        problem["type"],
        "https://bank.example/open-account/already-open"
    );
}

#[tokio::test]
async fn a_problem_of_ones_own_keeps_the_members_of_the_standard() {
    let status = axum::http::StatusCode::FORBIDDEN;
    let problem = Problem::new(status, "https://bank.example/not-yours", "Not yours")
        .detail("it belongs to Ada")
        .member("status", "mine")
        .member("owner", "Ada");
    let response = problem.into_response();
    assert_eq!(response.status(), status);
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({
        "type": "https://bank.example/not-yours", "title": "Not yours", "status": 403, "detail": "it belongs to Ada",
        "owner": "Ada",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_nested_router_links_to_itself() {
    let bank = Bank::with(|http| {
        Router::new()
            .nest("/api/v1", http.router().merge(http.admin()))
            .route("/", get(async || "home"))
    })
    .await;
    let data = json!({ "data": { "account": "a", "owner": null } }).to_string();
    let receipt = post_json(&bank, "/api/v1/mutation/open-account", &data, &[])
        .await
        .expect(201);
    assert!(
        receipt
            .header("location")
            .starts_with("/api/v1/query/balance/a?")
    );
    bank.get(receipt.header("location")).await.expect(200);
    post_json(
        &bank,
        "/api/v1/mutation/open-account",
        &data.replace("\"a\"", "\"b\""),
        &[],
    )
    .await
    .expect(201);
    bank.app.settled().await.unwrap();
    for list in ["/api/v1/query/balance?limit=1", "/api/v1/events?limit=1"] {
        let next = bank.get(list).await.expect(200).json()["next"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(next.starts_with("/api/v1/"), "{next}");
        assert_eq!(
            bank.get(&next).await.expect(200).json()["items"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
    let index = bank.get("/api/v1").await.expect(200).json();
    assert_eq!(
        index["commands"][0]["href"],
        "/api/v1/mutation/open-account"
    );
    assert_eq!(
        index["views"][0]["template"],
        "/api/v1/query/balance/{account}"
    );
    bank.get(index["ready"].as_str().unwrap()).await.expect(200);
    bank.get("/api/v1/nothing").await.problem(404, "not-found");
    assert_eq!(bank.get("/").await.text, "home");
}

#[tokio::test]
async fn an_application_with_state_and_a_fallback_takes_the_router_in() {
    let bank = Bank::with(|http| {
        Router::<String>::new()
            .route("/state", get(async |State(state): State<String>| state))
            .merge(http.router().reset_fallback().with_state(()))
            .fallback(async || (axum::http::StatusCode::NOT_FOUND, "mine"))
            .with_state("s".to_owned())
    })
    .await;
    assert_eq!(bank.get("/state").await.text, "s");
    bank.get("/query/totals")
        .await
        .problem(404, "no-such-instance");
    assert_eq!(bank.get("/nothing").await.expect(404).text, "mine");
}

#[tokio::test]
async fn only_some_of_the_routes_can_be_taken() {
    let bank = Bank::with(|http| Router::new().merge(http.views()).merge(http.health())).await;
    bank.get("/query/balance").await.expect(200);
    bank.get("/ready").await.expect(200);
    bank.put("open-account", json!({ "account": "a", "owner": null }))
        .await
        .expect(404);
    bank.get("/problems").await.expect(404);
}

#[tokio::test]
async fn a_layer_of_the_application_sees_every_request() {
    async fn authorize(request: axum::extract::Request, next: Next) -> Response {
        match request.headers().get("authorization") {
            Some(token) if token == HeaderValue::from_static("secret") => next.run(request).await,
            _ => Problem::new(
                axum::http::StatusCode::UNAUTHORIZED,
                "about:blank",
                "Unauthorized",
            )
            .into_response(),
        }
    }
    let bank = Bank::with(|http| http.router().layer(middleware::from_fn(authorize))).await;
    bank.get("/query/balance").await.expect(401);
    bank.get_with("/query/balance", &[("authorization", "secret")])
        .await
        .expect(200);
}

#[tokio::test]
async fn a_handler_can_ask_who_the_client_is() {
    async fn who(ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>) -> String {
        peer.ip().to_string()
    }
    let bank = Bank::with(|http| http.router().route("/who", get(who))).await;
    assert_eq!(bank.get("/who").await.text, "127.0.0.1");
}

#[tokio::test]
async fn a_router_answers_without_a_server() {
    use tower::ServiceExt;
    let bank = Bank::open().await;
    let router = eventmodel_http::router(bank.app.clone());
    let response = router
        .oneshot(Request::get("/query/balance").body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}
