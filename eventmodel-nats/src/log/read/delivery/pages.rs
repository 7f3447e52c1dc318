//! By pages: for a role that may create no consumer.
//!
//! Nobody tells that there is a new message, so any replica is asked again and again: often while there are some, and
//! seldom while there are none. A replica that lags shows less; it never leaves one out.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Delivered, Start};
use crate::connect::connection::{Connection, Failure};
use crate::connect::direct_get::Page;
use crate::log::get::text;

/// How many messages a page has at most.
const PAGE: usize = 1_000;

/// Between two questions when there was nothing new, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

pub(super) struct Pages {
    connection: Connection,
    stream: String,
    filter: String,
    page: Option<Page>,
    /// Whether the page has given no message yet.
    is_new: bool,
    /// The sequence of the newest message that was given.
    newest: u64,
    pause: Duration,
    quiet_since: Instant,
    /// Whether a page was answered since the last failure; and before it.
    is_alive: bool,
    pub(super) was_alive: bool,
}

impl Pages {
    pub(super) fn new(connection: Connection, stream: String, filter: &[String]) -> Self {
        Self {
            connection,
            stream,
            // A page takes one pattern only.
            filter: match filter {
                [one] => one.clone(),
                _ => ">".into(),
            },
            page: None,
            is_new: false,
            newest: 0,
            pause: Duration::ZERO,
            quiet_since: Instant::now(),
            is_alive: false,
            was_alive: false,
        }
    }

    pub(super) async fn next(&mut self, start: Start) -> Result<Option<Delivered>, String> {
        let next = self.try_next(start).await;
        next.map_err(|failure| {
            self.page = None;
            self.was_alive = std::mem::take(&mut self.is_alive);
            failure.to_string()
        })
    }

    async fn try_next(&mut self, start: Start) -> Result<Option<Delivered>, Failure> {
        loop {
            let page = match &mut self.page {
                Some(page) => page,
                none => {
                    if self.quiet_since.elapsed() > self.connection.timeout {
                        self.quiet_since = Instant::now();
                        return Ok(None);
                    }
                    sleep(self.pause).await;
                    let from = match start {
                        Start::LastPerSubject => 1,
                        Start::At(sequence) => sequence,
                    };
                    // Until there is something new.
                    self.pause = (self.pause * 2).clamp(PAUSE.0, PAUSE.1);
                    let page = Page::ask(&self.connection, &self.stream, &self.filter, from, PAGE);
                    self.is_new = true;
                    none.insert(page.await?)
                }
            };
            let paged = page.next().await?;
            self.is_alive = true;
            let Some(paged) = paged else {
                self.page = None;
                continue;
            };
            if paged.sequence > self.newest {
                self.newest = paged.sequence;
                self.quiet_since = Instant::now();
                self.pause = match paged.pending {
                    0 => PAUSE.0,
                    _ => Duration::ZERO,
                };
            }
            let headers = paged.message.headers.unwrap_or_default();
            return Ok(Some(Delivered {
                subject: text(&headers, "Nats-Subject")?.into(),
                sequence: paged.sequence,
                headers,
                payload: paged.message.payload,
                pending: paged.pending,
                is_first: std::mem::take(&mut self.is_new),
            }));
        }
    }
}
