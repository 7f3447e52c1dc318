//! Catching panics of the user's code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the user's code, and returns the message if it panics. The caller must then drop what the code was changing.
pub(crate) fn caught<T>(users: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(users)).map_err(|panic| message(&*panic).to_owned())
}

/// The message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
