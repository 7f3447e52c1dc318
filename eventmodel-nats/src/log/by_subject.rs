//! Longer histories, read by subject: in pages (batch direct get, ADR-31), and if a page announces many more, by a
//! consumer, which costs more to start and less for each message.

use eventmodel::StoreError;
use eventmodel::record::Subject;
use tokio::time::timeout;

use super::Log;
use super::message::Stored;
use super::read::resume::Resumed;
use crate::connect::connection::Failure;
use crate::connect::direct_get::Page;

/// How many messages a page has at most.
const PAGE: usize = 128;

/// From how many remaining messages on a consumer is quicker than pages: its creation takes as long as some 100
/// messages of a page.
const CONSUMER: u64 = 256;

/// How often to ask again after a lagging replica or a cut page.
const ATTEMPTS: u32 = 10;

impl Log {
    /// The messages on a subject after one sequence and up to another, which has a message. `expected` is how many
    /// these may be.
    pub(crate) async fn by_subject(
        &self,
        subject: &Subject,
        after: u64,
        until: u64,
        expected: Option<u64>,
    ) -> Result<Vec<Stored>, StoreError> {
        let mut messages: Vec<Stored> = Vec::new();
        // A consumer gets one chance: after that, a page costs less than the wait.
        let mut may_consume = self.connection.creates_consumers;
        if may_consume && expected.is_some_and(|expected| expected >= PAGE as u64 + CONSUMER) {
            may_consume = false;
            self.consume(subject, after, until, &mut messages).await?;
        }
        let mut attempts = 0;
        loop {
            let next = messages.last().map_or(after, |last| last.sequence);
            if next >= until {
                return Ok(messages);
            }
            let before = messages.len();
            let page = self.page(subject, next + 1, &mut messages).await;
            if let (Ok(left), Some(last)) = (&page, messages.last())
                && *left >= CONSUMER
                && last.sequence < until
                && may_consume
            {
                may_consume = false;
                let after = last.sequence;
                self.consume(subject, after, until, &mut messages).await?;
            }
            messages.truncate(messages.iter().take_while(|m| m.sequence <= until).count());
            if messages.len() > before {
                attempts = 0;
                continue;
            }
            // The next replica may have what this one lacks.
            attempts += 1;
            if attempts == ATTEMPTS {
                page?;
                return Err(StoreError::Unavailable {
                    reason: format!(
                        "the replicas of `{}` lag behind position {until}",
                        self.name
                    ),
                });
            }
            tokio::time::sleep(std::time::Duration::from_millis(5) * attempts).await;
        }
    }

    /// Reads by a consumer as far as it gets: on a lagging replica it waits silently, and the server may refuse one
    /// more consumer.
    async fn consume(
        &self,
        subject: &Subject,
        after: u64,
        until: u64,
        messages: &mut Vec<Stored>,
    ) -> Result<(), StoreError> {
        let mut rest = Resumed::new(self, vec![subject.to_string()], after);
        let mut gave = false;
        while rest.sequence < until {
            match timeout(self.connection.timeout, rest.message()).await {
                Ok(Ok(Some(message))) => {
                    messages.push(message);
                    gave = true;
                }
                // A lost consumer is replaced.
                Ok(Ok(None)) if gave => gave = false,
                Ok(Err(error)) if !error.is_retryable() => return Err(error),
                _ => break,
            }
        }
        messages.truncate(messages.iter().take_while(|m| m.sequence <= until).count());
        Ok(())
    }

    /// Reads one page into `messages`, up to the first gap. Returns how many messages remain.
    async fn page(
        &self,
        subject: &Subject,
        from: u64,
        messages: &mut Vec<Stored>,
    ) -> Result<u64, Failure> {
        let (connection, name) = (&self.connection, &*self.name);
        let mut page = Page::ask(connection, name, subject.as_str(), from, PAGE).await?;
        let mut left = 0;
        while let Some(paged) = page.next().await? {
            let message = Stored::of_answer(paged.message)?;
            let before = messages.last().map_or(from - 1, |last| last.sequence);
            if message.history().last().is_some_and(|said| said > before)
                || message.subject != *subject
            {
                return Err(Failure::Odd(format!(
                    "a page of `{subject}` has a gap before position {}",
                    message.sequence
                )));
            }
            left = paged.pending;
            messages.push(message);
        }
        Ok(left)
    }
}
