//! Several apps on one store in memory, one after the other and at the same time.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use eventmodel::{App, AppOptions, MemoryStore, automation};
use support::bank::{Deposited, deposit};
use support::until;
use tokio::sync::Semaphore;

use super::{Fragile, Held, Recorder, with};

async fn deposits(app: &App, account: &str, cents: impl IntoIterator<Item = u32>) {
    for cents in cents {
        let _ = app.execute(deposit(account, cents)).await.unwrap();
    }
}

impl Recorder {
    fn handled(&self, account: &str) -> Vec<u32> {
        let handled = self.0.lock().unwrap();
        handled.get(account).cloned().unwrap_or_default()
    }
}

#[tokio::test]
async fn an_app_goes_on_where_the_one_before_it_stopped() {
    let (store, recorder) = (MemoryStore::new(), Recorder::default());
    let model = || with(recorder.clone());
    let app = model().start(store.clone()).await.unwrap();
    deposits(&app, "ann", 1..=3).await;
    app.shutdown().await.unwrap();
    let app = model().start(store).await.unwrap();
    // Nothing is left to do, and it knows that.
    app.settled().await.unwrap();
    assert_eq!(app.automations()[0].positions["bank"].get(), 3);
    deposits(&app, "ann", 4..=5).await;
    app.settled().await.unwrap();
    assert_eq!(recorder.handled("ann"), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn of_two_living_apps_one_handles_the_events_and_the_other_takes_over() {
    let (store, first, second) = (MemoryStore::new(), Recorder::default(), Recorder::default());
    let old = with(first.clone()).start(store.clone()).await.unwrap();
    deposits(&old, "ann", [1]).await;
    old.settled().await.unwrap();
    let new = with(second.clone()).start(store).await.unwrap();
    deposits(&new, "ann", 2..=5).await;
    // It waits for what the other one does.
    new.settled().await.unwrap();
    assert_eq!(
        (first.handled("ann"), second.handled("ann")),
        (vec![1, 2, 3, 4, 5], vec![])
    );
    old.shutdown().await.unwrap();
    deposits(&new, "ann", 6..=7).await;
    new.settled().await.unwrap();
    assert_eq!(second.handled("ann"), [6, 7]);
}

/// Notes what it handles, when it is let.
#[derive(Clone)]
struct Clerk {
    begun: Arc<Semaphore>,
    go_on: Arc<Semaphore>,
    handled: Arc<Mutex<Vec<(String, u32)>>>,
}

impl Clerk {
    /// One that may handle so many events.
    fn new(permits: usize) -> Self {
        Self {
            begun: Arc::new(Semaphore::new(0)),
            go_on: Arc::new(Semaphore::new(permits)),
            handled: Arc::default(),
        }
    }
}

#[automation]
impl Clerk {
    async fn deposited(&self, event: &Deposited) {
        self.begun.add_permits(1);
        self.go_on.acquire().await.unwrap().forget();
        let handled = (event.account.clone(), event.cents);
        self.handled.lock().unwrap().push(handled);
    }
}

#[tokio::test]
async fn what_an_app_had_in_hand_when_it_was_dropped_comes_to_the_next_one_in_order() {
    let (store, first, second) = (MemoryStore::new(), Clerk::new(1), Clerk::new(100));
    let old = with(first.clone()).start(store.clone()).await.unwrap();
    deposits(&old, "cat", [9]).await;
    old.settled().await.unwrap();
    deposits(&old, "ann", [1, 2]).await;
    deposits(&old, "bob", [3]).await;
    // Both instances are in hand; the second event of the one waits behind its first.
    first.begun.acquire_many(3).await.unwrap().forget();
    let new = with(second.clone()).start(store).await.unwrap();
    deposits(&new, "ann", [4]).await;
    drop(old);
    new.settled().await.unwrap();
    let handled = second.handled.lock().unwrap();
    let of = |name: &str| -> Vec<u32> {
        let of_name = handled.iter().filter(|(account, _)| account == name);
        of_name.map(|(_, cents)| *cents).collect()
    };
    assert_eq!(
        (of("ann"), of("bob"), of("cat")),
        (vec![1, 2, 4], vec![3], vec![])
    );
}

#[tokio::test(start_paused = true)]
async fn what_one_app_has_parked_another_one_retries() {
    let (store, fragile) = (MemoryStore::new(), Fragile::default());
    let start = || {
        let options = AppOptions::new().automation_attempts(1);
        with(fragile.clone()).start_with(store.clone(), options)
    };
    let app = start().await.unwrap();
    deposits(&app, "ann", [1, 13, 2]).await;
    app.settled().await.unwrap();
    let parked = app.parked();
    assert_eq!(parked.len(), 1, "{parked:?}");
    app.shutdown().await.unwrap();

    let app = start().await.unwrap();
    assert_eq!(app.parked(), parked);
    deposits(&app, "ann", [3]).await;
    deposits(&app, "bob", [4]).await;
    app.settled().await.unwrap();
    assert_eq!(app.parked()[0].waiting, 2);
    fragile.mended.store(true, Ordering::SeqCst);
    app.retry(&parked[0]).unwrap();
    until("it is handled", async || app.parked().is_empty()).await;
    app.settled().await.unwrap();
    let handled: Vec<_> = fragile.handled.lock().unwrap().clone();
    let of = |name: &str| -> Vec<u32> {
        let of_name = handled.iter().filter(|(account, _)| account == name);
        of_name.map(|(_, cents)| *cents).collect()
    };
    assert_eq!((of("ann"), of("bob")), (vec![1, 13, 2, 3], vec![4]));
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_taken_over_from_an_app_that_ends_also_in_memory() {
    let (store, held) = (MemoryStore::new(), Held::new());
    let start = || {
        let options = AppOptions::new().automation_attempts(1);
        with(held.clone()).start_with(store.clone(), options)
    };
    let (old, new) = (start().await.unwrap(), start().await.unwrap());
    deposits(&old, "ann", [13]).await;
    held.go_on.add_permits(1);
    held.has_begun().await;
    until("it is parked", async || !new.parked().is_empty()).await;
    let parked = new.parked().remove(0);
    old.retry(&parked).unwrap();
    held.has_begun().await;
    new.retry(&parked).unwrap();
    held.mended.store(true, Ordering::SeqCst);
    drop(old);
    // The app that has ended has not handled it.
    held.has_begun().await;
    held.go_on.add_permits(1);
    until("it is handled", async || new.parked().is_empty()).await;
}
