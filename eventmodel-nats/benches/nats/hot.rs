//! Instances whose state is kept: a command is one round trip.

use eventmodel::store::{LogSpec, Store};
use std::time::Instant;

use eventmodel::{App, AppOptions, AuditQuery, ExecuteOptions, SubjectPattern};
use eventmodel_nats::NatsStore;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::measure::{Row, Unit, in_turn, rate};
use crate::model::{Deposit, DepositKept, DepositTwice, commands};
use crate::raw::{Instance, Raw, Shared};
use crate::{Result, Scale};

/// What raw messages go to: a stream that is set up as a log is.
const RAW: &str = "raw";
const IN_FLIGHT: usize = 512;

/// A server, or a cluster, with an app and its counterpart on it.
pub(crate) struct Hot {
    app: App,
    raw: Raw,
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
        let raw = Raw::connect(url, RAW).await?;
        Ok(Self { app, raw })
    }

    pub(crate) async fn throughput(
        &self,
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
        let instances = (0..IN_FLIGHT as u64).map(|n| Instance::shared("raw.", n));
        let instances: Vec<Shared> = instances.collect();
        for round in 0..=scale.rounds {
            let app = &self.app;
            let ours = rate(IN_FLIGHT, each, |n, each| {
                let app = app.clone();
                async move {
                    for _ in 0..each {
                        deposit(app.clone(), n as u64).await?;
                    }
                    Ok(())
                }
            });
            let start = Instant::now();
            let ours = ours.await?;
            let took = start.elapsed();
            // The trail is written behind the back of the commands; a query waits until it is.
            self.app.audit(&AuditQuery::new().limit(1)).await?;
            let ours = ours * took.as_secs_f64() / start.elapsed().as_secs_f64();
            let raw = rate(IN_FLIGHT, each, |n, each| {
                let (raw, instance) = (self.raw.clone(), instances[n].clone());
                async move {
                    let mut instance = instance.lock().await;
                    for _ in 0..each {
                        raw.publish(&mut instance).await?;
                    }
                    Ok(())
                }
            });
            let raw = raw.await?;
            // The first one warms up.
            if round > 0 {
                row.rounds.push((ours, raw));
            }
        }
        Ok(row)
    }

    pub(crate) async fn latency(
        &self,
        name: &str,
        target: Option<f64>,
        scale: Scale,
    ) -> Result<Row> {
        let what = format!("execute, hot instance, one at a time{name}");
        let mut row = Row::new(what, "guarded publish", Unit::Seconds, target);
        let instance = Instance::shared("raw.", 1_000_000);
        for _ in 0..scale.rounds {
            let app = self.app.clone();
            let ours = move |_| deposit(app.clone(), 1_000_000);
            let raw = self.publishes(&instance);
            row.rounds.push(in_turn(scale.of(500), ours, raw).await?);
        }
        Ok(row)
    }

    pub(crate) async fn given_id(&self, scale: Scale) -> Result<Row> {
        let what = "execute with the caller's id, hot instance, one at a time";
        let mut row = Row::new(what, "guarded publish", Unit::Seconds, None);
        let instance = Instance::shared("raw.", 1_000_001);
        for _ in 0..scale.rounds {
            let app = self.app.clone();
            let ours = move |_| deposit_with_id(app.clone(), 1_000_001);
            let raw = self.publishes(&instance);
            row.rounds.push(in_turn(scale.of(200), ours, raw).await?);
        }
        Ok(row)
    }

    pub(crate) async fn two_instances(&self, name: &str, scale: Scale) -> Result<Row> {
        let what = format!("command on two hot instances{name}");
        let mut row = Row::new(what, "atomic batch of 2", Unit::Seconds, None);
        let instances = [2_000_000, 2_000_001].map(|n| Instance::shared("raw.", n));
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
            let (raw, instances) = (self.raw.clone(), instances.clone());
            let raw = move |_| {
                let (raw, [first, second]) = (raw.clone(), instances.clone());
                async move {
                    let (mut first, mut second) = (first.lock().await, second.lock().await);
                    raw.publish_both(&mut first, &mut second).await
                }
            };
            row.rounds.push(in_turn(scale.of(60), ours, raw).await?);
        }
        Ok(row)
    }

    /// Guarded publishes to an instance, for [`in_turn`].
    fn publishes(
        &self,
        instance: &Shared,
    ) -> impl Fn(usize) -> BoxFuture<'static, Result<()>> + Send + use<> {
        let (raw, instance) = (self.raw.clone(), instance.clone());
        move |_| {
            let (raw, instance) = (raw.clone(), instance.clone());
            async move { raw.publish(&mut *instance.lock().await).await }.boxed()
        }
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
