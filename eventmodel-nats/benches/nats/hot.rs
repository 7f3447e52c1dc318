//! Instances whose state is kept: a command is one round trip.

use eventmodel::store::{LogSpec, Store};
use std::ops::Range;
use std::time::Instant;

use eventmodel::{App, AppOptions, AuditQuery, ExecuteOptions, SubjectPattern};
use eventmodel_nats::NatsStore;

use crate::beside::{Ask, Beside};
use crate::measure::{Row, Unit, in_turn, together};
use crate::model::{Deposit, DepositKept, DepositTwice, commands};
use crate::{Result, Scale};

/// What raw messages go to: a stream that is set up as a log is.
const RAW: &str = "raw";
const IN_FLIGHT: usize = 512;

/// A server, or a cluster, with an app and its counterpart on it.
pub(crate) struct Hot {
    app: App,
    beside: Beside,
}

impl Hot {
    pub(crate) async fn start(store: NatsStore, options: AppOptions, url: &str) -> Result<Self> {
        let spec = LogSpec {
            name: RAW.into(),
            subjects: vec![SubjectPattern::new("raw.account.*")?],
            several_guards: vec![],
        };
        store.open(&[spec]).await?;
        let app = commands("bank").start_with(store, options).await?;
        let beside = Beside::start(url, RAW)?;
        Ok(Self { app, beside })
    }

    pub(crate) async fn throughput(
        &mut self,
        name: &str,
        target: Option<f64>,
        scale: Scale,
    ) -> Result<Row> {
        let mut row = Row::new(
            format!("execute, hot instances, {IN_FLIGHT} in flight{name}"),
            "guarded publish",
            Unit::PerSecond,
            target,
        );
        let each = scale.of(60);
        #[allow(clippy::cast_precision_loss)]
        let rate = |seconds: f64| (IN_FLIGHT * each) as f64 / seconds;
        for round in 0..=scale.rounds {
            let start = Instant::now();
            together(IN_FLIGHT, |n| {
                let app = self.app.clone();
                async move {
                    for _ in 0..each {
                        deposit(app.clone(), n as u64).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            // The trail is written behind the back of the commands; a query waits until it is.
            self.app.audit(&AuditQuery::new().limit(1)).await?;
            let ours = rate(start.elapsed().as_secs_f64());
            let tasks = IN_FLIGHT;
            let raw = self.beside.time(&Ask::Publish { tasks, each }).await?;
            // The first one warms up.
            if round > 0 {
                row.rounds.push((ours, rate(raw)));
            }
        }
        Ok(row)
    }

    pub(crate) async fn latency(
        &mut self,
        name: &str,
        target: Option<f64>,
        scale: Scale,
    ) -> Result<Row> {
        let what = format!("execute, hot instance, one at a time{name}");
        let mut row = Row::new(what, "guarded publish", Unit::Seconds, target);
        for _ in 0..scale.rounds {
            let app = self.app.clone();
            let ours = move |_| deposit(app.clone(), 1_000_000);
            let ask = publishes_to(1_000_000);
            row.rounds
                .push(in_turn(scale.of(500), ours, &mut self.beside, ask).await?);
        }
        Ok(row)
    }

    pub(crate) async fn given_id(&mut self, scale: Scale) -> Result<Row> {
        let what = "execute with the caller's id, hot instance, one at a time";
        let mut row = Row::new(what, "guarded publish", Unit::Seconds, None);
        for _ in 0..scale.rounds {
            let app = self.app.clone();
            let ours = move |_| deposit_with_id(app.clone(), 1_000_001);
            let ask = publishes_to(1_000_001);
            row.rounds
                .push(in_turn(scale.of(200), ours, &mut self.beside, ask).await?);
        }
        Ok(row)
    }

    pub(crate) async fn two_instances(&mut self, name: &str, scale: Scale) -> Result<Row> {
        let what = format!("command on two hot instances{name}");
        let mut row = Row::new(what, "atomic batch of 2", Unit::Seconds, None);
        for _ in 0..scale.rounds {
            let app = self.app.clone();
            let ours = move |_| {
                let app = app.clone();
                async move {
                    let command = DepositTwice {
                        first: 2_000_000,
                        second: 2_000_001,
                    };
                    let _receipt = app.execute(command).await?;
                    Ok(())
                }
            };
            let ask = |these: Range<usize>| Ask::PublishBoth {
                accounts: [2_000_000, 2_000_001],
                count: these.len(),
            };
            row.rounds
                .push(in_turn(scale.of(60), ours, &mut self.beside, ask).await?);
        }
        Ok(row)
    }
}

/// Guarded publishes to an instance, for [`in_turn`].
fn publishes_to(account: u64) -> impl Fn(Range<usize>) -> Ask {
    move |these| Ask::PublishTo {
        account,
        count: these.len(),
    }
}

pub(crate) async fn deposit(app: App, account: u64) -> Result<()> {
    let _receipt = app.execute(Deposit { account, cents: 1 }).await?;
    Ok(())
}

/// Leaves a snapshot beside the event, and starts from one.
pub(crate) async fn deposit_kept(app: App, account: u64) -> Result<()> {
    let _receipt = app.execute(DepositKept { account }).await?;
    Ok(())
}

pub(crate) async fn deposit_with_id(app: App, account: u64) -> Result<()> {
    let id = uuid::Uuid::now_v7().into();
    let options = ExecuteOptions::new().id(id);
    let _receipt = app
        .execute_with(Deposit { account, cents: 1 }, options)
        .await?;
    Ok(())
}
