//! Views in buckets of three copies while the servers, the connections and the processes that keep them are broken:
//! whatever anybody is ever shown is the fold of all that is for it up to its position, and never older than what was
//! shown before.
//!
//! A round is a cluster of its own, two processes that keep the same views and are asked all the time, and every fault
//! once. Without `CAMPAIGN_ROUNDS` it is one round with fewer faults.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventmodel::{App, Position, ViewError};
use eventmodel_nats::{KvViews, NatsStore};
use eventmodel_nats_harness::{Broken, Cluster, Direction, Disaster};
use futures_util::StreamExt;
use support::bank::{Balance, Total, account, deposit};
use support::{until, variable};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};

use crate::builder;
use crate::kv_views::book::{Book, Seen, entries};
use crate::kv_views::ledger;

const BUCKET: &str = "bank_Balance_v1";
const ACCOUNTS: u32 = 12;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
enum Step {
    Servers(Disaster),
    /// A connection breaks at an entry that is written, so in the middle of what is written together.
    CutInEntries,
    /// The entries are stored, the checkpoint is not.
    CutBeforeACheckpoint,
    /// A process ends, and another one starts in its place.
    HostKilled,
}

const FEW: [Step; 4] = [
    Step::Servers(Disaster::LeaderKilled),
    Step::Servers(Disaster::LeaderStepsDown),
    Step::CutInEntries,
    Step::HostKilled,
];

const MORE: [Step; 8] = [
    Step::Servers(Disaster::LeaderPaused),
    Step::CutBeforeACheckpoint,
    Step::Servers(Disaster::TwoNodesDown),
    Step::Servers(Disaster::RollingRestart),
    Step::Servers(Disaster::AllConnectionsCut),
    Step::Servers(Disaster::AnswersLost),
    Step::Servers(Disaster::ConnectionsHang),
    Step::HostKilled,
];

/// All that was shown to anybody.
#[derive(Debug, Default)]
struct Shown {
    /// Of each account the newest: nobody may be shown an older one from then on.
    newest: HashMap<String, Position>,
    balances: HashMap<(String, Position), Balance>,
    totals: HashMap<Position, Total>,
    wrong: Vec<String>,
    /// How many each process has given, also one that ended.
    answers: [u64; 2],
}

type Shared = Arc<Mutex<Shown>>;

impl Shown {
    fn floor(&self, account: &str) -> Position {
        self.newest.get(account).copied().unwrap_or_default()
    }

    /// An answer to a question that was asked when all up to `floor` had been shown.
    fn note(&mut self, how: &str, floor: Position, seen: Option<Seen>) {
        let at = seen.as_ref().map_or(Position::START, |seen| seen.position);
        if at < floor {
            let text = format!("{how}: {seen:?} was shown after position {floor}");
            self.wrong.push(text);
        }
        let Some(seen) = seen else { return };
        let newest = self.newest.entry(seen.account.clone()).or_default();
        *newest = at.max(*newest);
        let key = (seen.account.clone(), at);
        let before = self.balances.insert(key, seen.balance.clone());
        if before.is_some_and(|before| before != seen.balance) {
            self.wrong
                .push(format!("{how}: two states at one position: {seen:?}"));
        }
    }

    fn failed(&mut self, how: &str, error: &ViewError) {
        if !error.is_retryable() && !matches!(error, ViewError::ShutDown) {
            self.wrong.push(format!("{how}: {error}"));
        }
    }
}

/// A process that keeps the views and is asked all the time.
struct Host(Option<Runtime>);

impl Host {
    fn start(number: usize, urls: &[String], shown: &Shared, written: &Shared) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (urls, shown, written) = (urls[number].clone(), shown.clone(), written.clone());
        runtime.spawn(async move {
            let app = open(&urls).await;
            tokio::join!(
                ask(&app, number, &shown),
                ask_after(&app, &shown, &written),
                watch(&app, &shown)
            );
        });
        Self(Some(runtime))
    }
}

impl Drop for Host {
    /// It ends wherever it is.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// An app on these servers, when they let one start.
async fn open(urls: &str) -> App {
    loop {
        let cache = if fastrand::bool() { 100 } else { 3 };
        let store = builder()
            .replicas(3)
            .timeout(Duration::from_secs(2))
            .views(KvViews::new().cache(cache));
        match store.connect(urls).await {
            Ok(store) => match ledger().start(store).await {
                Ok(app) => return app,
                Err(error) => eprintln!("    not started: {error}"),
            },
            Err(error) => eprintln!("    not connected: {error}"),
        }
        sleep(Duration::from_millis(200)).await;
    }
}

fn any_account() -> String {
    format!("a{}", fastrand::u32(..ACCOUNTS))
}

async fn ask(app: &App, number: usize, shown: &Shared) {
    let (view, total) = (app.view::<Balance>(), app.view::<Total>());
    loop {
        let name = any_account();
        let floor = shown.lock().unwrap().floor(&name);
        match view.instance(&account(&name)).await {
            Ok(entry) => shown
                .lock()
                .unwrap()
                .note("get", floor, entry.map(Seen::from)),
            Err(error) => shown.lock().unwrap().failed("get", &error),
        }
        let before = shown.lock().unwrap().newest.clone();
        match view.list().await {
            Ok(list) => {
                let mut shown = shown.lock().unwrap();
                let mut list: HashMap<_, _> = list
                    .into_iter()
                    .map(|entry| (entry.key.account.clone(), Seen::from(entry)))
                    .collect();
                for (name, floor) in before {
                    shown.note("list", floor, list.remove(&name));
                }
            }
            Err(error) => shown.lock().unwrap().failed("list", &error),
        }
        match total.instance(&()).await {
            Ok(Some(entry)) => {
                let mut shown = shown.lock().unwrap();
                shown.answers[number] += 1;
                shown.totals.insert(entry.position, entry.value);
            }
            Ok(None) => {}
            Err(error) => shown.lock().unwrap().failed("total", &error),
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Whoever has written reads what he wrote.
async fn ask_after(app: &App, shown: &Shared, written: &Shared) {
    loop {
        let name = any_account();
        let position = written.lock().unwrap().floor(&name);
        let floor = shown.lock().unwrap().floor(&name).max(position);
        let view = app.view::<Balance>().after(position);
        match view.instance(&account(&name)).await {
            Ok(entry) => shown
                .lock()
                .unwrap()
                .note("after", floor, entry.map(Seen::from)),
            Err(error) => shown.lock().unwrap().failed("after", &error),
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn watch(app: &App, shown: &Shared) {
    let view = app.view::<Balance>();
    loop {
        let mut changes = view.watch_all();
        let mut last: HashMap<String, Position> = HashMap::new();
        while let Some(change) = changes.next().await {
            match change {
                Ok(entry) => {
                    let seen = Seen::from(entry);
                    let at = last.entry(seen.account.clone()).or_default();
                    // Each is newer than the one before.
                    let floor = Position::new(at.get() + 1);
                    *at = seen.position;
                    shown.lock().unwrap().note("watch", floor, Some(seen));
                }
                Err(error) => shown.lock().unwrap().failed("watch", &error),
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the views answer in both processes.
async fn both_answer(shown: &Shared) {
    let before = shown.lock().unwrap().answers;
    until("both processes answer", async || {
        let now = shown.lock().unwrap().answers;
        (0..2).all(|host| now[host] >= before[host] + 100)
    })
    .await;
}

/// Pays in without a pause; what cannot be stored is paid in again.
async fn write(app: &App, written: &Shared, going: &AtomicBool) {
    while going.load(Ordering::Relaxed) {
        let name = any_account();
        if let Ok(receipt) = app.execute(deposit(&name, fastrand::u32(1..100))).await {
            let mut written = written.lock().unwrap();
            written.newest.insert(name, receipt.position);
        }
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_on_three_servers_show_no_wrong_entry_whatever_happens_to_them() {
    let (first, rounds) = (
        variable("SEED").unwrap_or(1),
        variable("CAMPAIGN_ROUNDS").unwrap_or(0),
    );
    let mut steps = FEW.to_vec();
    if rounds > 0 {
        steps.extend(MORE);
    }
    for seed in first..first + rounds.max(1) {
        eprintln!("views, round SEED={seed}");
        fastrand::Rng::with_seed(seed).shuffle(&mut steps);
        round(&steps).await;
    }
}

async fn round(steps: &[Step]) {
    let cluster = Cluster::start().await.unwrap();
    let log = format!("KV_{BUCKET}");
    let (broken, urls) = Broken::with_clients(cluster, &log, 2).await.unwrap();
    let store = builder().replicas(3).timeout(Duration::from_secs(2));
    let store = store.connect(broken.cluster.url()).await.unwrap();
    let writer = ledger().start(store.clone()).await.unwrap();
    let (shown, written) = (Shared::default(), Shared::default());
    let mut hosts = [0, 1].map(|number| Host::start(number, &urls, &shown, &written));
    let going = AtomicBool::new(true);
    let breaking = async {
        both_answer(&shown).await;
        for step in steps {
            match step {
                Step::Servers(disaster) => broken.by(*disaster).await.unwrap(),
                Step::CutInEntries => broken.cut(Direction::ToServer, "Eventmodel-At").await,
                Step::CutBeforeACheckpoint => {
                    broken.cut(Direction::ToServer, ".=checkpoint.bank ").await;
                }
                Step::HostKilled => {
                    let killed = fastrand::usize(..hosts.len());
                    hosts[killed] = Host::start(killed, &urls, &shown, &written);
                }
            }
            let mended = Instant::now();
            both_answer(&shown).await;
            let took = mended.elapsed();
            eprintln!("  {step:?}: both answer after {took:.1?}");
        }
        broken.cluster.wait_healthy().await.unwrap();
        going.store(false, Ordering::Relaxed);
    };
    let writing = (0..4).map(|_| write(&writer, &written, &going));
    tokio::join!(futures_util::future::join_all(writing), breaking);
    let last = timeout(PATIENCE, async {
        loop {
            match writer.execute(deposit("a0", 1)).await {
                Ok(receipt) => return receipt,
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    });
    let last = last.await.unwrap();
    check(&store, &urls, &last, &shown).await;
}

async fn check(store: &NatsStore, urls: &[String], last: &eventmodel::Receipt, shown: &Shared) {
    let book = Book::of(store).await;
    for urls in urls {
        let app = open(urls).await;
        let view = app.view::<Balance>().after(last).within(PATIENCE);
        let list = timeout(PATIENCE, async {
            loop {
                match view.list().await {
                    Err(error) if error.is_retryable() => {}
                    list => return list.unwrap().into_iter().map(Seen::from),
                }
            }
        });
        let list = list.await.unwrap();
        book.is(&list.collect::<Vec<_>>());
        let total = app.view::<Total>().after(last).within(PATIENCE);
        let total = total.get(&()).await.unwrap().unwrap();
        assert_eq!(total.cents, book.total(last.position));
    }
    book.is(&entries(store, BUCKET).await);
    let shown = shown.lock().unwrap();
    assert!(shown.wrong.is_empty(), "{:#?}", shown.wrong);
    for ((account, position), balance) in &shown.balances {
        book.explains(&Seen {
            account: account.clone(),
            position: *position,
            balance: balance.clone(),
        });
    }
    for (position, total) in &shown.totals {
        assert_eq!(total.cents, book.total(*position), "at {position}");
    }
    let (answers, states) = (shown.answers.iter().sum::<u64>(), shown.balances.len());
    eprintln!(
        "  {} events, {answers} answers, {states} states of accounts",
        book.len()
    );
    assert!(states > 100, "nobody was shown much");
}
