//! What a command has committed before, found by its id on its instances or where the server says.

use eventmodel::record::{CommandRef, Subject};
use eventmodel::store::{AppendError, Appended};
use eventmodel::{Position, RecordedEvent, StoreError};
use futures_util::future::try_join_all;

use super::Log;
use super::Source;
use super::append::{is_of, push_revisions};
use super::message::Kind;

impl Log {
    /// What a command has committed on these subjects, as the leader knows it.
    pub(crate) async fn committed(
        &self,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        let may_have = subjects
            .iter()
            .map(|subject| self.may_have(subject, command));
        let may_have = try_join_all(may_have).await?;
        for (subject, _) in subjects.iter().zip(may_have).filter(|(_, may)| *may) {
            let found = self.find_on(subject, Position::START, command).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether a subject may have an event of a command. Reads only what the store has not seen, up to what the leader
    /// says is the end.
    async fn may_have(&self, subject: &Subject, command: &CommandRef) -> Result<bool, StoreError> {
        let Some(last) = self.newest(subject, 0, Source::Leader).await? else {
            return Ok(false);
        };
        let until = last.sequence;
        if let Some(may_have) = self.command_ids.may_have(subject, until, &command.id) {
            return Ok(may_have);
        }
        let after = self.command_ids.until(subject);
        let mut ids = Vec::new();
        for message in self.tail(subject, after, last).await? {
            ids.push(message.event()?.metadata().id.clone());
        }
        self.command_ids.note(subject, after, until, ids.iter());
        // If the ids are not kept, `find_on` reads all of it.
        let may_have = self.command_ids.may_have(subject, until, &command.id);
        Ok(may_have.unwrap_or(true))
    }

    /// What a command has committed on a subject after a position.
    pub(crate) async fn find_on(
        &self,
        subject: &Subject,
        after: Position,
        command: &CommandRef,
    ) -> Result<Option<Appended>, AppendError> {
        for message in self.messages(subject, after.get()).await? {
            let event = message.item().event()?;
            if is_of(&event, command)? {
                return Ok(Some(self.all_of(event).await?));
            }
        }
        Ok(None)
    }

    /// The receipt of the command whose first event has the id of the message at a sequence.
    pub(crate) async fn duplicate(
        &self,
        command: &CommandRef,
        sequence: u64,
    ) -> Result<Appended, AppendError> {
        let message = self.message_at(sequence).await?;
        let event = message.item().event()?;
        if is_of(&event, command)? {
            return Ok(self.all_of(event).await?);
        }
        Err(AppendError::Store(StoreError::failed(format!(
            "JetStream says that the event at position {sequence} has the id of `{}`, and it has not",
            command.id
        ))))
    }

    /// The whole append that an event belongs to.
    async fn all_of(&self, event: RecordedEvent) -> Result<Appended, StoreError> {
        let count = event.metadata().command.events as usize;
        let mut events = vec![event];
        // The messages of a batch stand next to each other.
        while !is_first(&events[0]) {
            let before = events[0].position().get() - 1;
            let message = self.message_at(before).await?;
            let event = match message.kind()? {
                Kind::Event => message.event()?,
                Kind::Copy(behind) | Kind::Guard(behind) => self.event_at(before - behind).await?,
            };
            self.check_same(&events[0], &event)?;
            events.insert(0, event);
        }
        while let Some(last) = events.last().filter(|_| events.len() < count) {
            let next = last.position().get() + last.metadata().subjects.len() as u64;
            let event = self.event_at(next).await?;
            self.check_same(last, &event)?;
            events.push(event);
        }
        let mut revisions = Vec::new();
        for event in &events {
            push_revisions(&mut revisions, event);
        }
        Ok(Appended::new(events, revisions, true))
    }

    fn check_same(&self, one: &RecordedEvent, other: &RecordedEvent) -> Result<(), StoreError> {
        if one.metadata().command == other.metadata().command {
            return Ok(());
        }
        Err(StoreError::failed(format!(
            "the events of `{}` do not stand next to each other in the log `{}` at position {}",
            one.metadata().command.id,
            self.name,
            other.position()
        )))
    }

    async fn event_at(&self, sequence: u64) -> Result<RecordedEvent, StoreError> {
        Ok(self.message_at(sequence).await?.event()?)
    }

    async fn message_at(&self, sequence: u64) -> Result<crate::log::message::Stored, StoreError> {
        let message = self.at(sequence, Source::Leader).await?;
        match message {
            Some(message) => Ok(message),
            None => Err(self.missing(sequence).await),
        }
    }
}

fn is_first(event: &RecordedEvent) -> bool {
    let metadata = event.metadata();
    metadata.id.split().is_none_or(|(_, n)| n == 0)
}
