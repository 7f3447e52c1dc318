//! A reused string to build texts in, before they are copied to where they stay.
//!
//! Subjects and ids are shared, so they are copied when their length is known. A new string for each would be among the
//! most frequent allocations of a command.

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

/// Gives the string back for reuse. A caller need not.
pub(crate) fn give_back(mut string: String) {
    if string.capacity() <= KEPT {
        string.clear();
        SPARE.set(string);
    }
}
