//! A handler that waits for all automations would wait for itself.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use eventmodel::{App, MemoryStore, Metadata, NotDrained, ViewError, automation};
use support::bank::{Balance, Deposited, Opened, account, bank, deposit};
use tokio::sync::{Notify, mpsc};

use super::{open, with};

const BOUND: Duration = Duration::from_secs(60);

/// Asks the app that it is given, and one that it has from elsewhere, to settle and to stop; for a deposit, in a task
/// of its own.
#[derive(Clone)]
struct Asker {
    elsewhere: Arc<OnceLock<App>>,
    answers: mpsc::UnboundedSender<(Result<(), ViewError>, Result<(), NotDrained>)>,
}

#[automation]
impl Asker {
    async fn opened(&self, _: &Opened, app: &App) {
        for app in [app, self.elsewhere.get().unwrap()] {
            let answer = (app.settled().await, app.shutdown().await);
            self.answers.send(answer).unwrap();
        }
    }

    async fn deposited(&self, _: &Deposited, app: &App) {
        let app = app.clone();
        let asked = tokio::spawn(async move { (app.settled().await, app.shutdown().await) });
        self.answers.send(asked.await.unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_handler_that_would_wait_for_itself_is_told_so_and_the_automation_goes_on() {
    let (answers, mut answered) = mpsc::unbounded_channel();
    let elsewhere = Arc::new(OnceLock::new());
    let asker = Asker {
        elsewhere: elsewhere.clone(),
        answers,
    };
    let app = with(asker).start(MemoryStore::new()).await.unwrap();
    elsewhere.set(app.clone()).unwrap();
    for name in ["ann", "bob"] {
        let _ = app.execute(open(name)).await.unwrap();
        let _ = app.execute(deposit(name, 1)).await.unwrap();
    }
    let settled = tokio::time::timeout(BOUND, app.settled()).await;
    settled.expect("it settles").unwrap();
    assert!(app.parked().is_empty(), "{:?}", app.parked());
    for _ in 0..6 {
        let (settled, stopped) = answered.recv().await.unwrap();
        assert!(
            matches!(
                settled,
                Err(ViewError::InHandler {
                    automation: "Asker"
                })
            ),
            "{settled:?}"
        );
        let expected = NotDrained::InHandler {
            automation: "Asker",
        };
        assert_eq!(stopped, Err(expected));
    }
    // Nothing has stopped.
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    let stopped = tokio::time::timeout(BOUND, app.shutdown()).await;
    stopped.expect("it stops").unwrap();
}

/// Waits for an app that it is no part of.
struct Other(App);

#[automation]
impl Other {
    async fn opened(&self, _: &Opened) -> Result<(), ViewError> {
        self.0.settled().await
    }
}

#[tokio::test]
async fn a_handler_may_wait_for_another_app() {
    let other = bank().start(MemoryStore::new()).await.unwrap();
    let app = with(Other(other)).start(MemoryStore::new()).await.unwrap();
    let _ = app.execute(open("ann")).await.unwrap();
    let settled = tokio::time::timeout(BOUND, app.settled()).await;
    settled.expect("it settles").unwrap();
    assert!(app.parked().is_empty(), "{:?}", app.parked());
}

/// Does what the errors advise.
struct Heeder {
    found: mpsc::UnboundedSender<i64>,
    stop: Arc<Notify>,
}

#[automation]
impl Heeder {
    async fn deposited(
        &self,
        event: &Deposited,
        meta: &Metadata,
        app: &App,
    ) -> Result<(), ViewError> {
        let balances = app.view::<Balance>().after(meta.position);
        let balance = balances.get(&account(&event.account)).await?;
        let _ = self.found.send(balance.unwrap_or_default().cents);
        self.stop.notify_one();
        Ok(())
    }
}

#[tokio::test]
async fn a_handler_finds_its_event_in_a_view_and_tells_the_owner_to_stop() {
    let (found, mut balances) = mpsc::unbounded_channel();
    let stop = Arc::new(Notify::new());
    let heeder = Heeder {
        found,
        stop: stop.clone(),
    };
    let app = with(heeder).start(MemoryStore::new()).await.unwrap();
    let _ = app.execute(deposit("ann", 7)).await.unwrap();
    tokio::time::timeout(BOUND, stop.notified()).await.unwrap();
    let stopped = tokio::time::timeout(BOUND, app.shutdown()).await;
    stopped.expect("it stops").unwrap();
    assert_eq!(balances.recv().await, Some(7));
}
