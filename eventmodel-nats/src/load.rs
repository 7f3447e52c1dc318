//! The history of one stream instance: the one place where it is decided how it is read.
//!
//! The last message on the subject comes first: it tells what is before it. What is missing is then read
//! - by the sequences that the messages carry ([`crate::history`]): two round trips for most instances, whatever
//!   else is in the log;
//! - by subject, in pages, if these do not agree or if there are too many: [`crate::pages`].

use eventmodel::{StoreError, Subject};
use futures_util::future::try_join_all;

use crate::get::Source;
use crate::log::Log;
use crate::message::Stored;

/// How many events are read by their sequences, before reading by subject is quicker.
const BY_SEQUENCE: usize = 64;

/// The messages of an instance after a position, in order, and the sequence of the last one.
pub(crate) struct Messages {
    pub(crate) messages: Vec<Stored>,
    pub(crate) revision: u64,
}

impl Log {
    /// The messages on a subject after a sequence. The answer knows the message at `floor`, and all that has been
    /// acknowledged if the leader is asked.
    pub(crate) async fn messages(
        &self,
        subject: &Subject,
        after: u64,
        floor: u64,
        source: Source,
    ) -> Result<Messages, StoreError> {
        let seen = after.max(floor);
        let reaches = |last: &Option<Stored>| last.as_ref().map_or(0, |last| last.sequence) >= seen;
        let mut last = self.last(subject.as_str(), source).await?;
        if !reaches(&last) && source == Source::Any {
            last = self.last(subject.as_str(), Source::Leader).await?;
        }
        let Some(last) = last else {
            return match seen {
                0 => Ok(Messages {
                    messages: Vec::new(),
                    revision: 0,
                }),
                seen => Err(self.too_short(subject, seen)),
            };
        };
        let revision = last.sequence;
        if revision < seen {
            return Err(self.too_short(subject, seen));
        }
        self.note(subject, revision, &last.history());
        let messages = if revision <= after {
            Vec::new()
        } else {
            match self.by_sequences(&last, after).await? {
                Some(messages) => messages,
                None => self.pages(subject, after, revision).await?,
            }
        };
        Ok(Messages { messages, revision })
    }

    /// The messages from after a sequence to `last`, by the sequences that they carry; nothing if these do not agree.
    async fn by_sequences(&self, last: &Stored, after: u64) -> Result<Option<Vec<Stored>>, StoreError> {
        let mut newest_first = vec![last.clone()];
        let mut history = last.history();
        loop {
            let wanted = history.previous.iter().copied().filter(|at| *at > after);
            let wanted: Vec<u64> = wanted.collect();
            let ends = history.complete || wanted.len() < history.previous.len();
            if wanted.is_empty() && ends {
                newest_first.reverse();
                return Ok(Some(newest_first));
            }
            if wanted.is_empty() || newest_first.len() + wanted.len() > BY_SEQUENCE {
                return Ok(None);
            }
            let messages = wanted.iter().map(|at| self.at(*at, Source::Any));
            let messages = try_join_all(messages).await?;
            for message in messages {
                let Some(message) = message else {
                    return Ok(None);
                };
                // Each one must be what the one after it says, and have before it what that one says.
                let before = newest_first.last().and_then(|newer| newer.history().last());
                if message.subject != last.subject || before != Some(message.sequence) {
                    return Ok(None);
                }
                newest_first.push(message);
            }
            history = newest_first.last().map(Stored::history).unwrap_or_default();
        }
    }
}
