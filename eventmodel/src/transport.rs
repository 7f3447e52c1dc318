//! What adapters share: reading a request, executing its command, and writing a receipt or a problem. Every adapter
//! answers the same command in the same way.

mod exchange;
mod failure;
mod headers;
pub mod kinds;
mod problem;
mod receipt;
mod refused;
mod request;

pub use crate::model::{JsonError, JsonText};
pub use exchange::Exchange;
pub use failure::{CommandContext, internal, of_store, rejection_title};
pub use headers::{CommandHeaders, etag, malformed_header, single_header};
pub use kinds::ProblemKind;
pub use problem::{Problem, at, pointer_to};
pub use receipt::{EventBody, ReceiptBody, is_json};
pub use refused::Refused;
pub use request::{CommandBody, is_correlation_id, is_traceparent};
