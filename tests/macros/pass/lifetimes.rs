//! Where a lifetime fits: in a token, and on a handler.

#![deny(warnings)]

use std::borrow::Cow;

use eventmodel::{Event, Metadata, Stream, SubjectToken, automation, projection};
use serde::{Deserialize, Serialize};

#[derive(SubjectToken, Debug, PartialEq)]
struct Name<'a>(Cow<'a, str>);

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "room.{name}")]
struct Room {
    name: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Room)]
struct RoomCreated {
    name: String,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Rooms;

#[projection(key = Room)]
impl Rooms {
    fn created<'a>(self: &mut Self, event: &'a RoomCreated, meta: &'a Metadata) {
        let _: (&'a str, &'a Metadata) = (&event.name, meta);
    }
}

struct Bot;

#[automation]
impl Bot {
    async fn created<'a>(&'a self, event: &'a RoomCreated) {
        let _: &'a str = &event.name;
    }
}

#[test]
fn it_is_accepted_and_works() {
    assert_eq!(Name::parse_token("a").unwrap(), Name(Cow::Borrowed("a")));
}
