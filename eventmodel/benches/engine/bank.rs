//! The event model that is measured: a small one, so that the engine is, and not the domain.

use eventmodel::{
    App, AppOptions, Command, Decide, Decision, Event, EventModel, MemoryStore, Rejection, Slice,
    Stream, emit, projection, reject,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "account.{account}")]
pub(crate) struct Account {
    pub(crate) account: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub(crate) struct Deposited {
    pub(crate) account: u64,
    pub(crate) cents: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub(crate) struct Withdrawn {
    pub(crate) account: u64,
    pub(crate) cents: u64,
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Balance {
    pub(crate) cents: u64,
}

#[projection(key = Account)]
impl Balance {
    pub(crate) fn deposited(&mut self, event: &Deposited) {
        self.cents += event.cents;
    }

    pub(crate) fn withdrawn(&mut self, event: &Withdrawn) {
        self.cents -= event.cents;
    }
}

#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("that is nothing")]
    Nothing,
    #[error("the balance is only {cents} cents")]
    TooLittle { cents: u64 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Deposited), rejects = Refused)]
pub(crate) struct Deposit {
    pub(crate) account: u64,
    pub(crate) cents: u64,
}

impl Decide for Deposit {
    fn decide(&self, _: &Balance) -> Decision<Self> {
        if self.cents == 0 {
            return reject(Refused::Nothing);
        }
        emit(Deposited {
            account: self.account,
            cents: self.cents,
        })
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Withdrawn), rejects = Refused)]
pub(crate) struct Withdraw {
    pub(crate) account: u64,
    pub(crate) cents: u64,
}

impl Decide for Withdraw {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        if balance.cents < self.cents {
            return reject(Refused::TooLittle {
                cents: balance.cents,
            });
        }
        emit(Withdrawn {
            account: self.account,
            cents: self.cents,
        })
    }
}

/// The commands only. A view would take its share of the processor while commands are measured.
pub(crate) fn commands() -> EventModel {
    EventModel::new("bank")
        .slice(Slice::new("Client brings money").command::<Deposit>())
        .slice(Slice::new("Client takes money").command::<Withdraw>())
}

pub(crate) fn with_view() -> EventModel {
    commands().slice(Slice::new("Client looks at the account").view::<Balance>())
}

/// What the tasks run on: two workers, whatever the machine has, so that results can be compared.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime")
}

pub(crate) async fn start(model: EventModel, store: MemoryStore, options: AppOptions) -> App {
    model
        .start_with(store, options)
        .await
        .expect("the app starts")
}

pub(crate) async fn deposit(app: &App, account: u64) {
    let receipt = app.execute(Deposit { account, cents: 1 }).await;
    assert_eq!(receipt.expect("accepted").events.len(), 1);
}
