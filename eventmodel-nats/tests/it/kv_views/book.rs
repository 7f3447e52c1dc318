//! What the entries of the view of balances must be: a fold over the log, made here by hand.

use std::collections::BTreeMap;

use eventmodel::Store;
use eventmodel::store::{Item, Read};
use eventmodel::{Position, ViewInstance};
use eventmodel_nats::NatsStore;
use eventmodel_nats::async_nats::jetstream;
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;
use support::bank::{Balance, Deposited};

/// The deposits of each account, in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct Book(BTreeMap<String, Vec<(Position, u32)>>);

/// An entry of the view of balances, as somebody has seen it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) account: String,
    pub(crate) position: Position,
    pub(crate) balance: Balance,
}

/// A value of the bucket, as other programs read it.
#[derive(Deserialize)]
struct Value {
    position: u64,
    state: Balance,
}

impl Book {
    /// All that is in the log.
    pub(crate) async fn of(store: &NatsStore) -> Self {
        let mut events = store.read(Read::new("bank".into()));
        let mut book = Self::default();
        while let Some(event) = events.next().await {
            let event = event.and_then(Item::event).unwrap();
            let Deposited { account, cents } = event.decode().unwrap();
            let deposits = book.0.entry(account.clone()).or_default();
            deposits.push((event.position(), *cents));
        }
        book
    }

    pub(crate) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The entry must be the fold of all that is for it up to its position.
    pub(crate) fn explains(&self, seen: &Seen) {
        let Seen {
            account,
            position,
            balance,
        } = seen;
        let all = self.0.get(account).map_or(&[][..], Vec::as_slice);
        let upto: Vec<_> = all.iter().take_while(|(at, _)| at <= position).collect();
        let is_its_own = upto.last().is_some_and(|(at, _)| at == position);
        let folded = Balance {
            open: false,
            cents: upto.iter().map(|(_, cents)| i64::from(*cents)).sum(),
            movements: u32::try_from(upto.len()).unwrap(),
        };
        assert!(
            is_its_own && folded == *balance,
            "the log says {folded:?}: {seen:?}"
        );
    }

    /// What all accounts have together at a position.
    pub(crate) fn total(&self, position: Position) -> i64 {
        let all = self.0.values().flatten();
        let upto = all.filter(|(at, _)| *at <= position);
        upto.map(|(_, cents)| i64::from(*cents)).sum()
    }

    /// The entries must be those of all accounts, each with all that is for it.
    pub(crate) fn is(&self, entries: &[Seen]) {
        for seen in entries {
            self.explains(seen);
        }
        let last = |(account, all): (&String, &Vec<(Position, u32)>)| {
            (account.clone(), all.last().unwrap().0)
        };
        let last: BTreeMap<_, _> = self.0.iter().map(last).collect();
        let found = |seen: &Seen| (seen.account.clone(), seen.position);
        assert_eq!(entries.iter().map(found).collect::<BTreeMap<_, _>>(), last);
    }
}

impl From<ViewInstance<Balance>> for Seen {
    fn from(entry: ViewInstance<Balance>) -> Self {
        Self {
            account: entry.key.account,
            position: entry.position,
            balance: entry.value,
        }
    }
}

/// What stands in the bucket, read with the tools of NATS.
pub(crate) async fn entries(store: &NatsStore, bucket: &str) -> Vec<Seen> {
    let bucket = jetstream::new(store.client().clone())
        .get_key_value(bucket)
        .await
        .unwrap();
    let keys: Vec<String> = bucket.keys().await.unwrap().try_collect().await.unwrap();
    let mut entries = Vec::new();
    for account in keys.into_iter().filter(|key| !key.starts_with('=')) {
        let value = bucket.get(&account).await.unwrap().unwrap();
        let Value { position, state } = serde_json::from_slice(&value).unwrap();
        let (position, balance) = (Position::new(position), state);
        entries.push(Seen {
            account,
            position,
            balance,
        });
    }
    entries
}
