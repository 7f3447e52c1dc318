//! Nothing is stored that would not be read back as what it is.

use std::collections::{BTreeMap, HashMap, HashSet};

use eventmodel::{
    App, AuditQuery, Command, Decide, Decision, EncodeError, Event, EventModel, ExecuteError,
    MemoryStore, Outcome, Slice, Stream, emit, projection,
};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "sample.{id}")]
struct Sample {
    id: u32,
}

/// The usual event: its type says what equal means.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Sample)]
struct Measured {
    id: u32,
    grams: f64,
    #[serde(skip)]
    scale: u32,
    #[serde(default)]
    previous: Option<f64>,
}

/// Its key is not written. It is not `PartialEq`, and written again it is the same.
#[derive(Event, Serialize, Deserialize)]
#[event(stream = Sample)]
struct Moved {
    #[serde(skip)]
    id: u32,
}

/// Skipped when it is written, missed when it is read.
#[derive(Event, Serialize, Deserialize)]
#[event(stream = Sample)]
struct Noted {
    id: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
}

/// Read as something else than it was written, without `PartialEq`.
#[derive(Event, Serialize, Deserialize)]
#[event(stream = Sample)]
struct Forgotten {
    id: u32,
    inner: Inner,
}

#[derive(Serialize, Deserialize)]
struct Inner {
    #[serde(skip_deserializing)]
    kept: Vec<u8>,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Sample)]
struct Flattened {
    id: u32,
    #[serde(flatten)]
    amounts: Amounts,
}

#[derive(Serialize, Deserialize)]
struct Amounts {
    large: i128,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Sample)]
struct Keyed {
    id: u32,
    #[serde(flatten)]
    counts: BTreeMap<u32, u32>,
}

/// JSON has no such map.
#[derive(Event, Serialize, Deserialize)]
#[event(stream = Sample)]
struct Paired {
    id: u32,
    pairs: BTreeMap<(u8, u8), u8>,
}

/// Written in another order each time it is read.
#[derive(Event, Serialize, Deserialize)]
#[event(stream = Sample)]
struct Tagged {
    id: u32,
    tags: HashSet<u32>,
    counts: HashMap<String, HashSet<u64>>,
    large: u128,
}

#[derive(Default, Serialize, Deserialize, Clone)]
struct History {
    tags: usize,
    large: u128,
}

#[projection(key = Sample)]
impl History {
    fn measured(&mut self, _: &Measured) {}
    fn noted(&mut self, _: &Noted) {}
    fn forgotten(&mut self, _: &Forgotten) {}
    fn flattened(&mut self, _: &Flattened) {}
    fn keyed(&mut self, _: &Keyed) {}
    fn paired(&mut self, _: &Paired) {}
    fn tagged(&mut self, event: &Tagged) {
        self.tags += event.tags.len() + event.counts.len();
        self.large = event.large;
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum What {
    NotANumber,
    NotAnOptionalNumber,
    Infinite,
    Skipped,
    KeyNotWritten,
    EmptyNote,
    NotRead,
    LargeFlattened,
    KeyedByNumbers,
    KeyedByPairs,
    Sets,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = History, emits(Measured, Moved, Noted, Forgotten, Flattened, Keyed, Paired, Tagged))]
struct Take {
    id: u32,
    what: What,
}

fn measured(id: u32) -> Measured {
    Measured {
        id,
        grams: 1.5,
        scale: 0,
        previous: None,
    }
}

impl Decide for Take {
    fn decide(&self, _: &History) -> Decision<Self> {
        let id = self.id;
        match self.what {
            What::NotANumber => emit(Measured {
                grams: f64::NAN,
                ..measured(id)
            }),
            // What is sound does not save what is not.
            What::NotAnOptionalNumber => emit((
                measured(id),
                Measured {
                    previous: Some(f64::NAN),
                    ..measured(id)
                },
            )),
            What::Infinite => emit(Measured {
                previous: Some(f64::INFINITY),
                ..measured(id)
            }),
            What::Skipped => emit(Measured {
                scale: 7,
                ..measured(id)
            }),
            What::KeyNotWritten => emit(Moved { id }),
            What::EmptyNote => emit(Noted {
                id,
                note: String::new(),
            }),
            What::NotRead => emit(Forgotten {
                id,
                inner: Inner { kept: vec![1] },
            }),
            What::LargeFlattened => emit(Flattened {
                id,
                amounts: Amounts { large: i128::MAX },
            }),
            What::KeyedByNumbers => emit(Keyed {
                id,
                counts: BTreeMap::from([(1, 1)]),
            }),
            What::KeyedByPairs => emit(Paired {
                id,
                pairs: BTreeMap::from([((1, 2), 3)]),
            }),
            What::Sets => emit(Tagged {
                id,
                tags: (0..8).collect(),
                counts: (0..8).map(|n| (n.to_string(), (0..8).collect())).collect(),
                large: u128::MAX,
            }),
        }
    }
}

async fn start() -> App {
    let take = Slice::new("A sample is taken").command::<Take>();
    let look = Slice::new("It is looked at").view::<History>();
    let samples = EventModel::new("samples").slice(take).slice(look);
    samples.start(MemoryStore::new()).await.unwrap()
}

fn take(what: What) -> Take {
    Take { id: 7, what }
}

#[tokio::test]
async fn an_event_that_would_be_read_as_another_one_or_not_at_all_is_refused() {
    use EncodeError::{Changed, Moved, Read, Written};

    let app = start().await;
    let refused = async |what| {
        let error = app.execute(take(what)).await.unwrap_err();
        assert!(!error.is_retryable());
        let text = error.to_string();
        match error {
            ExecuteError::Encode { error, .. } => (error, text),
            other => panic!("{what:?}: {other}"),
        }
    };
    let at = |error: &EncodeError, expected: Option<&str>| matches!(error, Changed { pointer } if pointer.as_deref() == expected);

    let (error, text) = refused(What::NotANumber).await;
    assert!(matches!(error, Read(_)), "{text}");
    assert!(
        text.starts_with("the event `Measured` cannot be stored: ") && text.contains("grams: "),
        "{text}"
    );
    let (error, text) = refused(What::NotAnOptionalNumber).await;
    assert!(at(&error, None), "{text}");
    let (error, text) = refused(What::Infinite).await;
    assert!(at(&error, None), "{text}");
    let (error, text) = refused(What::Skipped).await;
    assert!(at(&error, None), "{text}");
    assert!(text.contains("#[serde(skip)]"), "{text}");
    let (error, text) = refused(What::KeyNotWritten).await;
    assert!(matches!(error, Moved { .. }), "{text}");
    assert!(text.contains("to `sample.0`, not to `sample.7`"), "{text}");
    let (error, text) = refused(What::EmptyNote).await;
    assert!(matches!(error, Read(_)), "{text}");
    let (error, text) = refused(What::NotRead).await;
    assert!(at(&error, Some("/inner/kept/0")), "{text}");
    let (error, text) = refused(What::LargeFlattened).await;
    assert!(matches!(error, Written(_) | Read(_)), "{text}");
    let (error, text) = refused(What::KeyedByNumbers).await;
    assert!(matches!(error, Read(_)), "{text}");
    let (error, text) = refused(What::KeyedByPairs).await;
    assert!(matches!(error, Written(_)), "{text}");
    assert!(text.contains("pairs"), "{text}");

    // Nothing was stored, everything goes on, and each was noted.
    let receipt = app.execute(take(What::Sets)).await.unwrap();
    assert_eq!(receipt.position.get(), 1);
    let view = app.view::<History>().after(receipt.position);
    assert!(view.get(&Sample { id: 7 }).await.unwrap().is_some());
    let noted = app.audit(&AuditQuery::new()).await.unwrap();
    let failed = |entry: &&eventmodel::AuditEntry| matches!(entry.outcome, Outcome::Failed { .. });
    assert_eq!(noted.iter().filter(failed).count(), 10);
}

#[tokio::test]
async fn the_order_of_sets_and_maps_is_left_to_chance() {
    let app = start().await;
    for n in 1..=50 {
        let receipt = app.execute(take(What::Sets)).await.unwrap();
        let view = app.view::<History>().after(receipt.position);
        let seen = view.get(&Sample { id: 7 }).await.unwrap().unwrap();
        assert_eq!((seen.tags, seen.large), (16 * n, u128::MAX));
    }
}

#[tokio::test]
async fn what_was_read_back_is_not_decoded_again() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static DECODED: AtomicU32 = AtomicU32::new(0);

    #[derive(Serialize, Clone, PartialEq, Debug)]
    struct Counted(u32);

    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            DECODED.fetch_add(1, Ordering::Relaxed);
            u32::deserialize(from).map(Self)
        }
    }

    #[derive(Event, Serialize, Deserialize, PartialEq, Debug)]
    #[event(stream = Sample)]
    struct Weighed {
        id: u32,
        grams: Counted,
    }

    #[derive(Default, Serialize, Deserialize, Clone)]
    struct Weight {
        grams: u32,
    }

    #[projection(key = Sample)]
    impl Weight {
        fn weighed(&mut self, event: &Weighed) {
            self.grams += event.grams.0;
        }
    }

    #[derive(Command, Serialize, Deserialize)]
    #[command(state = Weight, emits(Weighed))]
    struct Weigh {
        id: u32,
    }

    impl Decide for Weigh {
        fn decide(&self, _: &Weight) -> Decision<Self> {
            let (id, grams) = (self.id, Counted(5));
            emit(Weighed { id, grams })
        }
    }

    let weigh = Slice::new("A sample is weighed").command::<Weigh>();
    let model = EventModel::new("weights").slice(weigh);
    let model = model.slice(Slice::new("It is looked at").view::<Weight>());
    let app = model.start(MemoryStore::new()).await.unwrap();
    for _ in 0..10 {
        let receipt = app.execute(Weigh { id: 1 }).await.unwrap();
        receipt.events[0].decode::<Weighed>().unwrap();
        let view = app.view::<Weight>().after(receipt.position);
        view.get(&Sample { id: 1 }).await.unwrap().unwrap();
    }
    assert_eq!(DECODED.load(Ordering::Relaxed), 10);
}
