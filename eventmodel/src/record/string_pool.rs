//! A string in which text is built that is then copied to where it stays.
//!
//! Subjects and ids are shared, so they are copied once their length is known. A new string for each of them to be
//! built in would be among the most frequent allocations of a command.

use std::cell::Cell;

thread_local! {
    static SPARE: Cell<String> = const { Cell::new(String::new()) };
}

/// A string that is larger than this is not kept.
const KEPT: usize = 4096;

/// An empty string.
pub(crate) fn take() -> String {
    SPARE.take()
}

/// Gives it back, for the next one. It need not be.
pub(crate) fn give_back(mut string: String) {
    if string.capacity() <= KEPT {
        string.clear();
        SPARE.set(string);
    }
}
