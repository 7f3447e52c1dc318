//! What a message carries only to be read sooner must not make it too large.

use eventmodel::Position;
use eventmodel::Store;
use eventmodel::store::{AppendError, Load, Snapshot};
use eventmodel_nats::NatsStore;
use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats_harness::Server;

use super::bench::{Bench, positions};
use crate::{builder, store};

const FOLD: u64 = 7;
const LIMIT: usize = 4 * 1024;
/// Less than is too large with all that it carries.
const SMALL: usize = 2_300;

/// Appends events that grow until one is refused, in the end byte by byte, and reads all of them again.
async fn grows_up_to_the_limit(bench: &Bench, fresh: NatsStore, in_a_batch: bool) {
    let (a, b) = (bench.item("a"), bench.item("b"));
    // So that all positions have four digits.
    let beside = bench.item("beside");
    let many = bench.sized("beside", &[(&beside, 0)], &vec![(&beside, 10); 1_000]);
    bench.store.append(many).await.unwrap();
    let stream = bench.stream().await;
    let (mut last, mut stored, mut carried) = (0, 0, Vec::new());
    let (mut size, mut step) = (SMALL, 16);
    loop {
        let mut guards = vec![(&a, last)];
        if in_a_batch {
            guards.push((&b, 0));
        }
        let append = bench.sized(&format!("c-{size}"), &guards, &[(&a, size)]);
        let snapshot = Snapshot {
            subject: a.clone(),
            fold: FOLD,
            state: vec![b'x'; 500].into(),
        };
        match bench
            .store
            .append(append.with_snapshots(vec![snapshot]).unwrap())
            .await
        {
            Ok(appended) => last = positions(&appended)[0],
            Err(AppendError::TooLarge { .. }) if step > 1 => {
                (size, step) = (size + 1 - step, 1);
                continue;
            }
            Err(AppendError::TooLarge { size, max, .. }) => {
                assert_eq!((size, max), (LIMIT + 1, LIMIT));
                break;
            }
            Err(error) => panic!("{error:?}"),
        }
        (stored, size) = (stored + 1, size + step);
        let headers = stream.get_raw_message(last).await.unwrap().headers;
        let has = |name: &str| headers.get(name).is_some();
        let now = (
            has("Eventmodel-Snapshot-0000000000000007"),
            has("Eventmodel-History"),
        );
        if carried.last() != Some(&now) {
            carried.push(now);
        }
    }
    assert_eq!(carried, [(true, true), (false, true), (false, false)]);
    let fresh = bench.through(fresh).await;
    let loaded = fresh.load(&a, 0, last).await.unwrap();
    assert_eq!(loaded.items.len(), stored);
    let from_snapshot = fresh.store.load(
        Load::new(bench.log.clone(), a)
            .floor(Position::new(last))
            .snapshot(Some(FOLD)),
    );
    let loaded = from_snapshot.await.unwrap();
    assert!(loaded.snapshot.is_none());
    assert_eq!(loaded.items.len(), stored);
}

#[tokio::test]
async fn hints_are_left_out_of_what_is_too_large_for_the_server_with_them() {
    let server = Server::builder()
        .config(&format!("max_payload: {LIMIT}"))
        .start()
        .await
        .unwrap();
    for in_a_batch in [false, true] {
        let connect = async || builder().connect(server.url()).await.unwrap();
        let bench = Bench::open(connect().await).await;
        grows_up_to_the_limit(&bench, connect().await, in_a_batch).await;
    }
}

/// That limit is not known before the first one is refused.
#[tokio::test]
async fn hints_are_left_out_of_what_is_too_large_for_a_stream_whose_limit_was_changed() {
    for in_a_batch in [false, true] {
        let bench = Bench::open(store().await).await;
        let mut config = bench.stream().await.get_info().await.unwrap().config;
        config.max_message_size = i32::try_from(LIMIT).unwrap();
        let context = jetstream::new(bench.store.client().clone());
        context.update_stream(config).await.unwrap();
        grows_up_to_the_limit(&bench, store().await, in_a_batch).await;
    }
}
