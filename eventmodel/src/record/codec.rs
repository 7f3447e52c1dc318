//! How events become bytes.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How the payload of an event is written and read. [`Json`] unless the event says `#[event(codec = ..)]`.
pub trait Codec: Send + Sync + 'static {
    /// The media type of the payload, as in `Content-Type`.
    const CONTENT_TYPE: &'static str;

    /// Writes a value.
    ///
    /// # Errors
    /// [`CodecError`] if the value cannot be written in this format.
    fn encode<T: Serialize>(value: &T) -> Result<Bytes, CodecError>;

    /// Reads a value.
    ///
    /// # Errors
    /// [`CodecError`] if the bytes are not a `T` in this format.
    fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, CodecError>;
}

/// Why a value could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl CodecError {
    /// Wraps the error of the format.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// JSON, RFC 8259.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Codec for Json {
    const CONTENT_TYPE: &'static str = "application/json";

    fn encode<T: Serialize>(value: &T) -> Result<Bytes, CodecError> {
        let written = serde_json::to_vec(value).map(Bytes::from);
        // Writes the value once more, to find out where it failed.
        written.map_err(|error| {
            let mut to = serde_json::Serializer::new(std::io::sink());
            let mut track = serde_path_to_error::Track::new();
            let again = value.serialize(serde_path_to_error::Serializer::new(&mut to, &mut track));
            let error = again.err().unwrap_or(error);
            CodecError::new(serde_path_to_error::Error::new(track.path(), error))
        })
    }

    fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, CodecError> {
        let read = serde_json::from_slice(payload);
        read.map_err(|error| {
            let mut from = serde_json::Deserializer::from_slice(payload);
            match serde_path_to_error::deserialize::<_, T>(&mut from) {
                Err(error) => CodecError::new(error),
                // The value is fine; what follows it is wrong.
                Ok(_) => CodecError::new(error),
            }
        })
    }
}
