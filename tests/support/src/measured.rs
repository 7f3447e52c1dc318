//! The event model that benchmarks run: a small one, so that the engine and the store are measured, and not the domain.

use eventmodel::{Command, Decide, Decision, Event, Rejection, Stream, emit, projection, reject};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "account.{account}")]
pub struct Account {
    pub account: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub struct Deposited {
    pub account: u64,
    pub cents: u64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Account)]
pub struct Withdrawn {
    pub account: u64,
    pub cents: u64,
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Balance {
    pub cents: u64,
}

#[projection(key = Account)]
impl Balance {
    pub fn deposited(&mut self, event: &Deposited) {
        self.cents += event.cents;
    }

    pub fn withdrawn(&mut self, event: &Withdrawn) {
        self.cents -= event.cents;
    }
}

#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("that is nothing")]
    Nothing,
    #[error("the balance is only {cents} cents")]
    TooLittle { cents: u64 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Deposited), rejects = Refused)]
pub struct Deposit {
    pub account: u64,
    pub cents: u64,
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
pub struct Withdraw {
    pub account: u64,
    pub cents: u64,
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
