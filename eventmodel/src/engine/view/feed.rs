//! Reading a log once for all views of a process, however far each of them is.
//!
//! A feed reads a log and gives its events to all who follow it. It keeps pace with the quickest of them, and the others
//! may lag by [`RETAINED`] events. Who lags further reads on by a feed of its own, and joins the front again when it has
//! caught up: a slow view holds up no other, and views that are equally far cost one pass over the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::record::Position;
use crate::store::{Item, Read, Store, StoreError};
use crate::trouble::limited;

/// How many events a feed keeps for those who are not the quickest.
const RETAINED: usize = 2048;

/// How many events a feed reads ahead of the quickest.
const AHEAD: u64 = 1024;

/// How far apart views may be to begin with one feed.
const NEAR: u64 = 100_000;

/// How long to wait before a log that could not be read is read again.
const RETRY: Duration = Duration::from_millis(200);

/// The reader of a log, and those who follow it. It ends with the last of them.
struct Feed {
    /// Gone when the reader has ended.
    given: broadcast::WeakSender<Given>,
    pace: Arc<Pace>,
    _reader: DropGuard,
}

/// What a feed gives: an item, or why it cannot go on.
#[derive(Clone)]
struct Given {
    /// Counts what the feed gives, from 1.
    number: u64,
    what: Result<Item, StoreError>,
}

/// What a feed and those who follow it tell each other.
struct Pace {
    /// The position of the last event that is given, or just about to be.
    at: AtomicU64,
    /// How many are given.
    given: AtomicU64,
    /// How many the quickest has taken, or passed over when it joined.
    taken: AtomicU64,
    took: Notify,
}

impl Feed {
    /// A feed for so many followers, who get its events from the first one on.
    fn start(
        store: Arc<dyn Store>,
        log: Arc<str>,
        after: Position,
        followers: usize,
    ) -> (Self, Vec<broadcast::Receiver<Given>>) {
        let given = broadcast::Sender::new(RETAINED);
        let receivers = (0..followers).map(|_| given.subscribe()).collect();
        let pace = Arc::new(Pace {
            at: AtomicU64::new(after.get()),
            given: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            took: Notify::new(),
        });
        let stop = CancellationToken::new();
        let reader = Reader {
            store,
            log,
            after,
            given: given.clone(),
            number: 0,
            pace: pace.clone(),
        };
        let feed = Self {
            given: given.downgrade(),
            pace,
            _reader: stop.clone().drop_guard(),
        };
        tokio::spawn(async move { stop.run_until_cancelled_owned(reader.run()).await });
        (feed, receivers)
    }

    /// Somebody has taken so many.
    fn took(&self, number: u64) {
        self.pace.taken.fetch_max(number, Ordering::AcqRel);
        self.pace.took.notify_one();
    }

    fn at(&self) -> Position {
        Position::new(self.pace.at.load(Ordering::Acquire))
    }
}

/// The task of a feed.
struct Reader {
    store: Arc<dyn Store>,
    log: Arc<str>,
    after: Position,
    given: broadcast::Sender<Given>,
    number: u64,
    pace: Arc<Pace>,
}

impl Reader {
    /// Reads until something is wrong that no retry mends.
    async fn run(mut self) {
        loop {
            let failure = self.read().await;
            if !failure.is_retryable() {
                self.give(Err(failure)).await;
                return;
            }
            let log = &self.log;
            limited!(WARN, "a log cannot be read for its views, trying again", %log, error = %failure);
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn read(&mut self) -> StoreError {
        let mut items = self
            .store
            .read(Read::new(self.log.clone()).after(self.after).follow(true));
        while let Some(item) = items.next().await {
            match item {
                Ok(item) => {
                    self.after = item.position();
                    self.give(Ok(item)).await;
                }
                Err(error) => return error,
            }
        }
        StoreError::Unavailable {
            reason: "the log ended while it was followed".into(),
        }
    }

    async fn give(&mut self, what: Result<Item, StoreError>) {
        self.number += 1;
        let is_ahead = || {
            self.number
                .saturating_sub(self.pace.taken.load(Ordering::Acquire))
        };
        while is_ahead() > AHEAD {
            let took = self.pace.took.notified();
            if is_ahead() > AHEAD {
                took.await;
            }
        }
        // Before it is given: who joins now and is at this position has missed nothing.
        self.pace.at.store(self.after.get(), Ordering::Release);
        let number = self.number;
        self.pace.given.store(number, Ordering::Release);
        // An error says that nobody follows any more.
        let _ = self.given.send(Given { number, what });
    }
}

/// All feeds of one log.
pub(super) struct LogFeeds {
    store: Arc<dyn Store>,
    log: Arc<str>,
    /// The one that is furthest.
    front: Arc<Feed>,
}

/// One view that follows a log.
pub(super) struct Follower {
    feeds: Arc<LogFeeds>,
    feed: Arc<Feed>,
    events: broadcast::Receiver<Given>,
    after: Position,
    /// The front, which is followed too from here on until the position is reached.
    joining: Option<Joining>,
}

/// A front that is followed too, while what it has given before is still read elsewhere.
struct Joining {
    events: broadcast::Receiver<Given>,
    /// Up to where that is.
    until: Position,
    /// How many it has given by then.
    given: u64,
}

impl LogFeeds {
    /// Feeds for views that are at these positions, and a follower for each.
    pub(super) fn start(
        store: &Arc<dyn Store>,
        log: &Arc<str>,
        positions: &[Position],
    ) -> Vec<Follower> {
        let mut sorted: Vec<Position> = positions.to_vec();
        sorted.sort_unstable();
        // Views that are near to each other begin with the one that is furthest behind.
        let mut begins: Vec<Position> = Vec::new();
        for position in sorted {
            let is_near = |begin: &Position| position.get() - begin.get() <= NEAR;
            if !begins.last().is_some_and(is_near) {
                begins.push(position);
            }
        }
        let begun = |after: &Position| begins.iter().rposition(|begin| begin <= after);
        let mut feeds = Vec::with_capacity(begins.len());
        let mut receivers = Vec::with_capacity(begins.len());
        for (number, begin) in begins.iter().enumerate() {
            let followers = positions
                .iter()
                .filter(|after| begun(after) == Some(number));
            let feed = Feed::start(store.clone(), log.clone(), *begin, followers.count());
            feeds.push(Arc::new(feed.0));
            receivers.push(feed.1);
        }
        let Some(front) = feeds.last() else {
            return Vec::new();
        };
        let all = Arc::new(Self {
            store: store.clone(),
            log: log.clone(),
            front: front.clone(),
        });
        let follow = |after: &Position| {
            let number = begun(after)?;
            Some(Follower {
                feeds: all.clone(),
                feed: feeds[number].clone(),
                events: receivers[number].pop()?,
                after: *after,
                joining: None,
            })
        };
        // Each position has begun, and a receiver of that feed.
        positions.iter().filter_map(follow).collect()
    }
}

impl Follower {
    /// The next item after those that it was given; an error if there will be none.
    pub(super) async fn next(&mut self) -> Result<Item, StoreError> {
        loop {
            self.join();
            match self.events.recv().await {
                Ok(Given { number, what }) => {
                    self.feed.took(number);
                    let item = what?;
                    if item.position() > self.after {
                        self.after = item.position();
                        return Ok(item);
                    }
                }
                // It was too slow.
                Err(RecvError::Lagged(_)) => self.read_alone(),
                // It joined a feed that has ended, or its reader panicked.
                Err(RecvError::Closed) => {
                    tokio::time::sleep(RETRY).await;
                    self.read_alone();
                }
            }
        }
    }

    fn read_alone(&mut self) {
        let LogFeeds { store, log, .. } = &*self.feeds;
        let (feed, receivers) = Feed::start(store.clone(), log.clone(), self.after, 1);
        self.feed = Arc::new(feed);
        self.joining = None;
        if let Some(events) = receivers.into_iter().next() {
            self.events = events;
        }
    }

    /// Follows the front again, if this one has caught up with it.
    fn join(&mut self) {
        let front = &self.feeds.front;
        if Arc::ptr_eq(front, &self.feed) {
            return;
        }
        // A front that has ended has met what this one will meet by itself.
        if self.joining.is_none()
            && self.after >= front.at()
            && let Some(given) = front.given.upgrade()
        {
            // In this order: whatever is given after the position was read comes to the receiver.
            let events = given.subscribe();
            self.joining = Some(Joining {
                events,
                until: front.at(),
                given: front.pace.given.load(Ordering::Acquire),
            });
        }
        if let Some(joining) = self.joining.take_if(|joining| self.after >= joining.until) {
            // What is passed over counts as taken: else a front that nobody else follows would wait for this one.
            front.took(joining.given);
            self.feed = front.clone();
            self.events = joining.events;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;
    use crate::record::{
        CommandId, CommandRef, Guard, Metadata, NewEvent, Subject, SubjectPattern,
    };
    use crate::store::{Append, Limits, LogSpec};

    const EVENTS: u32 = 10_000;

    async fn log() -> (Arc<dyn Store>, Arc<str>) {
        let limits = Limits::default().records(EVENTS as usize);
        let store = MemoryStore::new().with_limits(limits);
        let log: Arc<str> = "log".into();
        let spec = LogSpec::new(log.clone(), vec![SubjectPattern::new(">").unwrap()]);
        store.open(&[spec]).await.unwrap();
        let command = CommandRef::new(CommandId::new("all").unwrap(), "Fill").events(EVENTS);
        let subject = Subject::new("a").unwrap();
        let event = |n| {
            let id = command.id.event(n);
            let metadata = Metadata::new(command.clone(), id, "Filled", vec![subject.clone()]);
            NewEvent::new(metadata, "{}".into())
        };
        let events = (0..EVENTS as usize).map(event).collect();
        let guard = Guard {
            subject: subject.clone(),
            expected: Position::START,
        };
        let append = Append::new(log.clone(), command.clone(), vec![guard], events).unwrap();
        let _ = store.append(append).await.unwrap();
        (Arc::new(store), log)
    }

    async fn takes(follower: &mut Follower, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            let next = tokio::time::timeout(Duration::from_secs(60), follower.next());
            let event = next.await.expect("it goes on").unwrap();
            assert_eq!(event.position(), Position::new(number));
        }
    }

    #[tokio::test]
    async fn who_joins_a_front_that_nobody_follows_goes_on() {
        let (store, log) = log().await;
        let mut followers = LogFeeds::start(&store, &log, &[Position::START, Position::START]);
        let mut slow = followers.pop().unwrap();
        let mut quick = followers.pop().unwrap();
        takes(&mut quick, 1..=5_000).await;
        drop(quick);
        takes(&mut slow, 1..=u64::from(EVENTS)).await;
    }

    #[tokio::test]
    async fn who_is_held_up_holds_up_nobody_who_joins() {
        let (store, log) = log().await;
        let ahead = Position::new(6_000);
        let mut followers = LogFeeds::start(&store, &log, &[ahead, Position::START]);
        let mut behind = followers.pop().unwrap();
        let mut held = followers.pop().unwrap();
        takes(&mut held, 6_001..=6_001).await;
        takes(&mut behind, 1..=u64::from(EVENTS)).await;
        takes(&mut held, 6_002..=u64::from(EVENTS)).await;
    }
}
