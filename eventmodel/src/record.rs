//! What a log holds, and how it is written: positions, subjects, ids, events with their metadata, and encodings.
//!
//! This room knows nothing of the types of a model. All others stand on it.

pub(crate) mod canonical;
pub mod cloudevents;
mod codec;
mod cursor;
mod guard;
mod id;
mod metadata;
mod position;
mod receipt;
mod recorded;
mod string_pool;
mod subject;
mod template;
mod token;
mod vocabulary;

pub use codec::{Codec, CodecError, Json};
pub use cursor::{Cursor, Incarnation, InvalidCursor};
pub use guard::Guard;
pub use id::{CommandId, EventId, InvalidCommandId};
pub use metadata::{CommandRef, Metadata};
pub use position::Position;
pub use receipt::Receipt;
pub(crate) use recorded::Decoded;
pub use recorded::{DecodeError, DecodeReason, NewEvent, RecordedEvent};
pub use subject::{Subject, SubjectError, SubjectPattern, SubjectReader, SubjectWriter};
pub use template::SubjectTemplate;
pub use token::{SubjectToken, TokenError};
pub(crate) use token::{decode_token, encode_token};
pub use vocabulary::Vocabulary;
