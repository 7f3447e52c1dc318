//! Several processes that host the same views, and die at any point.

use std::collections::BTreeMap;
use std::time::Duration;

use eventmodel::{App, EventModel, Receipt};
use eventmodel_nats::KvViews;
use eventmodel_nats_harness::{Direction, Proxy, Server, When};
use support::bank::{Balance, Total, deposit};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use super::{balances, ledger, store};
use crate::builder;

const ACCOUNTS: u32 = 12;

const PATIENCE: Duration = Duration::from_secs(60);

/// A process that hosts the views: dropped, it ends wherever it is, and nothing of it is told to the server.
pub(super) struct Process {
    runtime: Option<Runtime>,
    pub(super) proxy: Proxy,
}

impl Process {
    pub(super) async fn start(server: &Server, cache: usize, model: fn() -> EventModel) -> Self {
        let proxy = Proxy::start(server.url()).await.unwrap();
        let url = proxy.url();
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let store = builder()
                .timeout(Duration::from_millis(500))
                .views(KvViews::new().cache(cache));
            // One that cannot even start is as good as one that dies.
            if let Ok(store) = store.connect(url).await
                && let Ok(_app) = model().start(store).await
            {
                std::future::pending::<()>().await;
            }
        });
        Self {
            runtime: Some(runtime),
            proxy,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.proxy.cut();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn write(app: &App, expected: &mut BTreeMap<String, (i64, u32)>) -> Receipt {
    let (name, cents) = (
        format!("a{}", fastrand::u32(..ACCOUNTS)),
        fastrand::u32(1..100),
    );
    let receipt = app.execute(deposit(&name, cents)).await.unwrap();
    let (sum, count) = expected.entry(name).or_default();
    *sum += i64::from(cents);
    *count += 1;
    receipt
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_die_at_any_point_apply_each_event_once() {
    let server = Server::start().await.unwrap();
    let writer = ledger()
        .start(builder().connect(server.url()).await.unwrap())
        .await
        .unwrap();
    let mut expected = BTreeMap::new();
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(Process::start(&server, 100, ledger).await);
    }
    for _ in 0..40 {
        for _ in 0..fastrand::u32(5..40) {
            let _ = write(&writer, &mut expected).await;
        }
        let chosen = fastrand::usize(..processes.len());
        match fastrand::u32(..3) {
            0 => processes[chosen].proxy.cut(),
            1 => {
                let bytes = fastrand::usize(..4_000);
                let cut = processes[chosen]
                    .proxy
                    .cut_at(Direction::ToClient, When::Bytes(bytes));
                drop(cut);
            }
            _ => {
                // A cache that is too small: entries are read again and again.
                let cache = if fastrand::bool() { 100 } else { 3 };
                processes[chosen] = Process::start(&server, cache, ledger).await;
            }
        }
        sleep(Duration::from_millis(fastrand::u64(..150))).await;
    }
    let last = write(&writer, &mut expected).await;
    let reader = ledger()
        .start(store(&server, KvViews::new()).await)
        .await
        .unwrap();
    let view = reader.view::<Balance>().after(&last).within(PATIENCE);
    let found = view.list().await.unwrap();
    let found: BTreeMap<_, _> = found
        .into_iter()
        .map(|entry| {
            (
                entry.key.account,
                (entry.value.cents, entry.value.movements),
            )
        })
        .collect();
    assert_eq!(found, expected);
    let total = reader.view::<Total>().after(&last).within(PATIENCE);
    let total = total.get(&()).await.unwrap().unwrap();
    assert_eq!(
        total.cents,
        expected.values().map(|(sum, _)| sum).sum::<i64>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_stored_late_applies_nothing_twice() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let slow = builder()
        .views(KvViews::new())
        .timeout(Duration::from_secs(1));
    let slow = ledger()
        .start(slow.connect(proxy.url()).await.unwrap())
        .await
        .unwrap();
    let writer = ledger()
        .start(builder().connect(server.url()).await.unwrap())
        .await
        .unwrap();
    let first = writer.execute(deposit("ann", 1)).await.unwrap();
    let view = slow.view::<Balance>().after(&first).within(PATIENCE);
    assert_eq!(view.list().await.unwrap().len(), 1);
    // The next write of the slow process is held back on its way.
    let held = proxy.block_at(Direction::ToServer, When::seen("Eventmodel-At"));
    let second = writer.execute(deposit("ann", 10)).await.unwrap();
    timeout(PATIENCE, held.happened()).await.unwrap();
    let quick = ledger()
        .start(store(&server, KvViews::new()).await)
        .await
        .unwrap();
    let third = writer.execute(deposit("ann", 100)).await.unwrap();
    let view = quick.view::<Balance>().after(&third).within(PATIENCE);
    assert_eq!(balances(&view).await["ann"], (111, 3));
    proxy.unblock();
    let view = slow.view::<Balance>().after(&third).within(PATIENCE);
    assert_eq!(balances(&view).await["ann"], (111, 3));
    assert!(second.position < third.position);
    let fourth = writer.execute(deposit("ann", 1_000)).await.unwrap();
    for app in [&slow, &quick] {
        let view = app.view::<Balance>().after(&fourth).within(PATIENCE);
        assert_eq!(balances(&view).await["ann"], (1_111, 4));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_does_not_go_first_shows_what_another_has_applied() {
    let server = Server::start().await.unwrap();
    let first = ledger()
        .start(store(&server, KvViews::new()).await)
        .await
        .unwrap();
    let begun = first.execute(deposit("ann", 1)).await.unwrap();
    balances(&first.view::<Balance>().after(&begun).within(PATIENCE)).await;
    let other = ledger()
        .start(store(&server, KvViews::new()).await)
        .await
        .unwrap();
    for count in 2..50 {
        let app = if count % 2 == 0 { &first } else { &other };
        let receipt = app.execute(deposit("ann", 1)).await.unwrap();
        for app in [&first, &other] {
            let view = app.view::<Balance>().after(&receipt).within(PATIENCE);
            assert_eq!(balances(&view).await["ann"], (i64::from(count), count));
        }
    }
    // One that has stopped in good order is not waited for, and what it knew is not lost.
    first.shutdown().await.unwrap();
    let last = other.execute(deposit("ann", 1)).await.unwrap();
    let view = other.view::<Balance>().after(&last).within(PATIENCE);
    assert_eq!(balances(&view).await["ann"], (50, 50));
}

/// Pages of the keys, each of which must come after the one before.
async fn in_pages(app: &App, limit: usize) -> Vec<String> {
    let view = app.view_at("balance").unwrap();
    let mut keys: Vec<String> = Vec::new();
    loop {
        let after = keys.last().map(String::as_str);
        let page = view.page("", after, limit).await.unwrap();
        keys.extend(page.instances.iter().map(|entry| entry.key.to_string()));
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        if !page.has_more {
            return keys;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_lists_what_another_one_writes() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let first = ledger().start(store(&server, KvViews::new()).await);
    let first = first.await.unwrap();
    let other = builder().views(KvViews::new()).connect(proxy.url());
    let other = ledger().start(other.await.unwrap()).await.unwrap();
    let mut there = Vec::new();
    for count in 0..40 {
        if count % 15 == 10 {
            proxy.cut();
        }
        // Between those that are there.
        there.push(format!("a{}", count * 7 % 40 + 10));
        let receipt = first.execute(deposit(&there[count], 1)).await.unwrap();
        let view = other.view::<Balance>().after(&receipt).within(PATIENCE);
        assert_eq!(balances(&view).await.len(), count + 1);
    }
    there.sort();
    assert_eq!(in_pages(&other, 7).await, there);
    // What is there from the first page to the last is listed, also while more is written.
    let more = async {
        for count in 0..200 {
            let name = format!("a{}x{count}", count * 7 % 40 + 10);
            let _ = first.execute(deposit(&name, 1)).await.unwrap();
        }
    };
    let lists = async {
        for _ in 0..10 {
            for app in [&first, &other] {
                let listed = in_pages(app, 3).await;
                assert!(there.iter().all(|key| listed.contains(key)), "{listed:?}");
            }
        }
    };
    tokio::join!(more, lists);
}
