//! What is parked and handled again is handled by one process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use eventmodel::{App, AppOptions, EventModel, Parked, Slice, automation};
use eventmodel_nats_harness::{Proxy, Server};
use support::bank::{Deposited, Withdraw, bank, deposit, withdraw};
use support::until;
use tokio::sync::Semaphore;

use super::{connect, withdrawals};

/// Cannot handle anything until it is mended, and waits to be let go on then.
#[derive(Clone)]
struct Held {
    mended: Arc<AtomicBool>,
    begun: Arc<Mutex<Vec<String>>>,
    go_on: Arc<Semaphore>,
}

#[automation]
impl Held {
    async fn deposited(&self, event: &Deposited) -> Result<Withdraw, String> {
        if !self.mended.load(Ordering::SeqCst) {
            return Err("not yet".into());
        }
        self.begun.lock().unwrap().push(event.account.clone());
        self.go_on.acquire().await.unwrap().forget();
        Ok(withdraw(&event.account, 1))
    }
}

impl Held {
    fn new() -> Self {
        Self {
            mended: Arc::default(),
            begun: Arc::default(),
            go_on: Arc::new(Semaphore::new(0)),
        }
    }

    fn model(&self) -> EventModel {
        bank().slice(Slice::new("Held").automation_with(self.clone()))
    }

    fn mend(&self) {
        self.mended.store(true, Ordering::SeqCst);
    }

    /// How often it has begun to handle what is of this account.
    fn begun(&self, account: &str) -> usize {
        let begun = self.begun.lock().unwrap();
        begun.iter().filter(|begun| *begun == account).count()
    }

    async fn has_begun(&self, account: &str, times: usize) {
        until("it has begun", async || self.begun(account) >= times).await;
    }
}

async fn start(url: &str, held: &Held) -> (App, Proxy) {
    let proxy = Proxy::start(url).await.unwrap();
    let options = AppOptions::new().automation_attempts(1);
    let store = connect(&proxy.url()).await;
    let app = held.model().start_with(store, options).await.unwrap();
    (app, proxy)
}

async fn parked(app: &App, account: &str) -> Parked {
    let subject = format!("account.{account}");
    let of = |app: &App| {
        let parked = app.parked().into_iter();
        parked.into_iter().find(|p| p.subject.as_str() == subject)
    };
    until("it is parked", async || of(app).is_some()).await;
    of(app).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_that_are_told_to_retry_the_same_do_it_once() {
    let server = Server::start().await.unwrap();
    let held = Held::new();
    let (first, _first) = start(&server.url(), &held).await;
    let (second, _second) = start(&server.url(), &held).await;
    for account in ["ann", "bob"] {
        let _ = first.execute(deposit(account, 1)).await.unwrap();
    }
    let (ann, bob) = (parked(&second, "ann").await, parked(&second, "bob").await);
    parked(&first, "ann").await;
    held.mend();
    first.retry(&ann).unwrap();
    held.has_begun("ann", 1).await;
    // It takes one after the other: when it has begun with the second it is through with the first.
    second.retry(&ann).unwrap();
    second.retry(&bob).unwrap();
    held.has_begun("bob", 1).await;
    assert_eq!(held.begun("ann"), 1);
    // While it is handled, more comes.
    let _ = second.execute(deposit("ann", 2)).await.unwrap();
    held.go_on.add_permits(10);
    until("nothing is parked", async || {
        first.parked().is_empty() && second.parked().is_empty()
    })
    .await;
    for app in [&first, &second] {
        app.settled().await.unwrap();
    }
    assert_eq!((held.begun("ann"), held.begun("bob")), (2, 1));
    assert_eq!(withdrawals(&first).await, 3);
}

/// Two processes, and an event that is parked, which the first one retries and the second one is told to.
async fn retried_by_the_first(server: &Server) -> (Held, [(App, Proxy); 2]) {
    let held = Held::new();
    let processes = [
        start(&server.url(), &held).await,
        start(&server.url(), &held).await,
    ];
    let [(first, _), (second, _)] = &processes;
    let _ = second.execute(deposit("ann", 1)).await.unwrap();
    let ann = parked(second, "ann").await;
    parked(first, "ann").await;
    held.mend();
    first.retry(&ann).unwrap();
    held.has_begun("ann", 1).await;
    second.retry(&ann).unwrap();
    (held, processes)
}

/// It handles what is parked, and nobody else has.
async fn takes_over(second: &App, held: &Held) {
    held.has_begun("ann", 2).await;
    held.go_on.add_permits(10);
    until("nothing is parked", async || second.parked().is_empty()).await;
    second.settled().await.unwrap();
    assert_eq!(withdrawals(second).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_retry_is_taken_over_from_a_process_that_ends() {
    let server = Server::start().await.unwrap();
    let (held, [(_first, proxy), (second, _second)]) = retried_by_the_first(&server).await;
    proxy.refuse();
    proxy.cut();
    takes_over(&second, &held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_stops_in_good_order_leaves_its_retries_to_others() {
    let server = Server::start().await.unwrap();
    let (held, [(first, _first), (second, _second)]) = retried_by_the_first(&server).await;
    drop(first);
    takes_over(&second, &held).await;
}
