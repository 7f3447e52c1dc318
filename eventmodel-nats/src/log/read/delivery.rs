//! The messages of a JetStream stream in their order: by a consumer of this process, which is told of each at once, or
//! by pages, which need no right to create one. Made again when anything goes wrong.

use async_nats::HeaderMap;
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;

use crate::connect::connection::Connection;

mod consumer;
mod pages;

use consumer::Consumer;
use pages::Pages;

pub(crate) struct Ordered(Way);

enum Way {
    Consumer(Box<Consumer>),
    Pages(Box<Pages>),
}

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// With the newest message of each subject. Pages begin with the oldest one that is there.
    LastPerSubject,
    /// With the message at this sequence, or the one after it.
    At(u64),
}

pub(crate) struct Delivered {
    pub(crate) subject: async_nats::Subject,
    pub(crate) sequence: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    /// How many messages there are behind it, as the server knew when it sent it.
    pub(crate) pending: u64,
    /// Whether it is the first one since it was begun at what `start` said.
    pub(crate) is_first: bool,
}

impl Ordered {
    /// Only messages on these subjects, or all. Pages give all if there are several subjects.
    pub(crate) fn new(
        connection: Connection,
        name: String,
        stream: Stream<()>,
        filter: Vec<String>,
    ) -> Self {
        Self(if connection.creates_consumers {
            Way::Consumer(Box::new(Consumer::new(connection, stream, filter)))
        } else {
            Way::Pages(Box::new(Pages::new(connection, name, &filter)))
        })
    }

    /// Whether all was well before the last failure: then it is the first one.
    pub(crate) fn was_alive(&self) -> bool {
        match &self.0 {
            Way::Consumer(consumer) => consumer.was_alive(),
            Way::Pages(pages) => pages.was_alive,
        }
    }

    /// The next message; none, if nothing came for a while: it is time to ask whether the stream is still the same.
    /// `start` says where to begin, if it has to begin anew.
    ///
    /// # Errors
    /// What went wrong. The next call begins anew.
    pub(crate) async fn next(&mut self, start: Start) -> Result<Option<Delivered>, String> {
        match &mut self.0 {
            Way::Consumer(consumer) => consumer.next(start).await.map(Some),
            Way::Pages(pages) => pages.next(start).await,
        }
    }
}
