//! Generic commands, events, projections, rejections, automations and tokens.

#![deny(warnings)]

use std::fmt::{Debug, Display};
use std::marker::PhantomData;

use eventmodel::{
    Automation, Command, Decide, Decision, Event, Projection, Rejection, Stream, SubjectToken,
    automation, emit, projection, reject,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

trait Payload: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static {
    const NAME: &'static str;
}

impl Payload for u8 {
    const NAME: &'static str = "bytes";
}

impl Payload for String {
    const NAME: &'static str = "texts";
}

#[derive(SubjectToken, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Id<T>(T);

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "box.{id}")]
struct BoxStream {
    id: Id<u32>,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[serde(bound = "T: Payload")]
#[event(stream = BoxStream, type = T::NAME)]
struct Put<T: Payload> {
    id: Id<u32>,
    value: T,
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(bound = "T: Payload")]
struct Content<T: Payload> {
    values: Vec<T>,
}

impl<T: Payload> Default for Content<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

/// What is in a box.
#[projection(key = BoxStream)]
impl<T> Content<T>
where
    T: Payload,
{
    fn put(&mut self, event: &Put<T>) {
        self.values.push(event.value.clone());
    }
}

#[derive(Rejection, Serialize, Debug, thiserror::Error)]
#[error("{0} is too much")]
enum Refused<T: Display + Debug + Serialize + Send + Sync + 'static> {
    TooMuch(T),
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[serde(bound = "T: Payload")]
#[command(state = Content<T>, emits(Put<T>), rejects = Refused<usize>, name = "fill")]
struct Fill<T: Payload, const MAX: usize> {
    id: Id<u32>,
    value: T,
}

impl<T: Payload, const MAX: usize> Decide for Fill<T, MAX> {
    fn decide(&self, content: &Content<T>) -> Decision<Self> {
        if content.values.len() >= MAX {
            return reject(Refused::TooMuch(MAX));
        }
        emit(Put {
            id: self.id,
            value: self.value.clone(),
        })
    }
}

struct Copier<T>(PhantomData<fn(T)>);

#[automation]
impl<T: Payload> Copier<T> {
    async fn put(&self, event: &Put<T>) -> Option<Fill<T, 3>> {
        (event.id == Id(1)).then(|| Fill {
            id: Id(2),
            value: event.value.clone(),
        })
    }
}

#[test]
fn it_is_accepted_and_works() {
    assert_eq!(<Put<u8> as Event>::INFO.event_type, "bytes");
    assert_eq!(<Put<String> as Event>::INFO.event_type, "texts");
    assert_eq!(<Put<u8> as Event>::INFO.ty.name, "Put");
    assert_eq!(<Put<u8> as Event>::INFO.ty.fields[0].ty, "Id<u32>");
    assert_eq!(<Content<u8> as Projection>::INFO.ty.name, "Content");
    assert_eq!(
        <Content<u8> as Projection>::INFO.ty.doc,
        "What is in a box."
    );
    assert_eq!(<Fill<u8, 3> as Command>::INFO.address(), "fill");
    assert_eq!(<Fill<u8, 3> as Command>::INFO.emits[0].event_type, "bytes");
    assert_eq!(<Fill<u8, 3> as Command>::INFO.states.len(), 1);
    assert_eq!(<Copier<u8> as Automation>::INFO.commands().len(), 1);
    assert_eq!(Refused::TooMuch(1).code(), "too-much");
    let put = Put {
        id: Id(7),
        value: 1u8,
    };
    assert_eq!(put.subjects().unwrap()[0].as_str(), "box.7");
}
