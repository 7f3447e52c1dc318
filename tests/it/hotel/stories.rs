//! What the hotel does over HTTP, whatever store its books are in.

use std::collections::HashSet;

use serde_json::json;
use support::hotel::{BOOK, CHECK_IN, CLEAN, data};

use super::server::Hotel;
use super::{items, text};

/// Tests of all stories. `$open` opens a hotel that is new, and gives what must outlive it.
macro_rules! hotel_stories {
    ($open:expr) => {
        $crate::hotel::stories::hotel_stories!($open;
            the_requests_of_the_seed_work_word_for_word
            every_rule_that_is_broken_is_a_409_with_a_problem_type_of_its_own
            the_views_show_how_far_the_room_is_and_who_cleans
            availability_is_known_in_real_time
            the_booking_process_is_auditable
            a_request_that_is_sent_again_has_its_effect_once
            the_rooms_are_created_once_however_often_the_hotel_opens
        );
    };
    ($open:expr; $($story:ident)*) => {$(
        #[tokio::test]
        async fn $story() {
            let (hotel, _kept) = ($open)().await;
            $crate::hotel::stories::$story(hotel).await;
        }
    )*};
}
pub(crate) use hotel_stories;

pub(crate) async fn the_requests_of_the_seed_work_word_for_word(hotel: Hotel) {
    let booked = hotel.put("book-room", BOOK).await;
    assert_eq!(booked.status, 201, "{booked:?}");
    assert_eq!(booked.body["events"][0]["type"], "RoomBooked");
    assert_eq!(booked.body["events"][0]["subject"], "booking.1.2022-12-12");
    assert_eq!(
        booked.body["events"][0]["data"],
        json!({ "room": { "id": 1 }, "client": { "id": 1 }, "date": "2022-12-12" })
    );
    let cleaned = hotel.put("cleanup", CLEAN).await;
    assert_eq!(cleaned.status, 201, "{cleaned:?}");
    let events = &cleaned.body["events"];
    assert_eq!(events[0]["type"], "RoomAvailable");
    assert_eq!(events[0]["subject"], "booking.1.2022-12-12");
    assert_eq!(events[1]["type"], "RoomCleanedUp");
    assert_eq!(events[1]["subject"], "cleanup.1.2022-12-12");
    let checked_in = hotel.put("checkin", CHECK_IN).await;
    assert_eq!(checked_in.status, 201, "{checked_in:?}");
    assert_eq!(checked_in.body["events"][0]["type"], "GuestCheckedIn");
    // The guest has arrived after midnight: it is the night of the 12th that was booked.
    assert_eq!(
        checked_in.body["events"][0]["subject"],
        "booking.1.2022-12-12"
    );
    hotel.close().await;
}

pub(crate) async fn every_rule_that_is_broken_is_a_409_with_a_problem_type_of_its_own(
    hotel: Hotel,
) {
    let mut types = HashSet::new();
    let mut refused = async |command: &str, body: &str, expected: &str| {
        let answer = hotel.put(command, body).await;
        assert_eq!(answer.status, 409, "{expected}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["status"], 409);
        assert_eq!(
            answer.body["type"],
            format!("/problems/{command}/{expected}")
        );
        assert!(answer.body["detail"].is_string(), "{answer:?}");
        types.insert(answer.body["type"].to_string());
        // The type leads to a page that explains it.
        let page = hotel.get(answer.body["type"].as_str().unwrap()).await;
        assert_eq!(page.status, 200, "{page:?}");
    };
    let accepted = async |command: &str, body: &str| {
        let answer = hotel.put(command, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    };

    refused(
        "book-room",
        &data(99, Some(1), "2022-12-12"),
        "no-such-room",
    )
    .await;
    refused("cleanup", CLEAN, "not-booked").await;
    refused("checkin", CHECK_IN, "not-booked").await;
    accepted("book-room", BOOK).await;
    refused("book-room", BOOK, "already-booked").await;
    refused(
        "book-room",
        &data(1, Some(2), "2022-12-12"),
        "already-booked",
    )
    .await;
    refused("checkin", CHECK_IN, "not-cleaned").await;
    refused(
        "checkin",
        &data(1, Some(2), "2022-12-13"),
        "booked-by-another",
    )
    .await;
    accepted("cleanup", CLEAN).await;
    refused("cleanup", CLEAN, "already-cleaned").await;
    refused(
        "checkin",
        &data(1, Some(2), "2022-12-12"),
        "booked-by-another",
    )
    .await;
    accepted("checkin", CHECK_IN).await;
    refused("checkin", CHECK_IN, "already-checked-in").await;
    refused(
        "checkin",
        &data(1, Some(1), "2022-12-12"),
        "already-checked-in",
    )
    .await;
    refused("cleanup", CLEAN, "already-cleaned").await;
    refused("book-room", BOOK, "already-booked").await;
    let room = json!({ "data": { "room": { "id": 1 } } }).to_string();
    let answer = hotel
        .put_with("create-room", &room, "Idempotency-Key: another\r\n")
        .await;
    assert_eq!(answer.body["type"], "/problems/create-room/room-exists");
    assert_eq!(types.len(), 8, "{types:?}");
    hotel.close().await;
}

pub(crate) async fn the_views_show_how_far_the_room_is_and_who_cleans(hotel: Hotel) {
    let availability = "/query/availability/1/2022-12-12";
    let free = hotel.get(availability).await;
    assert_eq!(free.status, 404, "{free:?}");
    let day = async |command: &str, body: &str| {
        let position = hotel.put(command, body).await.body["position"].clone();
        let answer = hotel.get(&format!("{availability}?after={position}")).await;
        assert_eq!(answer.body["key"], json!(["1", "2022-12-12"]));
        answer.body["value"].clone()
    };
    let client = json!({ "id": 1 });
    assert_eq!(
        day("book-room", BOOK).await,
        json!({ "status": "booked", "client": client })
    );
    hotel.app.settled().await.unwrap();
    let schedule = hotel.get("/query/cleaning-schedule/2022-12-12").await;
    let planned = |done| json!([{ "room": { "id": 1 }, "team": { "id": 2 }, "done": done }]);
    assert_eq!(
        schedule.body["value"]["rooms"],
        planned(false),
        "{schedule:?}"
    );
    assert_eq!(
        day("cleanup", CLEAN).await,
        json!({ "status": "available", "client": client })
    );
    hotel.app.settled().await.unwrap();
    let schedule = hotel.get("/query/cleaning-schedule/2022-12-12").await;
    assert_eq!(
        schedule.body["value"]["rooms"],
        planned(true),
        "{schedule:?}"
    );
    assert_eq!(
        day("checkin", CHECK_IN).await,
        json!({ "status": "occupied", "client": client })
    );
    let all_nights = hotel.get("/query/availability/1").await;
    assert_eq!(all_nights.body["items"].as_array().unwrap().len(), 1);
    let other = hotel.get("/query/cleaning-schedule/2022-12-13").await;
    assert_eq!(other.status, 404, "{other:?}");
    hotel.close().await;
}

pub(crate) async fn availability_is_known_in_real_time(hotel: Hotel) {
    let mut watch = hotel.watch("/query/availability").await;
    for (command, body, status) in [
        ("book-room", BOOK, "booked"),
        ("cleanup", CLEAN, "available"),
        ("checkin", CHECK_IN, "occupied"),
    ] {
        assert_eq!(hotel.put(command, body).await.status, 201);
        let seen = watch.next().await;
        assert_eq!(seen["key"], json!(["1", "2022-12-12"]));
        assert_eq!(seen["value"]["status"], status);
    }
    hotel.close().await;
}

pub(crate) async fn the_booking_process_is_auditable(hotel: Hotel) {
    let booked = hotel
        .put_with("book-room", BOOK, "X-Correlation-Id: the-guest\r\n")
        .await;
    assert_eq!(hotel.put("book-room", BOOK).await.status, 409);
    hotel.app.settled().await.unwrap();
    assert_eq!(hotel.put("cleanup", CLEAN).await.status, 201);
    assert_eq!(hotel.put("checkin", CHECK_IN).await.status, 201);

    let expected = [
        ("BookRoom", "accepted"),
        ("BookRoom", "rejected"),
        ("CheckIn", "accepted"),
        ("CleanRoom", "accepted"),
        ("ScheduleCleaning", "accepted"),
    ];
    // What has been answered may be noted a moment later.
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let audit = hotel.get("/admin/audit?limit=100").await;
        let mut entries: Vec<(&str, &str)> = items(&audit.body)
            .filter(|entry| entry["command"] != "CreateRoom")
            .map(|entry| (text(&entry["command"]), text(&entry["outcome"])))
            .collect();
        entries.sort_unstable();
        if entries == expected {
            break;
        }
        assert!(tokio::time::Instant::now() < until, "{entries:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }

    // What followed from one request, and what it was that caused it.
    let followed = hotel.get("/admin/audit?correlationId=the-guest").await;
    assert_eq!(items(&followed.body).count(), 2, "{followed:?}");
    let bot = items(&followed.body).find(|entry| entry["source"] == "CleaningBot");
    assert_eq!(
        bot.unwrap()["causationId"],
        booked.body["events"][0]["id"],
        "{followed:?}"
    );

    let events = hotel.get("/admin/events?after=10").await;
    let types: Vec<_> = items(&events.body).map(|e| text(&e["type"])).collect();
    let expected = [
        "RoomBooked",
        "RoomCleaningScheduled",
        "RoomAvailable",
        "RoomCleanedUp",
        "GuestCheckedIn",
    ];
    assert_eq!(types, expected);
    hotel.close().await;
}

pub(crate) async fn a_request_that_is_sent_again_has_its_effect_once(hotel: Hotel) {
    let key = "Idempotency-Key: \"booking-1\"\r\n";
    let first = hotel.put_with("book-room", BOOK, key).await;
    let again = hotel.put_with("book-room", BOOK, key).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.body["alreadyCommitted"], true);
    assert_eq!(first.body["position"], again.body["position"]);
    let other = data(2, Some(1), "2022-12-12");
    let other = hotel.put_with("book-room", &other, key).await;
    assert_eq!(other.status, 422, "{other:?}");
    hotel.close().await;
}

pub(crate) async fn the_rooms_are_created_once_however_often_the_hotel_opens(hotel: Hotel) {
    hotel_booking::create_rooms(&hotel.app, hotel_booking::ROOMS)
        .await
        .unwrap();
    let events = hotel.get("/admin/events").await;
    let subjects: Vec<_> = items(&events.body).map(|e| text(&e["subject"])).collect();
    let expected: Vec<_> = (1..=10).map(|room| format!("admin.{room}")).collect();
    assert_eq!(subjects, expected);
    hotel.close().await;
}
