//! Second room: what the attributes and the item mean together. Nothing here writes Rust.

pub(crate) mod automation;
pub(crate) mod command;
pub(crate) mod doc;
pub(crate) mod event;
pub(crate) mod field;
pub(crate) mod handler;
pub(crate) mod id;
pub(crate) mod json_name;
pub(crate) mod projection;
pub(crate) mod rejection;
pub(crate) mod stream;
pub(crate) mod subject_token;
pub(crate) mod template;
pub(crate) mod text;
