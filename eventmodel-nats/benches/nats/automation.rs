//! From an event to the command that an automation issues because of it.

use eventmodel::Store;
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::Server;

use crate::hot::deposit;
use crate::measure::quantile;
use crate::model::{options, with_automation};
use crate::raw::Raw;
use crate::{Result, Scale};

/// How long after an event the command that follows from it was committed, in seconds: the median, and the 99th of a
/// hundred. One event at a time; by the clock of the server.
pub(crate) async fn latency(scale: Scale) -> Result<(f64, f64)> {
    const LOG: &str = "automation";
    let count = scale.of(1_000);
    let server = Server::start().await?;
    let store = NatsStore::connect(server.url()).await?;
    let app = with_automation(LOG);
    let app = app.start_with(store.clone(), options()).await?;
    for account in 0..100 {
        deposit(app.clone(), account).await?;
    }
    app.settled().await?;
    let warm = store.last_position(&LOG.into()).await?;
    for account in 0..count as u64 {
        deposit(app.clone(), 1_000 + account).await?;
        // The next one comes when this one is done, as in a system that is not busy.
        app.settled().await?;
    }
    let raw = Raw::connect(&server.url(), LOG).await?;
    let distances = raw.distances("account.", "statement.", warm.get() + 1, count);
    let mut distances = distances.await?;
    app.shutdown().await?;
    Ok((
        quantile(&mut distances, 0.5),
        quantile(&mut distances, 0.99),
    ))
}
