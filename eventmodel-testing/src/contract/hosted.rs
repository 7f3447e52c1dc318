//! A view on a host, and a watcher of it, that cannot be waited for without a bound.

use std::sync::Arc;

use eventmodel::memory;
use eventmodel::store::{ErasedEntry, ViewDefinition, ViewError};
use eventmodel::{AnyView, EventModel, Position, RecordedEvent, Slice};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use super::seats::{Seats, fold};

pub(super) struct Hosted {
    pub(super) view: AnyView,
    pub(super) stop: CancellationToken,
    bench: Bench,
}

pub(super) async fn host(bench: &Bench) -> Hosted {
    let model = EventModel::new("contract").slice(Slice::new("Somebody looks").view::<Seats>());
    let definition = ViewDefinition {
        model: bench.log.clone(),
        logs: vec![bench.log.clone()],
        fold: model.views()[0].fold().clone(),
        vocabulary: Arc::new(model.vocabulary()),
    };
    let stop = CancellationToken::new();
    let views = memory::views_of(&*bench.store);
    let hosted = AnyView::feed(definition, &*views, &bench.store, &stop);
    let view = timeout(bench.patience, hosted)
        .await
        .expect("a view is hosted in time");
    Hosted {
        view: view.unwrap_or_else(|error| panic!("the view cannot be hosted: {error}")),
        stop,
        bench: bench.clone(),
    }
}

pub(super) type Entry = (String, (Vec<String>, u64));

pub(super) fn entry(entry: &ErasedEntry) -> Entry {
    let json = entry.to_json().expect("the state is JSON");
    let seats: Seats = serde_json::from_value(json).expect("the state is that of the view");
    (entry.key.to_string(), (seats.events, entry.position.get()))
}

impl Hosted {
    pub(super) async fn reached(&self, position: Position) -> Result<(), ViewError> {
        let reached = self.view.reached(&self.bench.log, position);
        timeout(self.bench.patience, reached)
            .await
            .unwrap_or_else(|_| panic!("the view did not reach {position}"))
    }

    pub(super) async fn list(&self, prefix: &str) -> Vec<Entry> {
        let list = self.view.list(prefix).await;
        let list = list.unwrap_or_else(|error| panic!("the view does not answer: {error}"));
        list.iter().map(entry).collect()
    }

    pub(super) fn watch(&self, prefix: &str, after: Option<Position>) -> Watcher {
        Watcher {
            changes: self.view.watch(prefix, after),
            bench: self.bench.clone(),
        }
    }

    /// The view must be a fold of the log.
    pub(super) async fn check(&self) {
        let all = self.bench.all().await;
        let last = all.last().map(RecordedEvent::position).unwrap_or_default();
        self.reached(last)
            .await
            .unwrap_or_else(|error| panic!("the view has stopped: {error}"));
        let expected: Vec<Entry> = fold(&all).into_iter().collect();
        assert_eq!(
            self.list("").await,
            expected,
            "the view is not the fold of its log"
        );
        for (key, expected) in &expected {
            let found = self.view.get(key).await;
            let found = found.unwrap_or_else(|error| panic!("the view does not answer: {error}"));
            assert_eq!(
                found.as_ref().map(|found| entry(found).1).as_ref(),
                Some(expected)
            );
        }
        assert!(
            self.view
                .get("no.body")
                .await
                .is_ok_and(|found| found.is_none())
        );
        let status = self.view.status();
        assert!(status.stopped.is_none());
        assert!(
            status
                .positions
                .get(&self.bench.log)
                .is_some_and(|at| *at >= last)
        );
    }
}

pub(super) struct Watcher {
    changes: BoxStream<'static, Result<ErasedEntry, ViewError>>,
    bench: Bench,
}

impl Watcher {
    pub(super) async fn try_next(&mut self) -> Option<Result<Entry, ViewError>> {
        let next = timeout(self.bench.patience, self.changes.next()).await;
        let next = next.unwrap_or_else(|_| panic!("no change came"));
        Some(next?.map(|change| entry(&change)))
    }

    pub(super) async fn next(&mut self) -> Entry {
        match self.try_next().await {
            Some(Ok(entry)) => entry,
            other => panic!("a change should come, it was {other:?}"),
        }
    }
}
