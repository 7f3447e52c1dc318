//! What every spec checks of events: that they are read as they were written.

use std::collections::HashSet;

use bytes::Bytes;
use eventmodel::testing::spec;
use eventmodel::{Codec, CodecError, Command, Decide, Decision, Event, Json, emit, projection};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use support::savings::Account;

use super::panics::failure_of;
use super::spec_hidden_checks::Renamed;

// Events that do not survive their codec.

#[derive(Event, Serialize, Deserialize, Clone)]
#[event(stream = Account)]
struct Lossy {
    account: u32,
    #[serde(skip_deserializing)]
    note: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
#[event(stream = Account)]
struct Unreadable {
    account: u32,
    #[serde(skip_serializing)]
    note: String,
}

#[derive(Event, Serialize, Deserialize, Clone)]
#[event(stream = Account)]
struct Weighed {
    account: u32,
    grams: f64,
}

#[derive(Event, Serialize, Deserialize, Clone)]
#[event(stream = Account)]
struct Tagged {
    account: u32,
    tags: HashSet<u32>,
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(Lossy, Unreadable, Weighed, Tagged))]
struct Note {
    account: u32,
    which: u8,
}

impl Decide for Note {
    fn decide(&self, (): &()) -> Decision<Self> {
        let (account, note) = (self.account, String::from("n"));
        match self.which {
            0 => emit(Lossy { account, note }),
            1 => emit(Unreadable { account, note }),
            2 => emit(Weighed {
                account,
                grams: f64::NAN,
            }),
            _ => emit(Tagged {
                account,
                tags: (0..8).collect(),
            }),
        }
    }
}

#[test]
fn an_event_that_does_not_survive_its_codec_is_found_when_it_is_emitted() {
    let (account, note) = (1, String::from("n"));
    let text = failure_of(|| {
        spec::<Note>()
            .when(Note { account, which: 0 })
            .emits(Lossy { account, note });
    });
    assert_eq!(
        text.lines().next(),
        Some("Lossy cannot be recorded: read back it is another event: `/note` has another value")
    );

    let note = String::from("n");
    let text = failure_of(|| {
        spec::<Note>()
            .when(Note { account, which: 1 })
            .emits(Unreadable { account, note });
    });
    assert!(
        text.starts_with(
            "Unreadable cannot be recorded: what is written of it cannot be read back: missing field `note`"
        ),
        "{text}"
    );

    let grams = f64::NAN;
    let text = failure_of(|| {
        spec::<Note>()
            .when(Note { account, which: 2 })
            .emits(Weighed { account, grams });
    });
    assert!(
        text.starts_with(
            "Weighed cannot be recorded: what is written of it cannot be read back: grams: invalid type: null"
        ),
        "{text}"
    );
}

#[test]
fn an_event_that_does_not_survive_its_codec_is_found_when_it_is_given() {
    let note = String::from("n");
    let text = failure_of(|| {
        let _ = spec::<Note>().given(Lossy { account: 1, note });
    });
    assert!(text.starts_with("Lossy cannot be recorded: "), "{text}");
}

#[test]
fn sets_are_compared_whatever_their_order() {
    let tags = || (0..8).collect::<HashSet<_>>();
    for _ in 0..20 {
        spec::<Note>()
            .when(Note {
                account: 1,
                which: 3,
            })
            .emits(Tagged {
                account: 1,
                tags: tags(),
            });
    }
    let text = failure_of(|| {
        let tags = (1..9).collect();
        spec::<Note>()
            .when(Note {
                account: 1,
                which: 3,
            })
            .emits(Tagged { account: 1, tags });
    });
    assert!(
        text.contains("the decision is not what is expected"),
        "{text}"
    );
}

// Two types under one name.

#[derive(Default, Serialize, Deserialize, Clone)]
struct Names {
    given: u32,
}

#[projection(key = Account)]
impl Names {
    fn renamed(&mut self, _: &Renamed) {
        self.given += 1;
    }
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Account, type = "Renamed")]
struct AlsoRenamed {
    account: u32,
    name: String,
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Names, emits(AlsoRenamed))]
struct Rename {
    account: u32,
}

impl Decide for Rename {
    fn decide(&self, _: &Names) -> Decision<Self> {
        emit(AlsoRenamed {
            account: self.account,
            name: "n".into(),
        })
    }
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Account, type = "Renamed")]
struct RenamedByNumber {
    #[serde(rename = "account_number")]
    account: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Names, emits(RenamedByNumber))]
struct RenameByNumber {
    account: u32,
}

impl Decide for RenameByNumber {
    fn decide(&self, _: &Names) -> Decision<Self> {
        emit(RenamedByNumber {
            account: self.account,
        })
    }
}

#[test]
fn an_emitted_event_that_a_state_cannot_fold_is_found() {
    let text = failure_of(|| {
        spec::<RenameByNumber>()
            .when(RenameByNumber { account: 1 })
            .emits(RenamedByNumber { account: 1 });
    });
    assert!(
        text.starts_with(
            "RenameByNumber: the state Names cannot be folded: the event `Renamed` at position 1 on `account.1` \
             cannot be read"
        ),
        "{text}"
    );
    // Another type under the same name that is read alike is no problem for this command.
    spec::<Rename>()
        .when(Rename { account: 1 })
        .emits(AlsoRenamed {
            account: 1,
            name: "n".into(),
        });
}

// Another format than JSON.

/// JSON with all its bits turned.
struct Turned;

impl Codec for Turned {
    const CONTENT_TYPE: &'static str = "application/x-turned";

    fn encode<T: Serialize>(value: &T) -> Result<Bytes, CodecError> {
        let json = Json::encode(value)?;
        Ok(json.iter().map(|byte| !byte).collect())
    }

    fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, CodecError> {
        let json: Vec<u8> = payload.iter().map(|byte| !byte).collect();
        Json::decode(&json)
    }
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Account, codec = Turned)]
struct Painted {
    account: u32,
}

#[derive(Default, Serialize, Deserialize, Clone)]
struct Colour {
    painted: u32,
}

#[projection(key = Account)]
impl Colour {
    fn painted(&mut self, _: &Painted) {
        self.painted += 1;
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Colour, emits(Painted))]
struct Paint {
    account: u32,
}

impl Decide for Paint {
    fn decide(&self, colour: &Colour) -> Decision<Self> {
        let account = self.account;
        emit((colour.painted < 2).then_some(Painted { account }))
    }
}

#[test]
fn events_may_be_in_another_format() {
    let painted = || Painted { account: 1 };
    spec::<Paint>()
        .given(painted())
        .when(Paint { account: 1 })
        .emits(painted());
    let text = failure_of(|| {
        spec::<Paint>()
            .given([painted(), painted()])
            .when(Paint { account: 1 })
            .emits(painted());
    });
    // `{"account":1}`
    assert!(
        text.contains("  - 84 dd 9e 9c 9c 90 8a 91 8b dd c5 ce 82\n"),
        "{text}"
    );
}
