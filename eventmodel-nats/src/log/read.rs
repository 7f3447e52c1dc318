//! Reading a log, in three layers; each promises more than the one below it.
//!
//! | layer | gives | promises |
//! |---|---|---|
//! | [`delivery`] | the messages of any JetStream stream | their order, until something fails |
//! | [`resume`] | the messages of a log | that nothing is missing or repeated when reading goes on after a failure |
//! | [`events`] | the events of a log | each of them once, at the first of its subjects that is read |

pub(crate) mod delivery;
pub(crate) mod events;
pub(crate) mod resume;
