//! A TCP proxy that breaks connections where a test wants it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};

use crate::error::{Error, io};
pub use crate::trigger::{Direction, When};
use crate::trigger::{Then, Trigger};

/// Stands between a client and a server, and forwards until told otherwise. Gone, with its connections, when dropped.
///
/// Connections are cut without a word, as by a network. Servers tell a client of other servers only if they are
/// configured to; those of this crate are not, so that a client behind a proxy comes back through it.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    target: String,
    blocked: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    refuses: bool,
    accepted: u64,
    connections: HashMap<u64, AbortHandle>,
    triggers: Vec<Trigger>,
}

/// A fault that is set and has perhaps not happened yet.
#[derive(Debug)]
#[must_use]
pub struct Fault(oneshot::Receiver<()>);

impl Fault {
    /// Waits until it has happened; not bounded: put a time-out of the test around it.
    ///
    /// # Panics
    ///
    /// If the proxy was dropped before.
    pub async fn happened(self) {
        assert!(
            self.0.await.is_ok(),
            "the proxy is gone, and the fault has not happened"
        );
    }
}

impl Proxy {
    /// Listens on a port of its own, in front of `target`: `127.0.0.1:4222`, or a `nats://` URL of one server.
    pub async fn start(target: impl AsRef<str>) -> Result<Self, Error> {
        let target = target.as_ref();
        let target = target.strip_prefix("nats://").unwrap_or(target);
        let what = "the proxy could not listen";
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(io(what))?;
        let address = listener.local_addr().map_err(io(what))?;
        let shared = Arc::new(Shared {
            target: target.into(),
            blocked: watch::Sender::new(false),
            state: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            shared,
            accepting,
            address,
        })
    }

    /// Where clients connect: `nats://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Closes all connections now. New ones are taken, unless [`refuse`](Self::refuse) was called.
    pub fn cut(&self) {
        for (_, connection) in self.shared.state().connections.drain() {
            connection.abort();
        }
    }

    /// Forwards nothing more, in both directions, until [`unblock`](Self::unblock); the connections stay.
    pub fn block(&self) {
        self.shared.blocked.send_replace(true);
    }

    /// Forwards what was held back, and all that follows.
    pub fn unblock(&self) {
        self.shared.blocked.send_replace(false);
    }

    /// Closes every new connection at once, until [`admit`](Self::admit). Those that exist stay.
    pub fn refuse(&self) {
        self.shared.state().refuses = true;
    }

    /// Takes new connections again.
    pub fn admit(&self) {
        self.shared.state().refuses = false;
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.shared.state().connections.len()
    }

    /// Cuts all connections the first time that something is seen; once.
    ///
    /// What comes before it is forwarded, it and what follows are not. So, for an event that is published in a batch,
    /// and for an answer that is lost after the server has stored the event:
    ///
    /// ```
    /// # async fn example(proxy: eventmodel_nats_harness::Proxy) {
    /// use eventmodel_nats_harness::{Direction, When};
    ///
    /// let batch = proxy.cut_at(Direction::ToServer, When::seen("Nats-Batch-Sequence: 2"));
    /// let answer = proxy.cut_at(Direction::ToClient, When::seen("\"seq\":"));
    /// # let _ = (batch, answer);
    /// # }
    /// ```
    pub fn cut_at(&self, direction: Direction, when: When) -> Fault {
        self.set(direction, when, Then::Cut)
    }

    /// Blocks ([`block`](Self::block)) the first time that something is seen; once.
    ///
    /// What comes before it is forwarded, it and what follows only after [`unblock`](Self::unblock): a publish, or an
    /// answer, that comes after the client has given up.
    pub fn block_at(&self, direction: Direction, when: When) -> Fault {
        self.set(direction, when, Then::Block)
    }

    fn set(&self, direction: Direction, when: When, then: Then) -> Fault {
        let (happened, fault) = oneshot::channel();
        let trigger = Trigger::new(direction, when, then, happened);
        self.shared.state().triggers.push(trigger);
        Fault(fault)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
        // A connection that was accepted meanwhile is closed by its own task.
        self.refuse();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first trigger that goes off within `bytes`: how many bytes before it, and what then.
    fn triggered(
        &self,
        connection: u64,
        direction: Direction,
        bytes: &[u8],
    ) -> Option<(usize, Then)> {
        let mut state = self.state();
        let found = |(index, trigger): (usize, &Trigger)| {
            Some((trigger.find(connection, direction, bytes)?, index))
        };
        let first = state.triggers.iter().enumerate().filter_map(found).min();
        let passed = &bytes[..first.map_or(bytes.len(), |(before, _)| before)];
        for trigger in &mut state.triggers {
            trigger.pass(connection, direction, passed);
        }
        let (before, index) = first?;
        let trigger = state.triggers.remove(index);
        let then = trigger.then;
        if then == Then::Block {
            // Under the lock: whoever hears of it finds it done.
            self.blocked.send_replace(true);
        }
        trigger.happened();
        Some((before, then))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // An error of `accept` is one of the connection, or too many open files: the client sees it and comes again.
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let mut state = shared.state();
        if state.refuses {
            continue;
        }
        state.accepted += 1;
        let number = state.accepted;
        let task = tokio::spawn(connection(number, client, Arc::clone(&shared)));
        state.connections.insert(number, task.abort_handle());
    }
}

async fn connection(number: u64, client: TcpStream, shared: Arc<Shared>) {
    if let Ok(server) = TcpStream::connect(&shared.target).await {
        // What is small is to go at once, as without a proxy.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // When one ends both sockets are closed.
        tokio::select! {
            () = forward(number, Direction::ToServer, from_client, to_server, &shared) => {}
            () = forward(number, Direction::ToClient, from_server, to_client, &shared) => {}
        }
    }
    shared.state().connections.remove(&number);
}

/// Until a side closes, or a trigger cuts.
async fn forward(
    number: u64,
    direction: Direction,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
) {
    let mut blocked = shared.blocked.subscribe();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            if blocked.wait_for(|blocked| !blocked).await.is_err() {
                return;
            }
            let (now, then) = match shared.triggered(number, direction, rest) {
                Some((before, then)) => (before, Some(then)),
                None => (rest.len(), None),
            };
            if to.write_all(&rest[..now]).await.is_err() {
                return;
            }
            rest = &rest[now..];
            if then == Some(Then::Cut) {
                cut(shared, number);
                return;
            }
        }
    }
}

/// All but the connection that says so: that one ends by itself.
fn cut(shared: &Shared, but: u64) {
    let mut state = shared.state();
    for (_, connection) in state.connections.extract_if(|number, _| *number != but) {
        connection.abort();
    }
}
