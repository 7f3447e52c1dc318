//! The values of the attributes come through fragments of `macro_rules!`: around each the compiler puts a group that
//! nobody sees.

#![deny(warnings)]

use eventmodel::{
    App, Command, Decide, Decision, Event, Json, Metadata, Projection, Rejection, Stream,
    SubjectToken, Unguarded, Violations, automation, emit, projection, reject,
};
use serde::{Deserialize, Serialize};

macro_rules! token {
    ($krate:path, $inner:ty) => {
        #[derive(SubjectToken, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
        #[subject_token(crate = $krate)]
        struct Number($inner);

        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
        struct Room {
            id: $inner,
        }
    };
}

macro_rules! stream {
    ($(#[$meta:meta])* $name:ident, $subject:literal, $log:literal, $krate:path, $field:ident: $ty:ty, $number:ty) => {
        #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
        #[stream(subject = $subject, log = $log, crate = $krate)]
        $(#[$meta])*
        struct $name {
            $field: $ty,
            number: $number,
        }
    };
    (@whole $attr:meta $name:ident) => {
        #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
        #[$attr]
        struct $name {
            number: u32,
        }
    };
    // An expression is a group, too.
    (@expr $subject:expr, $name:ident) => {
        #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
        #[stream(subject = $subject)]
        struct $name {
            number: u32,
        }
    };
    (@twice $subject:literal $name:ident) => {
        stream!(@expr $subject, $name);
    };
}

macro_rules! events {
    ($one:ident, $two:ident, $stream:ty, $other:path, $name:literal, $version:literal, $codec:ty, $from:expr, $index:literal) => {
        #[derive(Event, Serialize, Deserialize)]
        #[event(stream = $stream, type = $name, version = $version, codec = $codec)]
        struct $one {
            room: Room,
            number: Number,
        }

        #[derive(Event, Serialize, Deserialize)]
        #[event(streams($stream, $other), key($index.number = $from))]
        struct $two {
            room: Room,
            number: Number,
        }
    };
}

macro_rules! projections {
    ($state:ty, $stream:ty, $view:ty, $event:ty, $reference:ty, $key:ty, $from:expr, $nothing:ty, $meta:ty) => {
        #[projection(key = $stream, snapshot)]
        impl $state {
            fn happened(&mut self, _: &$event) {
                self.0 += 1;
            }
        }

        #[projection(key(room: $key))]
        impl $view {
            #[key(room = $from)]
            fn happened(&mut self, event: $reference, _: $meta) -> $nothing {
                self.0 += event.room.id;
            }
        }
    };
}

macro_rules! refusals {
    ($code:literal, $other:literal, $krate:path) => {
        #[derive(Rejection, Serialize, Debug, thiserror::Error)]
        #[rejection(crate = $krate)]
        enum Refused {
            #[error("full")]
            #[rejection(code = $code)]
            Full,
        }

        #[derive(Rejection, Serialize, Debug, thiserror::Error)]
        #[error("closed")]
        #[rejection(code = $other, crate = $krate)]
        struct Closed;
    };
}

macro_rules! commands {
    (
        $state:ty, $states:ty, $event:path, $($more:ty),*; $rejects:ty, $other:path, $id:literal, $name:literal,
        $from:expr, $validate:path, $index:literal
    ) => {
        #[derive(Command, Serialize, Deserialize)]
        #[command(state = $state, emits($event), rejects = $rejects, id = $id, name = $name)]
        struct Happen {
            room: Room,
            number: Number,
        }

        impl Decide for Happen {
            fn decide(&self, _: &$state) -> Decision<Self> {
                emit(Happened { room: self.room.clone(), number: self.number.clone() })
            }
        }

        #[derive(Command, Serialize, Deserialize)]
        #[command(
            state = $states,
            emits($($more),*),
            rejects = $other,
            validate = $validate,
            key(room = $from, $index.number = self.other.clone()),
        )]
        struct Close {
            number: Number,
            other: Number,
        }

        impl Close {
            fn check(&self) -> Result<(), Violations> {
                Ok(())
            }
        }

        impl Decide for Close {
            fn decide(&self, _: &$states) -> Decision<Self> {
                reject(Closed)
            }
        }
    };
}

macro_rules! automations {
    ($bot:ty, $event:ty, $app:ty, $output:ty, $krate:path) => {
        #[automation(crate = $krate)]
        impl $bot {
            async fn happened(&self, event: &$event, _: $app) -> $output {
                Some(Happen {
                    room: event.room.clone(),
                    number: event.number.clone(),
                })
            }
        }
    };
}

token!(::eventmodel, u32);
stream!(
    /// A row.
    Row, "row.{room.id}.{number}", "hotel", ::eventmodel, room: Room, Number
);
stream!(@whole stream(subject = "whole.{number}") Whole);
stream!(@expr "expr.{number}", Expr);
stream!(@twice "twice.{number}" Twice);

const FIRST: u32 = 1;

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "other.{number}", log = "hotel")]
struct Other {
    number: u32,
}

events!(
    Happened,
    Counted,
    Row,
    Other,
    "it-happened",
    2,
    Json,
    FIRST + 2,
    1
);

#[derive(Default, Clone, Serialize, Deserialize)]
struct State(u32);

#[derive(Default, Clone, Serialize, Deserialize)]
struct View(u32);

projections!(
    State,
    Row,
    View,
    Happened,
    &Happened,
    u32,
    FIRST,
    (),
    &Metadata
);
refusals!("full-up", "shut", ::eventmodel);
commands!(
    State, (State, Unguarded<State>), Happened, Happened, Counted; Refused, Closed, "{room.id}/{number}", "let-happen",
    Room { id: FIRST }, Self::check, 1
);

struct Bot;
automations!(Bot, Happened, &App, Option<Happen>, ::eventmodel);

#[test]
fn it_is_accepted_and_works() {
    let room = || Room { id: 7 };
    let row = Row {
        room: room(),
        number: Number(1),
    };
    assert_eq!(row.subject().unwrap().as_str(), "row.7.1");
    assert_eq!(Row::INFO.log, Some("hotel"));
    assert_eq!(Row::INFO.ty.doc, "A row.");
    assert_eq!(Whole { number: 1 }.subject().unwrap().as_str(), "whole.1");
    assert_eq!(Expr { number: 1 }.subject().unwrap().as_str(), "expr.1");
    assert_eq!(Twice { number: 1 }.subject().unwrap().as_str(), "twice.1");

    assert_eq!(Happened::INFO.event_type, "it-happened");
    assert_eq!(Happened::INFO.version, 2);
    let counted = Counted {
        room: room(),
        number: Number(1),
    };
    let subjects = counted.subjects().unwrap();
    assert_eq!(
        (subjects[0].as_str(), subjects[1].as_str()),
        ("row.7.1", "other.3")
    );

    assert_eq!(State::INFO.ty.name, "State");
    assert_eq!(View::INFO.key, ["room"]);

    assert_eq!(Refused::Full.code(), "full-up");
    assert_eq!(Closed.code(), "shut");

    let happen = Happen {
        room: room(),
        number: Number(1),
    };
    assert_eq!(Happen::INFO.address(), "let-happen");
    assert_eq!(happen.id().unwrap(), "let-happen:7/1");
    assert_eq!(Close::INFO.states.len(), 2);
    let close = Close {
        number: Number(1),
        other: Number(2),
    };
    let (first, second) = close.keys();
    assert_eq!(
        (first.room.id, first.number, second.number),
        (1, Number(1), Number(2))
    );
}
