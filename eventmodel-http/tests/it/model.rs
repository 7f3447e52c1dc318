//! A small bank: text and numbers as keys, a view of each shape, an automation that can fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventmodel::{
    Command, Decide, Decision, Event, EventModel, Rejection, Slice, Stream, Violations, automation,
    emit, projection, reject,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "account.{account}")]
pub(crate) struct Account {
    account: String,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "visit.{desk}.{date}")]
pub(crate) struct Visit {
    desk: u32,
    date: Date,
}

/// Someone has an account.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Account)]
pub(crate) struct AccountOpened {
    account: String,
    owner: Option<String>,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Account)]
pub(crate) struct Deposited {
    account: String,
    cents: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Account)]
pub(crate) struct AccountClosed {
    account: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Visit)]
pub(crate) struct VisitPlanned {
    desk: u32,
    date: Date,
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Balance {
    owner: Option<String>,
    cents: u64,
    open: bool,
}

#[projection(key = Account)]
impl Balance {
    fn opened(&mut self, event: &AccountOpened) {
        self.owner.clone_from(&event.owner);
        self.open = true;
    }

    fn deposited(&mut self, event: &Deposited) {
        self.cents += event.cents;
    }

    fn closed(&mut self, _: &AccountClosed) {
        self.open = false;
    }
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Agenda {
    visits: u32,
}

#[projection(key(desk: u32, date: Date))]
impl Agenda {
    fn planned(&mut self, _: &VisitPlanned) {
        self.visits += 1;
    }
}

/// The whole bank.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Totals {
    accounts: u32,
    cents: u64,
}

#[projection]
impl Totals {
    fn opened(&mut self, _: &AccountOpened) {
        self.accounts += 1;
    }

    fn deposited(&mut self, event: &Deposited) {
        self.cents += event.cents;
    }
}

#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    /// The account exists.
    ///
    /// Each account is opened once.
    #[error("`{account}` is open already")]
    AlreadyOpen { account: String },
    #[error("`{account}` is not open")]
    NotOpen { account: String },
}

/// Opens an account.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(AccountOpened), rejects = Refused)]
pub(crate) struct OpenAccount {
    pub(crate) account: String,
    pub(crate) owner: Option<String>,
}

impl Decide for OpenAccount {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        if balance.open {
            return reject(Refused::AlreadyOpen {
                account: self.account.clone(),
            });
        }
        emit(AccountOpened {
            account: self.account.clone(),
            owner: self.owner.clone(),
        })
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Deposited), rejects = Refused, validate = Self::check)]
pub(crate) struct Deposit {
    account: String,
    cents: u64,
    #[serde(default)]
    note: Note,
}

#[derive(Default, Serialize, Deserialize, Clone, Debug)]
struct Note {
    #[serde(default)]
    text: String,
}

impl Deposit {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        violations.check(self.cents > 0, "cents", "must be more than nothing");
        violations.check(
            self.note.text.len() <= 20,
            "note.text",
            "must have at most 20 bytes",
        );
        violations.into_result()
    }
}

impl Decide for Deposit {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        match (balance.open, &*self.note.text) {
            (false, _) => reject(Refused::NotOpen {
                account: self.account.clone(),
            }),
            (true, "bug") => panic!("a mistake of the program"),
            (true, _) => emit(Deposited {
                account: self.account.clone(),
                cents: self.cents,
            }),
        }
    }
}

/// Closes an account, with a visit to say farewell; a closed one stays as it is.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(AccountClosed, VisitPlanned))]
pub(crate) struct CloseAccount {
    account: String,
    farewell: Option<Date>,
}

impl Decide for CloseAccount {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        let account = self.account.clone();
        let farewell = self.farewell.map(|date| VisitPlanned { desk: 0, date });
        emit(
            balance
                .open
                .then_some((AccountClosed { account }, farewell)),
        )
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(emits(VisitPlanned), id = "{desk}/{date}")]
pub(crate) struct PlanVisit {
    desk: u32,
    date: Date,
}

impl Decide for PlanVisit {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(VisitPlanned {
            desk: self.desk,
            date: self.date,
        })
    }
}

/// Only the bonus bot pays it.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Deposited))]
pub(crate) struct PayBonus {
    account: String,
}

impl Decide for PayBonus {
    fn decide(&self, _: &Balance) -> Decision<Self> {
        emit(Deposited {
            account: self.account.clone(),
            cents: 100,
        })
    }
}

/// Pays a bonus to the owners `bonus` and `poison`; fails for the latter until it is mended.
#[derive(Default)]
pub(crate) struct BonusBot {
    pub(crate) mended: Arc<AtomicBool>,
}

#[automation]
impl BonusBot {
    async fn opened(&self, event: &AccountOpened) -> Result<Option<PayBonus>, std::io::Error> {
        match event.owner.as_deref() {
            Some("poison") if !self.mended.load(Ordering::SeqCst) => {
                Err(std::io::Error::other("it is poisoned"))
            }
            Some("bonus" | "poison") => Ok(Some(PayBonus {
                account: event.account.clone(),
            })),
            _ => Ok(None),
        }
    }
}

pub(crate) fn bank(bot: BonusBot) -> EventModel {
    EventModel::new("bank")
        .slice(
            Slice::new("Customer opens an account")
                .view::<Balance>()
                .command::<OpenAccount>(),
        )
        .slice(
            Slice::new("Customer deposits")
                .view::<Totals>()
                .command::<Deposit>(),
        )
        .slice(Slice::new("Bot pays a bonus").automation_with(bot))
        .slice(
            Slice::new("Customer plans a visit")
                .view::<Agenda>()
                .command::<PlanVisit>(),
        )
        .slice(Slice::new("Customer closes the account").command::<CloseAccount>())
}
