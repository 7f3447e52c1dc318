//! The event model that is measured: a small one, so that the store is, and not the domain.

use eventmodel::{
    AppOptions, Command, Decide, Decision, Event, EventModel, MemoryAudit, NoRejection, Slice,
    Stream, automation, emit, projection,
};
use serde::{Deserialize, Serialize};
pub(crate) use support::measured::{Account, Balance, Deposit, Deposited};

/// The same state, a snapshot of which stands beside the last event.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct KeptBalance {
    pub(crate) cents: u64,
}

#[projection(key = Account, snapshot)]
impl KeptBalance {
    fn deposited(&mut self, event: &Deposited) {
        self.cents += event.cents;
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = KeptBalance, emits(Deposited), rejects = NoRejection)]
pub(crate) struct DepositKept {
    pub(crate) account: u64,
}

impl Decide for DepositKept {
    fn decide(&self, _: &KeptBalance) -> Decision<Self> {
        emit(Deposited {
            account: self.account,
            cents: 1,
        })
    }
}

/// Decides on two accounts, and writes to both.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(
    state = (Balance, Balance),
    emits(Deposited),
    rejects = NoRejection,
    key(0.account = self.first, 1.account = self.second)
)]
pub(crate) struct DepositTwice {
    pub(crate) first: u64,
    pub(crate) second: u64,
}

impl Decide for DepositTwice {
    fn decide(&self, _: &(Balance, Balance)) -> Decision<Self> {
        emit([self.first, self.second].map(|account| Deposited { account, cents: 1 }))
    }
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "statement.{account}")]
pub(crate) struct Statement {
    pub(crate) account: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Statement)]
pub(crate) struct StatementSent {
    pub(crate) account: u64,
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Statements {
    pub(crate) sent: u64,
}

#[projection(key = Statement)]
impl Statements {
    fn sent(&mut self, _: &StatementSent) {
        self.sent += 1;
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Statements, emits(StatementSent), rejects = NoRejection)]
pub(crate) struct SendStatement {
    pub(crate) account: u64,
}

impl Decide for SendStatement {
    fn decide(&self, _: &Statements) -> Decision<Self> {
        emit(StatementSent {
            account: self.account,
        })
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clerk;

#[automation]
impl Clerk {
    fn deposited(&self, event: &Deposited) -> SendStatement {
        SendStatement {
            account: event.account,
        }
    }
}

/// The audit trail in memory: on JetStream it is a second message for every command, which is a row of its own.
pub(crate) fn options() -> AppOptions {
    AppOptions::new().audit(MemoryAudit::default())
}

/// The commands only. A view would take its share of the processor while commands are measured.
pub(crate) fn commands(log: &'static str) -> EventModel {
    EventModel::new(log).slice(
        Slice::new("Client brings money")
            .command::<Deposit>()
            .command::<DepositKept>()
            .command::<DepositTwice>(),
    )
}

pub(crate) fn with_view(log: &'static str) -> EventModel {
    commands(log).slice(Slice::new("Client looks at the account").view::<Balance>())
}

pub(crate) fn with_automation(log: &'static str) -> EventModel {
    commands(log).slice(Slice::new("Clerk sends statements").automation::<Clerk>())
}
