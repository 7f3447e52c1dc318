//! What happens at the same moment: each command decides on a state in which the others have not happened yet.

use std::sync::Arc;

use eventmodel::AppOptions;
use support::hotel::{BOOK, CHECK_IN, CLEAN, data};

use super::client::{self, Answer};
use super::items;
use support::layer::Layer;

use super::server::Hotel;
use super::stampede::Stampede;

const NIGHT: &str = "booking.1.2022-12-12";

/// A hotel in which every decision loads its state.
async fn open() -> (Arc<Stampede>, Hotel) {
    let store = Arc::new(Stampede::default());
    let options = AppOptions::new().state_cache(0);
    (store.clone(), Hotel::open_on(Layer(store), options).await)
}

/// Sends these requests at once.
async fn at_once(hotel: &Hotel, command: &'static str, bodies: Vec<String>) -> Vec<Answer> {
    let address = hotel.address;
    let sent: Vec<_> = bodies
        .into_iter()
        .map(|body| tokio::spawn(async move { client::put(address, command, &body, "").await }))
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    answers
}

/// One is accepted, all others are refused for this reason. Which one.
fn one_of(answers: &[Answer], refusal: &str) -> usize {
    let accepted: Vec<_> = (0..answers.len())
        .filter(|&n| answers[n].status == 201)
        .collect();
    let refused = |answer: &&Answer| answer.status == 409 && answer.body["type"] == refusal;
    let refused = answers.iter().filter(refused).count();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(
        (accepted.len(), refused),
        (1, answers.len() - 1),
        "{statuses:?}"
    );
    accepted[0]
}

async fn recorded(hotel: &Hotel, subject: &str) -> Vec<String> {
    let events = hotel.get(&format!("/admin/events?subject={subject}")).await;
    items(&events.body)
        .map(|event| super::text(&event["type"]).to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_guests_who_book_the_same_room_one_gets_it() {
    let (store, hotel) = open().await;
    store.hold(NIGHT, 50);
    let bodies = (1..=50).map(|client| data(1, Some(client), "2022-12-12"));
    let answers = at_once(&hotel, "book-room", bodies.collect()).await;
    let winner = one_of(&answers, "/problems/book-room/already-booked");
    hotel.app.settled().await.unwrap();
    let day = hotel.get("/query/availability/1/2022-12-12").await;
    assert_eq!(day.body["value"]["client"]["id"], winner + 1);
    assert_eq!(recorded(&hotel, NIGHT).await, ["RoomBooked"]);
    hotel.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_is_at_two_desks_is_let_in_once() {
    let (store, hotel) = open().await;
    assert_eq!(hotel.put("book-room", BOOK).await.status, 201);
    assert_eq!(hotel.put("cleanup", CLEAN).await.status, 201);
    // Both desks look at the night before, and see a room that waits for its guest.
    store.hold(NIGHT, 2);
    let answers = at_once(&hotel, "checkin", vec![CHECK_IN.to_owned(); 2]).await;
    one_of(&answers, "/problems/checkin/already-checked-in");
    let expected = ["RoomBooked", "RoomAvailable", "GuestCheckedIn"];
    assert_eq!(recorded(&hotel, NIGHT).await, expected);
    hotel.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_two_teams_have_cleaned_is_cleaned_once_and_in_both_streams() {
    let (store, hotel) = open().await;
    assert_eq!(hotel.put("book-room", BOOK).await.status, 201);
    hotel.app.settled().await.unwrap();
    store.hold("cleanup.1.2022-12-12", 2);
    let team = |team| {
        format!(
            r#"{{"data": {{"room": {{"id": 1}}, "date": "2022-12-12", "team": {{"id": {team}}}}}}}"#
        )
    };
    let answers = at_once(&hotel, "cleanup", vec![team(1), team(3)]).await;
    one_of(&answers, "/problems/cleanup/already-cleaned");
    assert_eq!(
        recorded(&hotel, NIGHT).await,
        ["RoomBooked", "RoomAvailable"]
    );
    let expected = ["RoomCleaningScheduled", "RoomCleanedUp"];
    assert_eq!(recorded(&hotel, "cleanup.1.2022-12-12").await, expected);
    hotel.close().await;
}
