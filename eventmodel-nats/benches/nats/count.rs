//! A number of operations of one side and little else, for a program that counts instructions: what two numbers of them
//! take tells what one takes. `cargo xtask bench nats` does so.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::Position;
use eventmodel::store::{LogSpec, Read, Store};
use eventmodel::{App, SubjectPattern};
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::Server;
use futures_util::StreamExt;

use crate::Result;
use crate::hot::deposit;
use crate::measure::together;
use crate::model::{Account, Balance, commands, options, with_view};
use crate::raw::{Instance, Raw};

/// The first argument; an operation and a number follow.
pub(crate) const ARGUMENT: &str = "count";

const IN_FLIGHT: usize = 512;
/// The events that are read. How often they are read is the number.
pub(crate) const EVENTS: u64 = 2 * IN_FLIGHT as u64;
const LOG: &str = "bank";
const RAW: &str = "raw";

/// `number` commands or publishes for each of the tasks; or reads of all events, so many times.
pub(crate) async fn run(operation: &str, number: u64) -> Result<()> {
    let server = Server::start().await?;
    let store = NatsStore::connect(server.url()).await?;
    let spec = LogSpec {
        name: RAW.into(),
        subjects: vec![SubjectPattern::new("raw.account.*")?],
        several_guards: vec![],
    };
    store.open(&[spec]).await?;
    let app = commands(LOG).start_with(store.clone(), options()).await?;
    let raw = Raw::connect(&server.url(), RAW).await?;
    match operation {
        "commands" => execute(&app, number).await?,
        "publishes" => {
            together(IN_FLIGHT, |n| {
                let raw = raw.clone();
                async move {
                    let instance = Instance::shared("raw.", n as u64);
                    raw.publish_many(&instance, usize::try_from(number)?).await
                }
            })
            .await?;
        }
        reading => {
            execute(&app, EVENTS / IN_FLIGHT as u64).await?;
            let raw = Raw::connect(&server.url(), LOG).await?;
            for _ in 0..number {
                match reading {
                    "view" => follow(&store).await?,
                    "read" => read(&store).await?,
                    "consumer" => drop(raw.read(">", EVENTS).await?),
                    other => return Err(format!("`{other}` is not counted").into()),
                }
            }
        }
    }
    Ok(())
}

async fn execute(app: &App, each: u64) -> Result<()> {
    together(IN_FLIGHT, |n| {
        let app = app.clone();
        async move {
            for _ in 0..each {
                deposit(app.clone(), n as u64).await?;
            }
            Ok(())
        }
    })
    .await?;
    Ok(())
}

/// A view in memory, from the start of its app until it has seen all.
async fn follow(store: &NatsStore) -> Result<()> {
    let options = options().views(eventmodel::view::MemoryViews);
    let app = with_view(LOG).start_with(store.clone(), options).await?;
    let view = app.view::<Balance>().after(Position::new(EVENTS));
    let view = view.within(Duration::from_secs(300));
    let balance = view.get(&Account { account: 0 }).await?;
    balance.ok_or("the view is empty")?;
    app.shutdown().await?;
    Ok(())
}

async fn read(store: &NatsStore) -> Result<()> {
    let log: Arc<str> = LOG.into();
    let mut events = store.read(Read {
        log,
        after: Position::START,
        subjects: Vec::new(),
        follow: false,
    });
    while let Some(event) = events.next().await {
        std::hint::black_box(event?);
    }
    Ok(())
}
