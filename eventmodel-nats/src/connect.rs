//! The connection to the servers, and what the store asks JetStream over it.

pub(crate) mod connection;
pub(crate) mod defects;
pub(crate) mod direct_get;
pub(crate) mod drift;
pub(crate) mod error;
pub(crate) mod jetstream;
pub(crate) mod leader;
pub(crate) mod refusal;
pub(crate) mod setup;
pub(crate) mod subjects;
