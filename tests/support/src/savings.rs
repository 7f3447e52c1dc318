//! A small model: accounts that money is put into, taken from, and moved between.

use eventmodel::{
    Command, Decide, Decision, Event, EventModel, Metadata, Rejection, Slice, Stream, Violations,
    automation, emit, projection, reject,
};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "account.{account}")]
pub struct Account {
    pub account: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "branch.{branch}")]
pub struct Branch {
    pub branch: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(streams(Account, Branch))]
pub struct Opened {
    pub account: u32,
    pub branch: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub struct Deposited {
    pub account: u32,
    pub cents: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub struct Withdrawn {
    pub account: u32,
    pub cents: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Branch)]
pub struct Visited {
    pub branch: u32,
}

/// What an account is worth, as a state and as a view.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Balance {
    pub open: bool,
    pub cents: u64,
    pub changed: Option<jiff::Timestamp>,
}

#[projection(key = Account)]
impl Balance {
    fn opened(&mut self, _: &Opened) {
        self.open = true;
    }

    fn deposited(&mut self, event: &Deposited, meta: &Metadata) {
        self.cents += event.cents;
        self.changed = Some(meta.time);
    }

    fn withdrawn(&mut self, event: &Withdrawn, meta: &Metadata) {
        self.cents = self.cents.checked_sub(event.cents).expect("never below 0");
        self.changed = Some(meta.time);
    }
}

/// How often money was taken from an account: a second state of the same stream.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Withdrawals {
    pub number: u32,
}

#[projection(key = Account)]
impl Withdrawals {
    fn withdrawn(&mut self, _: &Withdrawn) {
        self.number += 1;
    }
}

/// How many accounts a branch has, and how many visitors it had.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Accounts {
    pub number: u32,
    pub visits: u32,
}

#[projection(key(branch: u32))]
impl Accounts {
    fn opened(&mut self, _: &Opened) {
        self.number += 1;
    }

    fn visited(&mut self, _: &Visited) {
        self.visits += 1;
    }
}

/// All the money of the bank.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Total {
    pub cents: u64,
    pub events: u64,
}

#[projection]
impl Total {
    fn deposited(&mut self, event: &Deposited) {
        self.cents += event.cents;
        self.events += 1;
    }

    fn withdrawn(&mut self, event: &Withdrawn) {
        // A transfer is one step, in which more is never taken than was put in before.
        self.cents -= event.cents;
        self.events += 1;
    }
}

#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("account {account} is open already")]
    OpenAlready { account: u32 },
    #[error("there is no account {account}")]
    NoAccount { account: u32 },
    #[error("there are only {cents} cents in account {account}")]
    TooLittle { account: u32, cents: u64 },
    #[error("account {account} allows no more withdrawals")]
    TooOften { account: u32 },
}

/// Opens an account at a branch. What else the branch has is of no interest.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Opened), rejects = Refused)]
pub struct Open {
    pub account: u32,
    pub branch: u32,
}

impl Decide for Open {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        let (account, branch) = (self.account, self.branch);
        if balance.open {
            return reject(Refused::OpenAlready { account });
        }
        emit(Opened { account, branch })
    }
}

/// Puts money into an account. Nothing is recorded of 0 cents.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Deposited), rejects = Refused, validate = Self::check)]
pub struct Deposit {
    pub account: u32,
    pub cents: u64,
}

impl Deposit {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        violations.check(self.cents < 1_000_000, "cents", "must be below 1000000");
        violations.into_result()
    }
}

impl Decide for Deposit {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        let (account, cents) = (self.account, self.cents);
        if !balance.open {
            return reject(Refused::NoAccount { account });
        }
        emit((cents > 0).then_some(Deposited { account, cents }))
    }
}

/// So many times money can be taken from an account.
pub const MAX_WITHDRAWALS: u32 = 6;

/// Takes money from an account.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = (Withdrawals, Balance), emits(Withdrawn), rejects = Refused)]
pub struct Withdraw {
    pub account: u32,
    pub cents: u64,
}

impl Decide for Withdraw {
    fn decide(&self, (withdrawals, balance): &(Withdrawals, Balance)) -> Decision<Self> {
        let (account, cents) = (self.account, self.cents);
        if !balance.open {
            return reject(Refused::NoAccount { account });
        }
        if balance.cents < cents {
            let cents = balance.cents;
            return reject(Refused::TooLittle { account, cents });
        }
        if withdrawals.number >= MAX_WITHDRAWALS {
            return reject(Refused::TooOften { account });
        }
        emit(Withdrawn { account, cents })
    }
}

/// Someone came to a branch: a fact from outside, on which nothing is decided.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(emits(Visited))]
pub struct Visit {
    pub branch: u32,
}

impl Decide for Visit {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(Visited {
            branch: self.branch,
        })
    }
}

/// Moves money, in one step.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(
    state = (Balance, Balance),
    key(0.account = self.from, 1.account = self.to),
    emits(Withdrawn, Deposited),
    rejects = Refused,
)]
pub struct Transfer {
    pub from: u32,
    pub to: u32,
    pub cents: u64,
}

impl Decide for Transfer {
    fn decide(&self, (from, to): &(Balance, Balance)) -> Decision<Self> {
        let closed = [(from, self.from), (to, self.to)].into_iter();
        if let Some((_, account)) = closed.into_iter().find(|(balance, _)| !balance.open) {
            return reject(Refused::NoAccount { account });
        }
        if from.cents < self.cents {
            let (account, cents) = (self.from, from.cents);
            return reject(Refused::TooLittle { account, cents });
        }
        let cents = self.cents;
        emit((
            Withdrawn {
                account: self.from,
                cents,
            },
            Deposited {
                account: self.to,
                cents,
            },
        ))
    }
}

/// Gives a new account its first money.
#[derive(Default)]
pub struct WelcomeBot;

pub const WELCOME: u64 = 500;

#[automation]
impl WelcomeBot {
    async fn opened(&self, event: &Opened) -> Deposit {
        Deposit {
            account: event.account,
            cents: WELCOME,
        }
    }
}

pub fn savings() -> EventModel {
    EventModel::new("savings")
        .slice(
            Slice::new("Customer opens an account")
                .command::<Open>()
                .view::<Accounts>(),
        )
        .slice(Slice::new("Bot welcomes the customer").automation::<WelcomeBot>())
        .slice(
            Slice::new("Customer pays in")
                .view::<Balance>()
                .command::<Deposit>(),
        )
        .slice(Slice::new("Customer takes money").command::<Withdraw>())
        .slice(Slice::new("Customer comes in").command::<Visit>())
        .slice(
            Slice::new("Customer moves money")
                .view::<Total>()
                .command::<Transfer>(),
        )
}
