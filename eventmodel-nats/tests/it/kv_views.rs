//! Views in KV buckets.

use std::collections::BTreeMap;

use eventmodel::{EventModel, Slice, View};
use eventmodel_nats::{KvViews, NatsStore};
use eventmodel_nats_harness::Server;
use support::bank::{Balance, Deposit, Total};

use crate::builder;

pub(crate) mod book;
mod bucket;
mod contract;
mod processes;
mod recreated;
mod switch;
mod two_logs;

/// A model with two views, and nothing that acts by itself.
pub(crate) fn ledger() -> EventModel {
    let slice = Slice::new("Somebody pays in").view::<Balance>();
    EventModel::new("bank").slice(slice.view::<Total>().command::<Deposit>())
}

async fn store(server: &Server, views: KvViews) -> NatsStore {
    let store = builder().views(views);
    store.connect(server.url()).await.unwrap()
}

/// The money and the movements of each account.
async fn balances(view: &View<Balance>) -> BTreeMap<String, (i64, u32)> {
    let entries = view.list().await.unwrap();
    let entry = |entry: eventmodel::ViewEntry<Balance>| {
        (
            entry.key.account,
            (entry.value.cents, entry.value.movements),
        )
    };
    entries.into_iter().map(entry).collect()
}
