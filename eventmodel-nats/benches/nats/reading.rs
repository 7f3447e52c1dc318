//! Reading a whole log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventmodel::store::{Read, Store};
use eventmodel::view::MemoryViews;
use eventmodel_nats::NatsStore;
use futures_util::StreamExt;

use crate::beside::Ask;
use crate::cold::Filled;
use crate::measure::{Row, Unit};
use crate::model::{Account, Balance, options, with_view};
use crate::{Result, Scale};

const WAIT: Duration = Duration::from_secs(300);

const COUNTERPART: &str = "ordered consumer";

/// A view in memory that follows the log from its start; and plain reading.
pub(crate) async fn rows(filled: &mut Filled, scale: Scale) -> Result<Vec<Row>> {
    let what = format!("view in memory catches up with {} events", filled.events);
    let mut view = Row::new(what, COUNTERPART, Unit::PerSecond, Some(0.85));
    let mut read = Row::new("the log is read", COUNTERPART, Unit::PerSecond, None);
    for _ in 0..scale.rounds.min(5) {
        let store = NatsStore::connect(filled.server.url()).await?;
        let log: Arc<str> = filled.log.into();
        let app = with_view(filled.log).start_with(store.clone(), options().views(MemoryViews));
        let app = app.await?;
        let last = store.last_position(&log).await?;
        app.shutdown().await?;
        #[allow(clippy::cast_precision_loss)]
        let rate = |seconds: f64| last.get() as f64 / seconds;

        let start = Instant::now();
        let app = with_view(filled.log).start_with(store.clone(), options().views(MemoryViews));
        let app = app.await?;
        let view_of_all = app.view::<Balance>().after(last).within(WAIT);
        let balance = view_of_all.get(&Account { account: 0 }).await?;
        balance.ok_or("the view is empty")?;
        let by_view = rate(start.elapsed().as_secs_f64());
        app.shutdown().await?;

        let until = last.get();
        let by_raw = rate(filled.beside.time(&Ask::Read { until }).await?);

        let start = Instant::now();
        let mut events = store.read(Read {
            log: log.clone(),
            after: eventmodel::Position::START,
            subjects: Vec::new(),
            follow: false,
        });
        while let Some(event) = events.next().await {
            std::hint::black_box(event?);
        }
        let by_read = rate(start.elapsed().as_secs_f64());
        store.close().await?;
        view.rounds.push((by_view, by_raw));
        read.rounds.push((by_read, by_raw));
    }
    Ok(vec![view, read])
}
