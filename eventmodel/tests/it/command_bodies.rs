//! An id is that of one command and one body, whatever the body is made of.

use std::collections::{BTreeMap, HashMap};

use eventmodel::{
    App, Command, Decide, Decision, Event, EventModel, ExecuteError, ExecuteOptions, MemoryStore,
    Slice, Stream, emit,
};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "parcel.{id}")]
struct Parcel {
    id: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Parcel)]
struct Sent {
    id: u32,
}

/// A command whose body has what JSON, or a `serde_json::Value`, cannot hold.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(emits(Sent))]
struct Send {
    id: u32,
    large: u128,
    small: i128,
    weight: f64,
    by_pair: BTreeMap<(u8, u8), String>,
    by_name: HashMap<String, u32>,
    #[expect(clippy::option_option, reason = "JSON cannot tell the two")]
    nested: Option<Option<u8>>,
    #[serde(serialize_with = "unless_poison")]
    note: String,
}

fn unless_poison<S: Serializer>(note: &str, to: S) -> Result<S::Ok, S::Error> {
    if note == "poison" {
        return Err(serde::ser::Error::custom("poison cannot be written"));
    }
    to.serialize_str(note)
}

impl Decide for Send {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(Sent { id: self.id })
    }
}

fn send() -> Send {
    Send {
        id: 1,
        large: u128::MAX,
        small: i128::MIN,
        weight: f64::NAN,
        by_pair: BTreeMap::from([((1, 2), "a".into())]),
        by_name: (0..8).map(|n| (n.to_string(), n)).collect(),
        nested: None,
        note: String::new(),
    }
}

async fn start() -> App {
    let parcels = EventModel::new("parcels").slice(Slice::new("Send").command::<Send>());
    parcels.start(MemoryStore::new()).await.unwrap()
}

fn key() -> ExecuteOptions {
    ExecuteOptions::new().try_id("k").unwrap()
}

#[tokio::test]
async fn another_body_under_an_id_is_refused_whatever_it_is_made_of() {
    let app = start().await;
    let _ = app.execute_with(send(), key()).await.unwrap();
    // A map of the same entries in another order is the same body.
    for _ in 0..20 {
        let again = app.execute_with(send(), key()).await.unwrap();
        assert!(again.already_committed);
    }
    let mut renamed = send();
    renamed.by_name.insert("7".into(), 8);
    let others = [
        Send {
            large: u128::MAX - 1,
            ..send()
        },
        Send {
            small: i128::MIN + 1,
            ..send()
        },
        Send {
            weight: 1.0,
            ..send()
        },
        Send {
            by_pair: BTreeMap::from([((2, 1), "a".into())]),
            ..send()
        },
        Send {
            nested: Some(None),
            ..send()
        },
        renamed,
    ];
    for other in others {
        let refused = app.execute_with(other.clone(), key()).await;
        assert!(
            matches!(refused, Err(ExecuteError::IdReused { .. })),
            "{other:?}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_written_is_refused_under_an_id() {
    let app = start().await;
    let poison = || Send {
        note: "poison".into(),
        ..send()
    };
    let refused = app.execute_with(poison(), key()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the command cannot be told from another one under its id, because it cannot be written: poison cannot be \
         written"
    );
    // Nothing was stored under the id, and without one nothing has to be told apart.
    assert!(
        !app.execute_with(send(), key())
            .await
            .unwrap()
            .already_committed
    );
    let _ = app.execute(poison()).await.unwrap();
}
