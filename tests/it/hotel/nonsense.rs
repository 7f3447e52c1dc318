//! What a hotel is asked by people who do not know how: each is answered with what is wrong, and nothing happens.

use serde_json::json;
use support::hotel::BOOK;

use super::server::Hotel;

#[tokio::test]
async fn nonsense_is_answered_and_changes_nothing() {
    let hotel = Hotel::open().await;
    let long = "x".repeat(10_000);
    let bodies = [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        ("{}", 422),
        (r#"{"data": null}"#, 422),
        (r#"{"data": {}}"#, 422),
        (
            r#"{"data": {"room": 1, "client": 1, "date": "2022-12-12"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": "*"}, "client": {"id": 1}, "date": "2022-12-12"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": -1}, "client": {"id": 1}, "date": "2022-12-12"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1.5}, "client": {"id": 1}, "date": "2022-12-12"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 99999999999}, "client": {"id": 1}, "date": "2022-12-12"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 0}, "client": {"id": 1}, "date": "2022-12-12"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1}, "client": {"id": 0}, "date": "2022-12-12"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1}, "client": {"id": 1}, "date": "2022-02-30"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1}, "client": {"id": 1}, "date": "today"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1}, "client": {"id": 1}, "date": "2022.12.12"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1}, "client": {"id": 1}, "date": "-009999-01-01"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1}, "client": {"id": 1}, "date": "9999-12-31"}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1}, "client": {"id": 1}, "date": 20221212}}"#,
            422,
        ),
        (
            r#"{"data": {"room": {"id": 1}, "client": {"id": 1}, "date": "2022-12-12", "night": 1}}"#,
            422,
        ),
        (
            "{\"data\": {\"room\": {\"id\": \"\\u0000\u{1F6CF}\"}, \"client\": {\"id\": 1}, \"date\": \"2022-12-12\"}}",
            422,
        ),
    ];
    for command in ["book-room", "checkin"] {
        for (body, status) in bodies {
            let answer = hotel.put(command, body).await;
            assert_eq!(answer.status, status, "{body}: {answer:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        let date = json!({ "data": { "room": { "id": 1 }, "client": { "id": 1 }, "date": long } });
        let answer = hotel.put(command, &date.to_string()).await;
        assert_eq!(answer.status, 422, "{answer:?}");
    }
    let unknown_team = r#"{"data": {"room": {"id": 1}, "date": "2022-12-12", "team": {"id": 4}}}"#;
    let answer = hotel.put("cleanup", unknown_team).await;
    assert_eq!(answer.body["errors"][0]["pointer"], "/data/team/id");
    // A team that is written wrong must not be taken for none.
    let misspelled = r#"{"data": {"room": {"id": 1}, "date": "2022-12-12", "taem": {"id": 1}}}"#;
    assert_eq!(hotel.put("cleanup", misspelled).await.status, 422);
    for (path, status) in [
        ("/query/availability/1/*", 400),
        ("/query/availability/x/2022-12-12", 400),
        ("/query/availability/01/2022-12-12", 400),
        ("/query/availability/1/2022-12-12/more", 400),
        ("/query/availability/1/2022-12-12?after=x", 400),
        ("/query/availability/%00/2022-12-12", 400),
        ("/query/%FF", 400),
        ("/query/cleaning-schedule/tomorrow", 400),
        ("/query/room-day/1/2022-12-12", 404),
        ("/mutation/book-room", 405),
        ("/nowhere", 404),
    ] {
        let answer = hotel.get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    for command in ["schedule-cleaning", "book_room", "BookRoom", "*", "%00"] {
        let answer = hotel.put(command, BOOK).await;
        assert_eq!(answer.status, 404, "{command}: {answer:?}");
    }
    hotel.app.settled().await.unwrap();
    let events = hotel.get("/admin/events?after=10").await;
    assert_eq!(events.body["items"], json!([]), "{events:?}");
    assert_eq!(hotel.put("book-room", BOOK).await.status, 201);
    hotel.close().await;
}

#[tokio::test]
async fn all_that_is_wrong_with_a_request_is_said_at_once() {
    let hotel = Hotel::open().await;
    let body = r#"{"data": {"room": {"id": 0}, "client": {"id": 0}, "date": "1999-12-31"}}"#;
    let answer = hotel.put("book-room", body).await;
    assert_eq!(answer.status, 422);
    let errors = answer.body["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/data/room/id", "/data/client/id", "/data/date"]);
    hotel.close().await;
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let hotel = Hotel::open().await;
    let blanks = " ".repeat(2 * 1024 * 1024);
    let answer = hotel.put("book-room", &format!("{blanks}{BOOK}")).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    hotel.close().await;
}
