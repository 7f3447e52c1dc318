//! A small model that most tests share: accounts, and money that moves between them.

use eventmodel::{
    Command, Decide, Decision, Event, EventModel, Now, Rejection, Slice, Stream, Unguarded,
    Violations, emit, projection, reject,
};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[stream(subject = "account.{account}")]
pub struct Account {
    pub account: String,
}

pub fn account(name: &str) -> Account {
    Account {
        account: name.to_owned(),
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub struct Opened {
    pub account: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub struct Deposited {
    pub account: String,
    pub cents: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub struct Withdrawn {
    pub account: String,
    pub cents: u32,
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Balance {
    pub open: bool,
    pub cents: i64,
    pub movements: u32,
}

#[projection(key = Account)]
impl Balance {
    fn opened(&mut self, _: &Opened) {
        self.open = true;
    }

    fn deposited(&mut self, event: &Deposited) {
        self.cents += i64::from(event.cents);
        self.movements += 1;
    }

    fn withdrawn(&mut self, event: &Withdrawn) {
        self.cents -= i64::from(event.cents);
        self.movements += 1;
    }
}

/// The money of all accounts.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Total {
    pub cents: i64,
}

#[projection]
impl Total {
    fn deposited(&mut self, event: &Deposited) {
        self.cents += i64::from(event.cents);
    }

    fn withdrawn(&mut self, event: &Withdrawn) {
        self.cents -= i64::from(event.cents);
    }
}

#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("the account is open already")]
    Open,
    #[error("the balance is {cents} cents")]
    TooLittle { cents: i64 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Opened), rejects = Refused)]
pub struct Open {
    pub account: String,
}

impl Decide for Open {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        if balance.open {
            return reject(Refused::Open);
        }
        emit(Opened {
            account: self.account.clone(),
        })
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Deposited), rejects = Refused, validate = Self::check)]
pub struct Deposit {
    pub account: String,
    pub cents: u32,
}

impl Deposit {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        violations.check(self.cents > 0, "cents", "must not be zero");
        violations.check(!self.account.is_empty(), "account", "must not be empty");
        violations.into_result()
    }
}

impl Decide for Deposit {
    fn decide(&self, _: &Balance) -> Decision<Self> {
        emit(Deposited {
            account: self.account.clone(),
            cents: self.cents,
        })
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Withdrawn), rejects = Refused)]
pub struct Withdraw {
    pub account: String,
    pub cents: u32,
}

impl Decide for Withdraw {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        if balance.cents < i64::from(self.cents) {
            return reject(Refused::TooLittle {
                cents: balance.cents,
            });
        }
        emit(Withdrawn {
            account: self.account.clone(),
            cents: self.cents,
        })
    }
}

/// Two instances of one stream, decided on together.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(
    state = (Balance, Balance),
    emits(Withdrawn, Deposited),
    rejects = Refused,
    key(0.account = self.from.clone(), 1.account = self.to.clone())
)]
pub struct Transfer {
    pub from: String,
    pub to: String,
    pub cents: u32,
}

impl Decide for Transfer {
    fn decide(&self, (from, _): &(Balance, Balance)) -> Decision<Self> {
        if from.cents < i64::from(self.cents) {
            return reject(Refused::TooLittle { cents: from.cents });
        }
        emit((
            Withdrawn {
                account: self.from.clone(),
                cents: self.cents,
            },
            Deposited {
                account: self.to.clone(),
                cents: self.cents,
            },
        ))
    }
}

/// Consults one account and writes to another one.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(
    state = Unguarded<Balance>,
    emits(Deposited),
    rejects = Refused,
    key(account = self.sponsor.clone())
)]
pub struct Sponsor {
    pub sponsor: String,
    pub account: String,
}

impl Decide for Sponsor {
    fn decide(&self, sponsor: &Unguarded<Balance>) -> Decision<Self> {
        if sponsor.cents < 100 {
            return reject(Refused::TooLittle {
                cents: sponsor.cents,
            });
        }
        emit(Deposited {
            account: self.account.clone(),
            cents: 1,
        })
    }
}

/// Without state: an external fact.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(emits(Deposited), id = "{receipt}")]
pub struct Import {
    pub receipt: u32,
    pub account: String,
    pub cents: u32,
}

impl Decide for Import {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(Deposited {
            account: self.account.clone(),
            cents: self.cents,
        })
    }
}

/// Emits nothing, one event or many: as many cents as the second of the clock.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = (Balance, Now), emits(Deposited))]
pub struct Interest {
    pub account: String,
}

impl Decide for Interest {
    fn decide(&self, (_, now): &(Balance, Now)) -> Decision<Self> {
        let seconds = now.0.as_second() % 60;
        let events = (0..seconds).map(|_| Deposited {
            account: self.account.clone(),
            cents: 1,
        });
        emit(events.collect::<Vec<_>>())
    }
}

pub fn bank() -> EventModel {
    EventModel::new("bank")
        .slice(Slice::new("Customer opens an account").command::<Open>())
        .slice(
            Slice::new("Customer deposits")
                .command::<Deposit>()
                .view::<Balance>(),
        )
        .slice(Slice::new("Customer withdraws").command::<Withdraw>())
        .slice(
            Slice::new("Customer transfers")
                .command::<Transfer>()
                .view::<Total>(),
        )
        .slice(Slice::new("Sponsor gives").command::<Sponsor>())
        .slice(Slice::new("Bank imports").command::<Import>())
        .slice(Slice::new("Bank pays interest").command::<Interest>())
}

pub fn open(account: &str) -> Open {
    Open {
        account: account.to_owned(),
    }
}

pub fn deposit(account: &str, cents: u32) -> Deposit {
    Deposit {
        account: account.to_owned(),
        cents,
    }
}

pub fn withdraw(account: &str, cents: u32) -> Withdraw {
    Withdraw {
        account: account.to_owned(),
        cents,
    }
}
