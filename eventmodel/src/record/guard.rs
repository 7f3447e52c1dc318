//! The optimistic concurrency check.

use super::position::Position;
use super::subject::Subject;

/// "Nothing on this subject after position `expected`."
///
/// A store tests the guards of an append and stores its events in one step. Every subject that an append writes
/// has a guard; the expected position of an instance that has no event yet is [`Position::START`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The literal subject of one stream instance.
    pub subject: Subject,
    /// The position of the last event that the decision has seen there.
    pub expected: Position,
}
