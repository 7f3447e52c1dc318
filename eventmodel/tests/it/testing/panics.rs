//! What a panic says, and where.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static PANIC: RefCell<Panic> = const { RefCell::new(Panic::NotExpected) };
}

enum Panic {
    NotExpected,
    Expected,
    At(String),
}

/// The text of the panic in `f`, and the line of this workspace that it points at.
#[track_caller]
pub(crate) fn panic_of(f: impl FnOnce()) -> (String, String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            PANIC.with_borrow_mut(|panic| match (&*panic, info.location()) {
                (Panic::Expected, Some(at)) => *panic = Panic::At(at.to_string()),
                _ => usual(info),
            });
        }));
    });
    PANIC.set(Panic::Expected);
    let caught = catch_unwind(AssertUnwindSafe(f));
    let Panic::At(at) = PANIC.replace(Panic::NotExpected) else {
        panic!("a panic was expected");
    };
    let panic = caught.expect_err("a panic");
    let text = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
    (text.expect("a panic with a text"), at)
}

/// The text of the panic in `f`, which must point at the file of the caller.
#[track_caller]
pub(crate) fn failure_of(f: impl FnOnce()) -> String {
    let here = std::panic::Location::caller().file();
    let (text, at) = panic_of(f);
    assert!(at.starts_with(here), "it points at {at}: {text}");
    text
}
