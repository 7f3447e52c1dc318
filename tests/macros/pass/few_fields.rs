//! A stream with one instance, events and commands without fields, and keys that are fields of fields.

#![deny(warnings)]

use eventmodel::{Command, Decide, Decision, Event, Projection, Stream, emit, projection};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "settings")]
struct Settings;

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Settings)]
struct Changed;

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Settings)]
struct Cleared {}

#[derive(Default, Clone, Serialize, Deserialize)]
struct State {
    changes: u32,
}

#[projection(key = Settings)]
impl State {
    fn changed(&mut self, _: &Changed) {
        self.changes += 1;
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = State, emits(Changed, Cleared))]
struct Change;

impl Decide for Change {
    fn decide(&self, _: &State) -> Decision<Self> {
        emit((Changed, Some(Cleared {})))
    }
}

mod plan {
    use super::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Pair<T> {
        pub(super) from: T,
        pub(super) r#where: u8,
    }
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "{pair.where}.trip.{id}.{pair.from}")]
struct Trip {
    id: u32,
    pair: plan::Pair<String>,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Trip, key(pair = self.leg))]
struct Planned {
    id: u32,
    leg: plan::Pair<String>,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Legs;

#[projection(key(from: String, where: u8))]
impl Legs {
    #[key(from = event.leg.from, where = event.leg.r#where)]
    fn planned(&mut self, _: &Planned) {}
}

/// Keyed by nothing.
#[derive(Default, Clone, Serialize, Deserialize)]
struct Everything;

#[projection]
impl Everything {
    fn planned(&mut self, _: &Planned) {}
    fn changed(&mut self, _: &Changed) {}
}

#[test]
fn it_is_accepted_and_works() {
    assert_eq!(Settings.subject().unwrap().as_str(), "settings");
    assert_eq!(
        Settings::from_subject(&Settings.subject().unwrap()).unwrap(),
        Settings
    );
    assert_eq!(Changed.subjects().unwrap().len(), 1);
    assert_eq!(Change.keys(), Settings);

    let pair = plan::Pair {
        from: String::from("a.b"),
        r#where: 3,
    };
    let trip = Trip {
        id: 7,
        pair: pair.clone(),
    };
    let subject = trip.subject().unwrap();
    assert_eq!(subject.as_str(), "3.trip.7.a%2Eb");
    assert_eq!(Trip::from_subject(&subject).unwrap(), trip);
    assert_eq!(*Planned { id: 7, leg: pair }.subjects().unwrap(), [subject]);
    assert_eq!(Legs::INFO.key, ["from", "where"]);
    assert_eq!(Everything::INFO.handlers.len(), 2);
}
