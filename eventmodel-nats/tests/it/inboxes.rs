//! Automations on JetStream: processes that share the work, and end while they do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventmodel::store::Store;
use eventmodel::{App, AppOptions, EventModel, EventQuery, Slice, automation};
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::{Cluster, Proxy, Server};
use futures_util::TryStreamExt;
use support::bank::{Deposited, Withdraw, Withdrawn, bank, deposit, withdraw};
use support::until;

use crate::builder;

mod drift;
mod process;
mod retries;
mod settled;
mod suspects;
mod turns;
mod unreadable;

const BOUND: Duration = Duration::from_secs(60);

/// Takes a cent of each deposit, and notes what it has seen; no thirteen until it is mended.
#[derive(Clone, Default)]
pub(super) struct Taker {
    seen: Arc<Mutex<Vec<(String, u32)>>>,
    pub(super) mended: Arc<AtomicBool>,
}

#[automation]
impl Taker {
    async fn deposited(&self, event: &Deposited) -> Result<Withdraw, String> {
        if event.cents == 13 && !self.mended.load(Ordering::SeqCst) {
            return Err("thirteen".into());
        }
        tokio::time::sleep(Duration::from_millis(u64::from(event.cents % 5))).await;
        let seen = (event.account.clone(), event.cents);
        self.seen.lock().unwrap().push(seen);
        Ok(withdraw(&event.account, 1))
    }
}

impl Taker {
    pub(super) fn model(&self) -> EventModel {
        bank().slice(Slice::new("Taker").automation_with(self.clone()))
    }

    /// What was seen of each account, each deposit when it was seen first.
    fn first_seen(&self) -> HashMap<String, Vec<u32>> {
        let mut accounts: HashMap<String, Vec<u32>> = HashMap::new();
        for (account, cents) in self.seen.lock().unwrap().iter() {
            let seen = accounts.entry(account.clone()).or_default();
            if !seen.contains(cents) {
                seen.push(*cents);
            }
        }
        accounts
    }

    pub(super) fn seen_of(&self, account: &str) -> Vec<u32> {
        self.first_seen().remove(account).unwrap_or_default()
    }
}

async fn connect(url: &str) -> NatsStore {
    let store = builder().hand_over_after(Duration::from_secs(1));
    store.connect(url).await.unwrap()
}

/// An app that can be ended as by a loss of power.
struct Process {
    app: App,
    proxy: Proxy,
}

impl Process {
    async fn start(url: &str, taker: &Taker) -> Self {
        let proxy = Proxy::start(url).await.unwrap();
        let store = connect(&proxy.url()).await;
        let options = AppOptions::new().automation_attempts(2);
        let app = taker.model().start_with(store, options).await.unwrap();
        Self { app, proxy }
    }

    fn kill(self) {
        self.proxy.refuse();
        self.proxy.cut();
    }
}

pub(super) async fn withdrawals(app: &App) -> usize {
    let events = app.events(EventQuery::new().event::<Withdrawn>());
    events.try_collect::<Vec<_>>().await.map_or(0, |e| e.len())
}

/// Each deposit of each account is seen in order and has its effect once, whoever ends in between.
async fn shared_work(urls: Vec<String>, mut disturb: impl AsyncFnMut(u32)) {
    const ACCOUNTS: u32 = 8;
    const DEPOSITS: u32 = 40;
    let taker = Taker::default();
    taker.mended.store(true, Ordering::SeqCst);
    let mut random = fastrand::Rng::with_seed(7);
    let writer = bank().start(connect(&urls.join(",")).await).await.unwrap();
    let mut processes = Vec::new();
    for n in 0..3 {
        processes.push(Process::start(&urls[n % urls.len()], &taker).await);
    }
    for cents in 1..=DEPOSITS {
        for account in 0..ACCOUNTS {
            let deposit = deposit(&format!("account-{account}"), cents);
            let _ = writer.execute(deposit).await.unwrap();
        }
        if cents % 8 == 0 {
            let killed = random.usize(..processes.len());
            processes.swap_remove(killed).kill();
            let url = &urls[random.usize(..urls.len())];
            processes.push(Process::start(url, &taker).await);
            // Not dead, but its connection is.
            processes[random.usize(..processes.len())].proxy.cut();
            disturb(cents).await;
        }
    }
    let all = (ACCOUNTS * DEPOSITS) as usize;
    until("every deposit has its effect", async || {
        withdrawals(&writer).await == all
    })
    .await;
    let order: Vec<u32> = (1..=DEPOSITS).collect();
    for (account, seen) in taker.first_seen() {
        assert_eq!(seen, order, "{account}");
    }
    for process in &processes {
        tokio::time::timeout(BOUND, process.app.settled())
            .await
            .expect("it settles")
            .unwrap();
    }
    assert_eq!(withdrawals(&writer).await, all);
    assert!(processes[0].app.parked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_share_an_automation_keep_the_order_and_may_end() {
    let server = Server::start().await.unwrap();
    shared_work(vec![server.url()], async |cents| {
        if cents == 16 {
            server.stop().await.unwrap();
            server.restart().await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_share_an_automation_keep_the_order_on_three_servers() {
    let cluster = Cluster::start().await.unwrap();
    let three = builder().replicas(3);
    let three = three.connect(cluster.url()).await.unwrap();
    three.open(&bank().logs()).await.unwrap();
    shared_work(cluster.urls(), async |_| {
        let _ = cluster.step_down("bank").await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_parked_survives_its_process_and_is_retried_from_another() {
    let server = Server::start().await.unwrap();
    let taker = Taker::default();
    let first = Process::start(&server.url(), &taker).await;
    for cents in [1, 13, 2] {
        let _ = first.app.execute(deposit("ann", cents)).await.unwrap();
    }
    until("thirteen is parked", async || {
        first.app.parked().iter().any(|parked| parked.waiting == 1)
    })
    .await;
    let before = first.app.parked();
    first.kill();

    let second = Process::start(&server.url(), &taker).await;
    let third = Process::start(&server.url(), &taker).await;
    assert_eq!(second.app.parked(), before);
    for cents in [3, 4] {
        let _ = third.app.execute(deposit("ann", cents)).await.unwrap();
        let _ = third.app.execute(deposit("bob", cents)).await.unwrap();
    }
    until("others go on, and the rest waits", async || {
        let waiting = |app: &App| app.parked()[0].waiting;
        taker.seen_of("bob") == [3, 4] && waiting(&second.app) == 3 && waiting(&third.app) == 3
    })
    .await;
    assert_eq!(taker.seen_of("ann"), [1]);

    taker.mended.store(true, Ordering::SeqCst);
    second.app.retry(&third.app.parked()[0]).unwrap();
    let _ = third.app.execute(deposit("ann", 5)).await.unwrap();
    until("all of it is handled", async || {
        taker.seen_of("ann") == [1, 13, 2, 3, 4, 5]
    })
    .await;
    until("nothing is parked, in any process", async || {
        second.app.parked().is_empty() && third.app.parked().is_empty()
    })
    .await;
    for app in [&second.app, &third.app] {
        app.settled().await.unwrap();
    }
    assert_eq!(withdrawals(&third.app).await, 8);
    // Each once.
    assert_eq!(taker.seen.lock().unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_consumer_that_somebody_deletes_is_made_again() {
    let server = Server::start().await.unwrap();
    let taker = Taker::default();
    let process = Process::start(&server.url(), &taker).await;
    let client = async_nats_of(&server).await;
    for cents in 1..=3 {
        let _ = process.app.execute(deposit("ann", cents)).await.unwrap();
        process.app.settled().await.unwrap();
        let delete = "$JS.API.CONSUMER.DELETE.bank.bank_Taker";
        let _ = client.request(delete, "".into()).await.unwrap();
    }
    let _ = process.app.execute(deposit("ann", 4)).await.unwrap();
    until("it goes on", async || withdrawals(&process.app).await == 4).await;
    assert_eq!(taker.seen_of("ann"), [1, 2, 3, 4]);
}

async fn async_nats_of(server: &Server) -> eventmodel_nats::async_nats::Client {
    let client = eventmodel_nats::async_nats::connect(server.url()).await;
    client.unwrap()
}
