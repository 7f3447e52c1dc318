//! Identities: of commands, and of the events that they emit.

use std::fmt::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::record::string_pool;

/// The identity of a command. A command that is executed again under its id returns the first receipt.
///
/// ```
/// use eventmodel::CommandId;
///
/// let id = CommandId::new("order-42").unwrap();
/// assert_eq!(id.to_string(), "order-42");
/// assert!(CommandId::new("").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandId(Arc<str>);

/// A text that cannot be the id of a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a command id has 1 to {max} bytes and no control characters; this one has {len} bytes", max = CommandId::MAX_LEN)]
pub struct InvalidCommandId {
    len: usize,
}

impl CommandId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 256;

    /// An id from the caller's text.
    ///
    /// # Errors
    /// [`InvalidCommandId`] if it is empty, longer than [`CommandId::MAX_LEN`], or holds a control character.
    pub fn new(text: &str) -> Result<Self, InvalidCommandId> {
        if text.is_empty() || text.len() > Self::MAX_LEN || text.chars().any(char::is_control) {
            return Err(InvalidCommandId { len: text.len() });
        }
        Ok(Self(text.into()))
    }

    /// A fresh id, a UUID of version 7 (RFC 9562): ids made later sort later.
    pub fn fresh() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// Derives an id from these parts; equal parts give equal ids. The id has a fixed length, so ids do not grow along
    /// a chain of automations, each of which derives its ids from those of the one before.
    pub(crate) fn derived(parts: &[&str]) -> Self {
        /// UUID v5 of the name `eventmodel` in the null namespace.
        const NAMESPACE: Uuid = Uuid::from_u128(0x8f0b_9f2e_3a0c_5d0e_9d11_6576_656e_746d);
        let mut name = Vec::new();
        for part in parts {
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part.as_bytes());
        }
        Self::from_uuid(Uuid::new_v5(&NAMESPACE, &name))
    }

    fn from_uuid(uuid: Uuid) -> Self {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        Self(Arc::from(&*uuid.hyphenated().encode_lower(&mut buffer)))
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id, not copied.
    pub(crate) fn shared(&self) -> Arc<str> {
        self.0.clone()
    }

    /// The id of the `n`th event that this command emitted, from 0.
    pub fn event(&self, n: usize) -> EventId {
        let mut text = string_pool::take();
        text.push_str(&self.0);
        text.push('/');
        match u8::try_from(n) {
            // The usual number, without the machinery of formats.
            Ok(digit @ 0..=9) => text.push(char::from(b'0' + digit)),
            // Writing to a string does not fail.
            _ => drop(write!(text, "{n}")),
        }
        let id = EventId(text.as_str().into());
        string_pool::give_back(text);
        id
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl From<Uuid> for CommandId {
    fn from(uuid: Uuid) -> Self {
        Self::from_uuid(uuid)
    }
}

impl TryFrom<String> for CommandId {
    type Error = InvalidCommandId;

    fn try_from(text: String) -> Result<Self, InvalidCommandId> {
        Self::new(&text)
    }
}

impl From<CommandId> for String {
    fn from(id: CommandId) -> Self {
        id.0.as_ref().to_owned()
    }
}

/// The identity of an event: `<command id>/<n>`, with `n` from 0.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Arc<str>);

impl EventId {
    /// An id from its text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the id of the `n`th event of this command, from 0.
    pub(crate) fn is(&self, command: &CommandId, n: usize) -> bool {
        let rest = self.0.strip_prefix(command.as_str());
        match rest.and_then(|rest| rest.strip_prefix('/')) {
            Some("0") => n == 0,
            Some(digits) => !digits.starts_with(['0', '+']) && digits.parse() == Ok(n),
            None => false,
        }
    }

    /// The text of the id of the command that emitted the event, and the event's number.
    pub fn split(&self) -> Option<(&str, usize)> {
        let (command, n) = self.0.rsplit_once('/')?;
        Some((command, n.parse().ok()?))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_that_of_one_event_of_one_command() {
        let command = CommandId::new("a/1").unwrap();
        for n in [0, 1, 9, 10, 123] {
            let id = command.event(n);
            assert!(id.is(&command, n));
            assert!(!id.is(&command, n + 1));
            assert!(!id.is(&CommandId::new("a").unwrap(), n));
        }
        for other in [
            "a/1", "a/1/", "a/1/00", "a/1/01", "a/1/+1", "a/1/-1", "b/1/1",
        ] {
            let id = EventId::new(other);
            assert!(!(0..3).any(|n| id.is(&command, n)), "{other}");
        }
    }
}
