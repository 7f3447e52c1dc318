//! The counterpart in a process of its own: what eventmodel keeps in memory, and how that spreads over the heap, must
//! not slow down what it is compared with.
//!
//! The process is this program once more. It gets one request a line, as JSON, and answers with times in seconds.

use std::process::Stdio;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::measure::{timed, together};
use crate::raw::{Instance, Raw, Shared};
use crate::{Error, Result};

/// The first argument of the process; the URL of the server and the JetStream stream follow.
pub(crate) const ARGUMENT: &str = "counterpart";

/// What the process is to do. What it remembers of instances it keeps from one request to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Guarded publishes: so many tasks at the same time, each with an instance of its own. Answered with one time.
    Publish { tasks: usize, each: usize },
    /// Guarded publishes to one instance, one at a time.
    PublishTo { account: u64, count: usize },
    /// Atomic batches of two, one at a time.
    PublishBoth { accounts: [u64; 2], count: usize },
    /// An instance that nothing is known of: its last message, and a publish after it; one instance at a time.
    GetAndPublish { accounts: Vec<u64> },
    /// The same, by a consumer of the whole history.
    ConsumeAndPublish { accounts: Vec<u64> },
    /// All messages up to a sequence, in order. Answered with one time.
    Read { until: u64 },
}

/// The process. It ends with this.
pub(crate) struct Beside {
    _process: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Beside {
    pub(crate) fn start(url: &str, log: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([ARGUMENT, url, log])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (requests, answers) = (process.stdin.take(), process.stdout.take());
        let answers = BufReader::new(answers.ok_or("no output")?).lines();
        Ok(Self {
            requests: requests.ok_or("no input")?,
            answers,
            _process: process,
        })
    }

    pub(crate) async fn ask(&mut self, ask: &Ask) -> Result<Vec<f64>> {
        let mut request = serde_json::to_string(ask)?;
        request.push('\n');
        self.requests.write_all(request.as_bytes()).await?;
        let answer = self.answers.next_line().await?;
        let answer = answer.ok_or("the process of the counterpart has ended")?;
        let times: std::result::Result<Vec<f64>, String> = serde_json::from_str(&answer)?;
        times.map_err(Error::from)
    }

    /// One time, of an answer that has no more.
    pub(crate) async fn time(&mut self, ask: &Ask) -> Result<f64> {
        let times = self.ask(ask).await?;
        times.first().copied().ok_or_else(|| "no time".into())
    }
}

/// The process: answers until nothing is asked any more.
pub(crate) async fn serve(url: &str, log: &str) -> Result<()> {
    let side = Side {
        raw: Raw::connect(url, log).await?,
        instances: std::collections::HashMap::new(),
    };
    // On a worker, as in a program: the main thread would be woken for each answer.
    tokio::spawn(side.serve()).await?
}

struct Side {
    raw: Raw,
    instances: std::collections::HashMap<u64, Shared>,
}

impl Side {
    async fn serve(mut self) -> Result<()> {
        let mut requests = BufReader::new(tokio::io::stdin()).lines();
        let mut to = tokio::io::stdout();
        while let Some(request) = requests.next_line().await? {
            let times = self.times(serde_json::from_str(&request)?).await;
            let times = times.map_err(|error| error.to_string());
            let answer = serde_json::to_string(&times)? + "\n";
            to.write_all(answer.as_bytes()).await?;
            to.flush().await?;
        }
        Ok(())
    }

    /// An instance that only this side writes to.
    fn instance(&mut self, account: u64) -> Shared {
        let new = || Instance::shared("raw.", account);
        self.instances.entry(account).or_insert_with(new).clone()
    }

    async fn times(&mut self, ask: Ask) -> Result<Vec<f64>> {
        let mut times = Vec::new();
        match ask {
            Ask::Publish { tasks, each } => {
                let instances: Vec<Shared> = (0..tasks as u64).map(|n| self.instance(n)).collect();
                let took = together(tasks, |n| {
                    let (raw, instance) = (self.raw.clone(), instances[n].clone());
                    async move { raw.publish_many(&instance, each).await }
                });
                times.push(took.await?);
            }
            Ask::PublishTo { account, count } => {
                let instance = self.instance(account);
                let mut instance = instance.lock().await;
                for _ in 0..count {
                    times.push(timed(self.raw.publish(&mut instance)).await?);
                }
            }
            Ask::PublishBoth { accounts, count } => {
                let [first, second] = accounts.map(|account| self.instance(account));
                let (mut first, mut second) = (first.lock().await, second.lock().await);
                for _ in 0..count {
                    times.push(timed(self.raw.publish_both(&mut first, &mut second)).await?);
                }
            }
            Ask::GetAndPublish { accounts } => {
                for account in accounts {
                    times.push(timed(self.raw.get_and_publish(account)).await?);
                }
            }
            Ask::ConsumeAndPublish { accounts } => {
                for account in accounts {
                    times.push(timed(self.raw.consume_and_publish(account)).await?);
                }
            }
            Ask::Read { until } => {
                let start = Instant::now();
                self.raw.read(">", until).await?;
                times.push(start.elapsed().as_secs_f64());
            }
        }
        Ok(times)
    }
}
