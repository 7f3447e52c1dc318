//! What an app that settles or stops waits for: all that follows from what was recorded before.

use std::time::Duration;

use eventmodel::{App, EventModel, Slice, automation};

use crate::bank::{
    Balance, Deposit, Deposited, Opened, Withdraw, account, bank, deposit, open, withdraw,
};

const BOUND: Duration = Duration::from_secs(60);

/// The account of those who never stop.
pub const BUSY: &str = "busy";

/// Gives a new account 100 cents.
#[derive(Default)]
pub struct WelcomeBot;

#[automation]
impl WelcomeBot {
    async fn opened(&self, event: &Opened) -> Deposit {
        deposit(&event.account, 100)
    }
}

/// Takes a cent of each deposit, and its time.
#[derive(Default)]
pub struct Taker;

#[automation]
impl Taker {
    async fn deposited(&self, event: &Deposited) -> Withdraw {
        if event.account != BUSY {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        withdraw(&event.account, 1)
    }
}

/// A new account is given 100 cents, of which one is taken.
pub fn chain() -> EventModel {
    bank()
        .slice(Slice::new("Welcome").automation::<WelcomeBot>())
        .slice(Slice::new("Take").automation::<Taker>())
}

/// What was recorded before is handled, and what follows from it.
pub async fn settles(app: &App, name: &str) {
    let _ = app.execute(open(name)).await.unwrap();
    let settled = tokio::time::timeout(BOUND, app.settled()).await;
    settled.expect("it settles").unwrap();
    has_all(app, name).await;
}

/// As [`settles`], and stops.
pub async fn stops(app: &App, name: &str) {
    let _ = app.execute(open(name)).await.unwrap();
    let stopped = tokio::time::timeout(BOUND, app.shutdown()).await;
    stopped.expect("it stops").unwrap();
    has_all(app, name).await;
}

async fn has_all(app: &App, name: &str) {
    let balance = app.view::<Balance>().get(&account(name)).await;
    assert_eq!(balance.unwrap().unwrap().cents, 99);
}
