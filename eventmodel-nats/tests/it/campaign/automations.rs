//! Two processes share an automation while the servers, the connections and the processes themselves are broken: the
//! log says afterwards that every event that was to have an effect had it once, and those of one account in their order.
//!
//! A round is a cluster of its own and every fault once. Without `CAMPAIGN_ROUNDS` it is one round with few faults.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventmodel::{
    App, Decide, EventId, EventModel, EventQuery, ExecuteError, ExecuteOptions, RecordedEvent,
    Slice, automation,
};
use eventmodel_nats_harness::{Broken, Cluster, Disaster};
use futures_util::TryStreamExt;
use support::bank::{Deposited, Transfer, Withdraw, Withdrawn, bank, deposit, withdraw};
use support::variable;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::builder;

const ACCOUNTS: usize = 8;
const PROCESSES: usize = 2;

/// For each account: more would only make the check longer.
const COMMANDS: usize = 600;

/// Between two steps.
const REST: Duration = Duration::from_millis(500);

/// Longer than everything takes when nothing is broken any more.
const PATIENCE: Duration = Duration::from_secs(180);

#[derive(Clone, Copy, Debug)]
enum Step {
    Servers(Disaster),
    /// The consumer has another leader.
    ConsumerStepsDown,
    /// A process ends, and another one starts in its place.
    ProcessKilled,
}

const FEW: [Step; 3] = [
    Step::Servers(Disaster::LeaderStepsDown),
    Step::ProcessKilled,
    Step::Servers(Disaster::AnswersLost),
];

/// Takes a cent of whatever comes to an account.
#[derive(Default)]
struct Collector;

#[automation]
impl Collector {
    async fn deposited(&self, event: &Deposited) -> Withdraw {
        withdraw(&event.account, 1)
    }
}

fn collecting() -> EventModel {
    bank().slice(Slice::new("Collector").automation::<Collector>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_automation_acts_once_and_in_order_whatever_happens() {
    let rounds = variable("CAMPAIGN_ROUNDS").unwrap_or(0);
    let first = variable("SEED").unwrap_or(1);
    for seed in first..first + rounds.max(1) {
        let mut steps = FEW.to_vec();
        if rounds > 0 {
            steps = Disaster::ALL.map(Step::Servers).into();
            steps.extend([
                Step::ConsumerStepsDown,
                Step::ProcessKilled,
                Step::ProcessKilled,
            ]);
        }
        fastrand::Rng::with_seed(seed).shuffle(&mut steps);
        eprintln!("round of automations SEED={seed}");
        round(&steps).await;
    }
}

/// A process that may end anywhere.
struct Process {
    app: App,
    runtime: Option<Runtime>,
}

impl Process {
    async fn start(model: fn() -> EventModel, urls: &str) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let urls = urls.to_owned();
        let app = runtime.spawn(async move { open(model, &urls).await });
        Self {
            app: app.await.unwrap(),
            runtime: Some(runtime),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An app on these servers, when they let one start.
async fn open(model: fn() -> EventModel, urls: &str) -> App {
    let end = Instant::now() + PATIENCE;
    loop {
        let store = builder()
            .replicas(3)
            .timeout(Duration::from_secs(2))
            .hand_over_after(Duration::from_secs(2));
        let error = match store.connect(urls).await {
            Ok(store) => match model().start(store).await {
                Ok(app) => return app,
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        assert!(Instant::now() < end, "it does not start: {error}");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn round(steps: &[Step]) {
    let cluster = Cluster::start().await.unwrap();
    let (broken, urls) = Broken::with_clients(cluster, "bank", PROCESSES + 1)
        .await
        .unwrap();
    let writer = Process::start(bank, &urls[PROCESSES]).await;
    let mut processes = Vec::new();
    for urls in &urls[..PROCESSES] {
        processes.push(Process::start(collecting, urls).await);
    }
    let going = Arc::new(AtomicBool::new(true));
    let mut clients = JoinSet::new();
    for number in 0..ACCOUNTS {
        clients.spawn(be_a_client(writer.app.clone(), number, going.clone()));
    }
    for (n, step) in steps.iter().enumerate() {
        eprintln!("  {step:?}");
        match step {
            Step::Servers(disaster) => broken.by(*disaster).await.unwrap(),
            Step::ConsumerStepsDown => {
                let client = broken.cluster.node(0).url();
                let client = eventmodel_nats::async_nats::connect(client).await.unwrap();
                let leave = "$JS.API.CONSUMER.LEADER.STEPDOWN.bank.bank_Collector";
                // One that has no leader needs none to leave.
                let _ = client.request(leave, "".into()).await;
            }
            Step::ProcessKilled => {
                let killed = n % PROCESSES;
                drop(processes.remove(killed));
                processes.insert(killed, Process::start(collecting, &urls[killed]).await);
            }
        }
        sleep(REST).await;
    }
    broken.cluster.wait_healthy().await.unwrap();
    going.store(false, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    while let Some(events) = clients.join_next().await {
        acknowledged.extend(events.unwrap());
    }
    let log = finished(&writer.app, &processes).await;
    check(&log, &acknowledged);
    eprintln!("  {} events", log.len());
}

fn account_of(number: usize) -> String {
    format!("account-{number}")
}

/// Sends deposits, and now and then a transfer, each until it is answered; gives the events of all of them.
async fn be_a_client(app: App, number: usize, going: Arc<AtomicBool>) -> Vec<EventId> {
    let mut acknowledged = Vec::new();
    let account = account_of(number);
    for n in (0..COMMANDS).take_while(|_| going.load(Ordering::Relaxed)) {
        let id = format!("c{number}-{n}");
        let events = if n % 5 == 4 {
            let transfer = Transfer {
                from: account.clone(),
                to: account_of((number + 1) % ACCOUNTS),
                cents: 1,
            };
            send(&app, &id, transfer).await
        } else {
            send(&app, &id, deposit(&account, 10)).await
        };
        acknowledged.extend(events);
        sleep(Duration::from_millis(fastrand::u64(..60))).await;
    }
    acknowledged
}

async fn send<C: Decide + Clone>(app: &App, id: &str, command: C) -> Vec<EventId> {
    let end = Instant::now() + PATIENCE;
    loop {
        let options = ExecuteOptions::new().try_id(id).unwrap();
        match app.execute_with(command.clone(), options).await {
            Ok(receipt) => {
                let events = receipt.events.iter();
                return events.map(|event| event.metadata().id.clone()).collect();
            }
            Err(ExecuteError::Rejected(rejection)) => panic!("{id}: {rejection:?}"),
            Err(error) => {
                assert!(error.is_retryable(), "{id}: {error}");
                assert!(Instant::now() < end, "{id}: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// The log, when everything is handled. What was parked, if anything was, is retried in every process.
async fn finished(truth: &App, processes: &[Process]) -> Vec<RecordedEvent> {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut parked = 0;
        for Process { app, .. } in processes {
            for automation in app.automations() {
                assert!(automation.stopped.is_none(), "{automation:?}");
            }
            for event in app.parked() {
                parked += 1;
                // Another process may have done so.
                let _ = app.retry(&event);
            }
            let settled = tokio::time::timeout(Duration::from_secs(10), app.settled()).await;
            if !matches!(settled, Ok(Ok(()))) {
                parked += 1;
            }
        }
        let log = truth.events(EventQuery::new());
        let log: Result<Vec<_>, _> = log.try_collect().await;
        if let (0, Ok(log)) = (parked, log) {
            return log;
        }
        let status: Vec<_> = processes.iter().map(|p| p.app.automations()).collect();
        assert!(Instant::now() < end, "it is never finished: {status:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Every deposit has one effect, those of one account in their order; what was acknowledged is there, once.
fn check(log: &[RecordedEvent], acknowledged: &[EventId]) {
    let mut causes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut effects: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut by_clients: BTreeMap<&str, u32> = BTreeMap::new();
    for event in log {
        let metadata = event.metadata();
        let id = metadata.id.as_str();
        if &*metadata.source != "Collector" {
            *by_clients.entry(id).or_default() += 1;
        }
        if let Ok(Deposited { account, .. }) = event.decode() {
            causes.entry(account.clone()).or_default().push(id);
        } else if let Ok(Withdrawn { account, .. }) = event.decode()
            && &*metadata.source == "Collector"
        {
            let cause = metadata.causation_id.as_deref().expect("it has a cause");
            let before = causes.get(account).is_some_and(|c| c.contains(&cause));
            assert!(before, "{id} stands after its cause {cause}");
            effects.entry(account.clone()).or_default().push(cause);
        }
    }
    assert!(!causes.is_empty(), "there was something to do");
    for (account, causes) in &causes {
        let effects = effects.get(account).map_or(&[][..], Vec::as_slice);
        assert_eq!(effects, causes, "{account}: each once, in order");
    }
    let acknowledged: BTreeMap<&str, u32> =
        acknowledged.iter().map(|id| (id.as_str(), 1)).collect();
    assert_eq!(by_clients, acknowledged, "what clients were told is there");
}
