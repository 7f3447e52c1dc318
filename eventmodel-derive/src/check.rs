//! Third room: what is well formed and still makes no sense. Each check names the remedy.

pub(crate) mod automation;
pub(crate) mod command;
pub(crate) mod event;
pub(crate) mod handlers;
pub(crate) mod overrides;
pub(crate) mod projection;
pub(crate) mod rejection;
pub(crate) mod stream;
