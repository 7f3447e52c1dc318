//! Instances of which this process knows nothing: a command reads what it decides on first.

use std::ops::Range;

use eventmodel::App;
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::Server;

use crate::beside::{Ask, Beside};
use crate::hot::{deposit, deposit_kept};
use crate::measure::{Row, Unit, in_turn, resident, together};
use crate::model::{commands, options};
use crate::{Result, Scale};

const IN_FLIGHT: usize = 512;

/// A log that was filled by others, on a server of its own, and an app that knows nothing of it.
pub(crate) struct Filled {
    pub(crate) server: Server,
    pub(crate) log: &'static str,
    pub(crate) events: u64,
    app: App,
    pub(crate) beside: Beside,
    /// Those that nobody has touched, in no order.
    untouched: Vec<u64>,
}

/// What a process needs to keep the state of 100,000 instances.
pub(crate) struct Memory {
    pub(crate) after_the_first: u64,
    pub(crate) after_all: u64,
}

impl Filled {
    /// Fills a log: one event of each instance in turn, and so on.
    pub(crate) async fn new(
        log: &'static str,
        instances: u64,
        events_each: usize,
    ) -> Result<(Self, Memory)> {
        let server = Server::start().await?;
        let store = NatsStore::connect(server.url()).await?;
        let warm = options().state_cache(100_000.max(usize::try_from(instances)?));
        let filler = commands(log).start_with(store, warm).await?;
        // What all of it needs once is not what an instance needs.
        let warm_up = instances.min(2_000);
        fill(&filler, instances..instances + warm_up).await?;
        let before = resident()?;
        let mut after_the_first = before;
        for n in 0..events_each {
            fill(&filler, 0..instances).await?;
            if n == 0 {
                after_the_first = resident()?;
            }
        }
        let memory = Memory {
            after_the_first: after_the_first.saturating_sub(before),
            after_all: resident()?.saturating_sub(before),
        };
        filler.shutdown().await?;
        drop(filler);
        let mut untouched: Vec<u64> = (0..instances).collect();
        fastrand::Rng::with_seed(7).shuffle(&mut untouched);
        let cold = options().state_cache(0);
        let store = NatsStore::connect(server.url()).await?;
        let app = commands(log).start_with(store, cold).await?;
        let beside = Beside::start(&server.url(), log)?;
        let events = warm_up + instances * events_each as u64;
        Ok((
            Self {
                server,
                log,
                events,
                app,
                beside,
                untouched,
            },
            memory,
        ))
    }

    /// One round of commands on cold instances beside two raw round trips.
    pub(crate) async fn short<F>(
        &mut self,
        count: usize,
        command: impl Fn(App, u64) -> F + Send + Sync + Clone + 'static,
    ) -> Result<(f64, f64)>
    where
        F: Future<Output = Result<()>> + Send,
    {
        let (app, accounts) = (self.app.clone(), self.take(count)?);
        let ours = move |n| command(app.clone(), accounts[n]);
        let accounts = self.take(count)?;
        let ask = |these: Range<usize>| Ask::GetAndPublish {
            accounts: accounts[these].to_vec(),
        };
        in_turn(count, ours, &mut self.beside, ask).await
    }

    /// Long histories, of few instances.
    pub(crate) async fn long(&mut self, scale: Scale) -> Result<Row> {
        let what = "execute, cold instance of 1,000 events";
        let counterpart = "last message, ordered consumer on the subject, guarded publish";
        let mut row = Row::new(what, counterpart, Unit::Seconds, None);
        let half = self.untouched.len() / 2;
        for _ in 0..scale.rounds {
            let (app, accounts) = (self.app.clone(), self.untouched[..half].to_vec());
            let ours = move |n| deposit(app.clone(), accounts[n]);
            let accounts = &self.untouched[half..];
            let ask = |these: Range<usize>| Ask::ConsumeAndPublish {
                accounts: accounts[these].to_vec(),
            };
            row.rounds
                .push(in_turn(half, ours, &mut self.beside, ask).await?);
        }
        Ok(row)
    }

    fn take(&mut self, count: usize) -> Result<Vec<u64>> {
        let left = self.untouched.len().checked_sub(count);
        let left = left.ok_or_else(|| format!("`{}` has no more cold instances", self.log))?;
        Ok(self.untouched.split_off(left))
    }
}

/// One more event of each instance, with a snapshot: it is of use to one state, and no other one sees it.
async fn fill(app: &App, accounts: Range<u64>) -> Result<()> {
    let tasks = (accounts.end - accounts.start).min(IN_FLIGHT as u64);
    together(usize::try_from(tasks)?, |n| {
        let (app, mut account, end) = (app.clone(), accounts.start + n as u64, accounts.end);
        async move {
            while account < end {
                deposit_kept(app.clone(), account).await?;
                account += tasks;
            }
            Ok(())
        }
    })
    .await?;
    Ok(())
}

pub(crate) fn row(what: &str, target: Option<f64>) -> Row {
    let counterpart = "last message by direct get, guarded publish";
    Row::new(what, counterpart, Unit::Seconds, target)
}
