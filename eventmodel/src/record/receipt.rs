//! What a successful command returns.

use std::sync::Arc;

use super::cursor::Incarnation;
use super::id::CommandId;
use super::position::Position;
use super::recorded::RecordedEvent;

/// What a successful command returns: what was recorded, and where.
#[derive(Clone, Debug)]
#[must_use = "a receipt says where the events stand; pass its position to a view to read your own writes"]
#[non_exhaustive]
pub struct Receipt {
    /// The id of the command. Executing the command again with it gives this receipt again.
    pub command_id: CommandId,
    /// The correlation id of the events.
    pub correlation_id: Arc<str>,
    /// The log of the events.
    pub log: Arc<str>,
    /// Which log of this name it is: a client that keeps a position keeps it with this, as a [`Cursor`](super::Cursor).
    pub incarnation: Incarnation,
    /// The position of the last event. For a command that emitted nothing, the newest position that the decision has
    /// seen.
    pub position: Position,
    /// The position of the last event of the stream instance that the command is keyed by: the instance of the first
    /// part of its state, or, without state, of its first event. A later command can expect it:
    /// [`ExecuteOptions::expected_revision`](crate::ExecuteOptions::expected_revision).
    pub revision: Position,
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// Whether an earlier execution under the same id had committed the command. The engine did not decide it again.
    pub already_committed: bool,
}
