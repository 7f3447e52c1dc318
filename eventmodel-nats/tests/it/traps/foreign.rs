//! What others publish into a log is an item that cannot be read, and hides nothing of what can be.

use eventmodel::store::Item;
use eventmodel::{Position, Store};
use eventmodel_nats::async_nats::{HeaderMap, jetstream};
use futures_util::TryStreamExt;

use super::bench::Bench;
use crate::store;

#[tokio::test]
async fn what_is_no_event_is_an_item_and_the_rest_is_read() {
    let bench = Bench::open(store().await).await;
    let (a, b) = (bench.item("a"), bench.item("b"));
    let first = bench.put("c-1", &a, 0).await;
    let context = jetstream::new(bench.store.client().clone());
    let mut out_of_place = HeaderMap::new();
    out_of_place.insert("Eventmodel-Behind", "1000000");
    let mut foreign = Vec::new();
    for headers in [HeaderMap::new(), out_of_place] {
        let published = context.publish_with_headers(a.to_string(), headers, "garbage".into());
        let stored = published.await.unwrap().await.unwrap();
        foreign.push(Position::new(stored.sequence));
    }
    let last = foreign[1].get();
    bench.put("c-2", &a, last).await;
    bench.put("c-3", &b, 0).await;
    let unreadable = |items: &[Item]| -> Vec<_> {
        let unread = items
            .iter()
            .filter(|item| matches!(item, Item::Unreadable(_)));
        unread.map(Item::position).collect()
    };
    for subjects in [vec![], vec![(&a).into()]] {
        let all = bench.read(false).subjects(subjects.clone());
        let read: Vec<_> = bench.store.read(all).try_collect().await.unwrap();
        assert_eq!(unreadable(&read), foreign);
        assert_eq!(read.len(), if subjects.is_empty() { 5 } else { 4 });
    }
    let of_b = bench.read(false).subjects(vec![(&b).into()]);
    let read: Vec<_> = bench.store.read(of_b).try_collect().await.unwrap();
    assert_eq!((read.len(), unreadable(&read).len()), (1, 0));
    let loaded = bench.load(&a, 0, 0).await.unwrap().items;
    assert_eq!((loaded.len(), unreadable(&loaded)), (4, foreign));
    let loaded = bench.load(&a, first, 0).await.unwrap().items;
    assert_eq!(loaded.len(), 3);
    assert_eq!(bench.load(&b, 0, 0).await.unwrap().items.len(), 1);
}
