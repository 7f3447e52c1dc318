//! States that are kept as snapshots beside the last event of their instance.

pub(crate) mod keeper;
mod school;

use eventmodel::testing::spec;
use eventmodel::{App, AppOptions, Decide, ExecuteError, MemoryStore, Store};
use eventmodel_testing::{Faults, FaultyStore, store_contract};
use keeper::{Keeper, Keeping};
use school::{Announce, Announced, Enroll, Move, school};

store_contract!(newest, || async { Keeper::new(Keeping::Newest) });
store_contract!(older, || async { Keeper::new(Keeping::Older) });
store_contract!(stale, || async {
    let faults = Faults::none().stale_reads(0.5);
    FaultyStore::new(Keeper::new(Keeping::Older), faults)
});

/// An app of a build that remembers nothing between commands.
async fn build(store: impl Store, name: &str) -> App {
    let options = AppOptions::new().state_cache(0).build(name);
    school().start_with(store, options).await.unwrap()
}

async fn announce(app: &App, course: u32, news: &str) {
    let news = news.into();
    let receipt = app.execute(Announce { course, news }).await.unwrap();
    assert_eq!(receipt.events.len(), 1);
}

async fn three_announcements(store: &Keeper) {
    let app = build(store.clone(), "one").await;
    for news in ["a", "b", "c"] {
        announce(&app, 1, news).await;
    }
    store.loaded();
}

#[tokio::test]
async fn a_state_is_loaded_from_its_snapshot_without_an_event() {
    let store = Keeper::new(Keeping::Newest);
    three_announcements(&store).await;
    let newest = r#"course.1: {"events":3,"last":"c"}"#;
    assert_eq!(store.sent().await.last().unwrap(), newest);
    let cold = build(store.clone(), "one").await;
    let rejected = cold
        .execute(Announce {
            course: 1,
            news: "c".into(),
        })
        .await;
    assert!(matches!(rejected, Err(ExecuteError::Rejected(_))));
    announce(&cold, 1, "d").await;
    assert_eq!(store.loaded(), 0);
}

#[tokio::test]
async fn what_came_after_a_snapshot_is_folded_onto_it() {
    let store = Keeper::new(Keeping::Older);
    let app = build(store.clone(), "one").await;
    let (course, student) = (1, 7);
    let _ = app.execute(Enroll { course, student }).await.unwrap();
    // Nothing that these decide on is a seat.
    for news in ["a", "b", "c"] {
        announce(&app, course, news).await;
    }
    store.loaded();
    let cold = build(store.clone(), "one").await;
    let full = cold.execute(Enroll { course, student }).await;
    assert!(matches!(full, Err(ExecuteError::Rejected(_))), "{full:?}");
    assert_eq!(store.loaded(), 3);
}

#[tokio::test]
async fn another_build_reads_the_history() {
    let store = Keeper::new(Keeping::Newest);
    three_announcements(&store).await;
    let other = build(store.clone(), "two").await;
    announce(&other, 1, "d").await;
    assert_eq!(store.loaded(), 3);
    announce(&other, 1, "e").await;
    assert_eq!(store.loaded(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_a_name_the_executable_is_the_build() {
    for name in [None, Some("")] {
        let store = Keeper::new(Keeping::Newest);
        let start = async || {
            let options = AppOptions::new().state_cache(0);
            let options = name.into_iter().fold(options, AppOptions::build);
            school().start_with(store.clone(), options).await.unwrap()
        };
        announce(&start().await, 1, "a").await;
        announce(&start().await, 1, "b").await;
        assert_eq!(store.loaded(), 0);
        announce(&build(store.clone(), "one").await, 1, "c").await;
        assert_eq!(store.loaded(), 2);
    }
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_discarded() {
    for state in ["", "{", "null", r#"{"events":"three","last":"c"}"#, "{} x"] {
        let store = Keeper::new(Keeping::Newest);
        three_announcements(&store).await;
        store.spoil(state).await;
        let cold = build(store.clone(), "one").await;
        announce(&cold, 1, "d").await;
        assert_eq!(store.loaded(), 3, "{state}");
        let newest = r#"course.1: {"events":4,"last":"d"}"#;
        assert_eq!(store.sent().await.last().unwrap(), newest);
    }
}

#[tokio::test]
async fn a_snapshot_without_all_that_comes_after_it_is_discarded() {
    let store = Keeper::new(Keeping::WithoutTheEventsAfterIt);
    let app = build(store.clone(), "one").await;
    let (course, student) = (1, 7);
    let _ = app.execute(Enroll { course, student }).await.unwrap();
    announce(&app, course, "a").await;
    let rejected = app.execute(Enroll { course, student }).await;
    assert!(matches!(rejected, Err(ExecuteError::Rejected(_))));
    store.loaded();
    // The seats are one event behind.
    let student = 8;
    let _ = app.execute(Enroll { course, student }).await.unwrap();
    assert_eq!(store.loaded(), 2);
}

#[tokio::test]
async fn a_snapshot_that_is_too_large_is_not_sent() {
    let long = "x".repeat(Keeper::MAX);
    let just = r#"{"events":1,"last":""}"#.len();
    let store = Keeper::new(Keeping::Newest);
    let app = build(store.clone(), "one").await;
    announce(&app, 1, &long[just..]).await;
    assert_eq!(store.sent().await.len(), 1);
    announce(&app, 2, &long[just - 1..]).await;
    assert_eq!(store.sent().await.len(), 1);
    // Nor is it stored anywhere: the history is read.
    announce(&app, 2, "a").await;
    assert_eq!(store.loaded(), 1);
}

#[tokio::test]
async fn the_states_of_one_instance_share_the_room_beside_its_event() {
    // Enough for the seats or for the traffic, and not for both.
    let store = Keeper::with_max(Keeping::Newest, 60);
    let app = build(store.clone(), "one").await;
    let (course, student) = (1, 7);
    let _ = app.execute(Enroll { course, student }).await.unwrap();
    let sent = store.sent().await;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].starts_with("course.1: {\"taken\":[7]"), "{sent:?}");
    assert_eq!(sent[1], r#"student.7: {"courses":[1]}"#);
}

#[tokio::test]
async fn nothing_is_sent_to_a_store_that_keeps_none_nor_of_states_that_do_not_say_so() {
    let store = Keeper::with_max(Keeping::Newest, 0);
    three_announcements(&store).await;
    assert!(store.sent().await.is_empty());

    let store = Keeper::new(Keeping::Newest);
    let app = build(store.clone(), "one").await;
    let (student, from, to) = (7, 1, 2);
    let _ = app.execute(Enroll { course: 1, student }).await.unwrap();
    let enrolled = store.sent().await.len();
    let _ = app.execute(Move { student, from, to }).await.unwrap();
    let sent = store.sent().await;
    // Both courses and the timetable; the moves do not say so.
    assert_eq!(sent.len() - enrolled, 3, "{sent:?}");
    assert!(!sent.iter().any(|text| text.contains("number")), "{sent:?}");
}

/// How a command ended, for a person to compare.
async fn ended<C: Decide>(app: &App, command: C) -> String {
    match app.execute(command).await {
        Ok(receipt) => {
            let text = |event: &eventmodel::RecordedEvent| {
                format!("{} {:?}", event.position(), event.payload())
            };
            receipt.events.iter().map(text).collect()
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn decisions_are_the_same_from_snapshots_and_from_the_history() {
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..60 {
        let keeping = [Keeping::Newest, Keeping::Older][seed % 2];
        // Sometimes not all of them fit.
        let store = Keeper::with_max(keeping, [40, 90, 300][seed % 3]);
        let plain = school().start(MemoryStore::new()).await.unwrap();
        let warm = AppOptions::new().build("one");
        let warm = school().start_with(store.clone(), warm).await.unwrap();
        let cold = build(store.clone(), "one").await;
        let other = build(store.clone(), "two").await;
        let mut chance = fastrand::Rng::with_seed(seed as u64);
        for n in 0..80 {
            let (course, student) = (chance.u32(0..3), chance.u32(0..4));
            let (from, to, news) = (course, chance.u32(0..3), chance.u32(0..5));
            let app = [&cold, &warm, &other][chance.usize(0..3)];
            let (expected, found) = match chance.u32(0..3) {
                0 => {
                    let news = format!("\"{news}\" … \\n");
                    let command = Announce { course, news };
                    (
                        ended(&plain, command.clone()).await,
                        ended(app, command).await,
                    )
                }
                1 => {
                    let command = Enroll { course, student };
                    (
                        ended(&plain, command.clone()).await,
                        ended(app, command).await,
                    )
                }
                _ => {
                    let command = Move { student, from, to };
                    (
                        ended(&plain, command.clone()).await,
                        ended(app, command).await,
                    )
                }
            };
            assert_eq!(found, expected, "seed {seed}, command {n}");
            *(if found.contains("b\"") {
                &mut accepted
            } else {
                &mut rejected
            }) += 1;
        }
    }
    assert!(accepted > 500 && rejected > 500, "{accepted} {rejected}");
}

#[tokio::test(start_paused = true)]
async fn decisions_are_the_same_under_faults() {
    for (seed, keeping) in (0..40).zip([Keeping::Newest, Keeping::Older].into_iter().cycle()) {
        let keeper = Keeper::new(keeping);
        let faults = Faults::none()
            .seed(seed)
            .lost_acks(0.1)
            .late_appends(0.1)
            .conflicts(0.1)
            .stale_reads(0.3);
        let faulty = FaultyStore::new(keeper.clone(), faults);
        let apps = [
            build(faulty.clone(), "one").await,
            build(faulty, "one").await,
        ];
        for news in 0..5 {
            announce(&apps[news % 2], 1, &news.to_string()).await;
        }
        let newest = r#"course.1: {"events":5,"last":"4"}"#;
        assert_eq!(keeper.sent().await.last().unwrap(), newest, "seed {seed}");
    }
}

#[test]
fn a_state_that_is_kept_is_put_under_the_same_specs() {
    let announced = |news: &str| Announced {
        course: 1,
        news: news.into(),
    };
    spec::<Announce>()
        .given([announced("a"), announced("b")])
        .when(Announce {
            course: 1,
            news: "c".into(),
        })
        .emits(announced("c"));
}
