//! What every spec checks, whatever it expects.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use eventmodel::testing::spec;
use eventmodel::{
    Command, Decide, Decision, Event, Now, Rejection, Stream, Unguarded, emit, projection, reject,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use support::savings::{Account, Balance, Branch, Deposited, Opened, Refused, Withdraw};

use super::panics::failure_of;

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Account)]
pub(crate) struct Renamed {
    pub(crate) account: u32,
}

#[derive(Rejection, Serialize, Debug, PartialEq, thiserror::Error)]
#[error("no")]
struct No;

// A state that a snapshot does not keep whole.

#[derive(Default, Serialize, Deserialize, Clone)]
struct Forgetful {
    #[serde(skip)]
    renamed: u32,
}

#[projection(key = Account)]
impl Forgetful {
    fn renamed(&mut self, _: &Renamed) {
        self.renamed += 1;
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Forgetful, emits(Renamed), rejects = No)]
struct RenameTwice {
    account: u32,
}

impl Decide for RenameTwice {
    fn decide(&self, state: &Forgetful) -> Decision<Self> {
        if state.renamed >= 2 {
            return reject(No);
        }
        emit(Renamed {
            account: self.account,
        })
    }
}

#[test]
fn a_state_that_a_snapshot_does_not_keep_is_found() {
    let rename = || RenameTwice { account: 1 };
    let renamed = || Renamed { account: 1 };
    spec::<RenameTwice>().when(rename()).emits(renamed());
    let text = failure_of(|| {
        spec::<RenameTwice>()
            .given([renamed(), renamed()])
            .when(rename())
            .rejects(No);
    });
    assert!(
        text.starts_with(
            "RenameTwice: it decides differently when its state was restored from a snapshot taken after event 1: \
             the state Forgetful is another one after it was written and read as JSON. Does it skip a field"
        ),
        "{text}"
    );
    assert!(text.contains("  - rejected: no\n"), "{text}");
    assert!(text.contains("  + Renamed on `account.1`\n"), "{text}");
}

// A state that cannot be written as JSON.

#[derive(Default, Serialize, Deserialize, Clone)]
struct Unwritable {
    by_place: BTreeMap<(u8, u8), u32>,
}

#[projection(key = Account)]
impl Unwritable {
    fn renamed(&mut self, event: &Renamed) {
        self.by_place.insert((0, 0), event.account);
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Unwritable)]
struct Look {
    account: u32,
}

impl Decide for Look {
    fn decide(&self, _: &Unwritable) -> Decision<Self> {
        emit(())
    }
}

#[test]
fn a_state_that_cannot_be_written_is_found() {
    spec::<Look>().when(Look { account: 1 }).changes_nothing();
    let text = failure_of(|| {
        spec::<Look>()
            .given(Renamed { account: 1 })
            .when(Look { account: 1 })
            .changes_nothing();
    });
    assert!(
        text.starts_with(
            "Look: the state Unwritable cannot be written and read as JSON, as a snapshot is: key must be a string"
        ),
        "{text}"
    );
}

// Decisions that are not pure.

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Account)]
struct Numbered {
    account: u32,
    number: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(Numbered))]
struct Number {
    account: u32,
}

impl Decide for Number {
    fn decide(&self, (): &()) -> Decision<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        emit(Numbered {
            account: self.account,
            number: COUNTER.fetch_add(1, Ordering::Relaxed),
        })
    }
}

#[test]
fn a_decision_that_is_not_pure_is_found() {
    let text = failure_of(|| {
        spec::<Number>()
            .when(Number { account: 1 })
            .emits(Numbered {
                account: 1,
                number: 0,
            });
    });
    assert!(
        text.starts_with("Number: asked twice, it decides differently."),
        "{text}"
    );
    assert!(
        text.contains("  -   \"number\": 0\n  +   \"number\": 1\n"),
        "{text}"
    );
}

// Commands.

#[derive(Command, Serialize, Deserialize)]
struct Half {
    #[serde(skip_serializing)]
    _account: u32,
}

impl Decide for Half {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(())
    }
}

#[test]
fn a_command_that_does_not_survive_json_is_found() {
    let text = failure_of(|| spec::<Half>().when(Half { _account: 1 }).changes_nothing());
    assert!(
        text.starts_with(
            "Half: the command cannot be written and read as JSON: missing field `_account`"
        ),
        "{text}"
    );
}

#[derive(Command, Serialize, Deserialize)]
#[command(id = "{order}")]
struct WithId {
    order: String,
}

impl Decide for WithId {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(())
    }
}

#[test]
fn an_id_that_is_none_is_found() {
    let order = "x".repeat(1000);
    let text = failure_of(|| spec::<WithId>().when(WithId { order }).changes_nothing());
    assert!(
        text.starts_with("WithId: the id of the command is none: a command id has 1 to 256 bytes"),
        "{text}"
    );
}

// Keys that are too long for a subject.

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "book.{title}")]
struct Book {
    title: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
#[event(stream = Book)]
struct Bought {
    title: String,
}

#[derive(Default, Serialize, Deserialize, Clone)]
struct Shelf {
    bought: bool,
}

#[projection(key = Book)]
impl Shelf {
    fn bought(&mut self, _: &Bought) {
        self.bought = true;
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Shelf, emits(Bought))]
struct Buy {
    title: String,
}

impl Decide for Buy {
    fn decide(&self, shelf: &Shelf) -> Decision<Self> {
        emit((!shelf.bought).then(|| Bought {
            title: self.title.clone(),
        }))
    }
}

#[test]
fn a_key_that_is_too_long_for_a_subject_is_said_to_be() {
    let title = "x".repeat(2000);
    let text = failure_of(|| {
        let _ = spec::<Buy>().given(Bought {
            title: title.clone(),
        });
    });
    assert!(
        text.starts_with("Bought cannot be recorded: the subject `book.xxx"),
        "{text}"
    );
    let text = failure_of(|| {
        spec::<Buy>()
            .when(Buy {
                title: title.clone(),
            })
            .changes_nothing();
    });
    assert!(
        text.starts_with("Buy: the key of a stream that it reads: the subject `book.xxx"),
        "{text}"
    );
}

// Every kind of state.

#[derive(Default, Serialize, Deserialize, Clone)]
struct Size {
    accounts: u32,
}

#[projection(key = Branch)]
impl Size {
    fn opened(&mut self, _: &Opened) {
        self.accounts += 1;
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = (Balance, Unguarded<Size>, Now), emits(Deposited), rejects = No)]
struct PayInAtNight {
    account: u32,
    branch: u32,
}

impl Decide for PayInAtNight {
    fn decide(&self, (balance, size, now): &(Balance, Unguarded<Size>, Now)) -> Decision<Self> {
        let night: Timestamp = "2022-12-12T22:00:00Z".parse().expect("a time");
        if now.0 < night || size.accounts < 2 || balance.changed.is_none_or(|at| at >= night) {
            return reject(No);
        }
        emit(Deposited {
            account: self.account,
            cents: 1,
        })
    }
}

#[test]
fn a_state_can_be_a_tuple_with_what_is_unguarded_and_the_time() {
    let at = |time: &str| time.parse::<Timestamp>().unwrap();
    let opened = |account, branch| Opened { account, branch };
    let given = || {
        spec::<PayInAtNight>()
            .given([opened(1, 9), opened(2, 9)])
            .at(at("2022-12-12T12:00:00Z"))
            .given(Deposited {
                account: 1,
                cents: 4,
            })
    };
    let command = || PayInAtNight {
        account: 1,
        branch: 9,
    };
    given()
        .at(at("2022-12-12T23:00:00Z"))
        .when(command())
        .emits(Deposited {
            account: 1,
            cents: 1,
        });
    given().when(command()).rejects(No);
}

// Much that has happened.

#[test]
fn a_long_story_is_told_in_a_moment_and_its_failure_is_short() {
    let deposited = || Deposited {
        account: 1,
        cents: 1,
    };
    let opened = Opened {
        account: 1,
        branch: 9,
    };
    let (account, cents) = (1, 5001);
    let told = || {
        spec::<Withdraw>()
            .given(opened.clone())
            .given((0..5000).map(|_| deposited()).collect::<Vec<_>>())
            .when(Withdraw { account, cents })
    };
    told().rejects(Refused::TooLittle {
        account,
        cents: 5000,
    });
    let text = failure_of(|| told().changes_nothing());
    assert!(text.contains("… and 4961 more, then\n"), "{text}");
    assert!(text.lines().count() < 70, "{text}");
}
