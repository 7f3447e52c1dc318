//! The events of a log in order, each once.

use std::sync::Arc;

use eventmodel::record::SubjectPattern;
use eventmodel::store::{Item, Read};
use eventmodel::{Position, StoreError};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;

use crate::connect::subjects::disjoint;
use crate::log::Log;
use crate::log::Source;
use crate::log::message::{Kind, Stored};
use crate::log::read::resume::Resumed;

/// Reads a log.
pub(crate) fn read(log: Arc<Log>, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
    let filter = disjoint(&read.subjects).unwrap_or_default();
    // Boxed, because the stream moves it for every event.
    let reader = Box::new(Reader {
        messages: Resumed::new(log, filter.clone(), read.after.get()),
        filter,
        patterns: read.subjects,
        after: read.after,
        follow: read.follow,
        until: None,
    });
    futures_util::stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(item)) => Some((Ok(item), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Reader {
    messages: Resumed<Arc<Log>>,
    /// What the server filters by; nothing if it cannot.
    filter: Vec<String>,
    patterns: Vec<SubjectPattern>,
    /// The position of the last delivered item.
    after: Position,
    follow: bool,
    /// The sequence of the last message to read, unless the reader follows the end.
    until: Option<u64>,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Item>, StoreError> {
        if !self.follow && self.until.is_none() {
            self.until = Some(self.end().await?);
        }
        loop {
            if self
                .until
                .is_some_and(|until| self.messages.sequence >= until)
            {
                return Ok(None);
            }
            let message = self.messages.next().await?;
            if let Some(item) = self.item(&message) {
                self.after = item.position();
                return Ok(Some(item));
            }
        }
    }

    /// The item of a message. An event is delivered at the first of its subjects that the reader reads.
    fn item(&self, message: &Stored) -> Option<Item> {
        let kind = match message.kind() {
            Ok(kind) => kind,
            Err(error) => return self.wants(message).then_some(Item::Unreadable(error)),
        };
        let is_unwanted = match kind {
            Kind::Guard(_) => true,
            Kind::Copy(_) => self.patterns.is_empty(),
            // Its other subjects do not matter: their copies come later.
            Kind::Event => !self.wants(message),
        };
        if is_unwanted || kind.position(message.sequence) <= self.after {
            return None;
        }
        let event = match message.item() {
            Item::Event(event) => event,
            unreadable @ Item::Unreadable(_) => return self.wants(message).then_some(unreadable),
        };
        let mut subjects = event.metadata().subjects.iter();
        let first = if self.patterns.is_empty() {
            subjects.next()
        } else {
            subjects.find(|subject| self.fits(subject))
        };
        (first == Some(&message.subject)).then_some(Item::Event(event))
    }

    fn wants(&self, message: &Stored) -> bool {
        self.patterns.is_empty() || self.fits(&message.subject)
    }

    fn fits(&self, subject: &eventmodel::record::Subject) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(subject))
    }

    /// The sequence of the last message to read as of now.
    async fn end(&self) -> Result<u64, StoreError> {
        let everything = [">".to_owned()];
        let filter = match &*self.filter {
            [] => &everything,
            filter => filter,
        };
        let mut end = 0;
        for pattern in filter {
            let last = self.messages.log.last(pattern, Source::Leader).await?;
            end = end.max(last.map_or(0, |last| last.sequence));
        }
        Ok(end)
    }
}
