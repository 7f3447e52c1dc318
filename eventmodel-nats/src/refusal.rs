//! What a server refuses, and by which code.
//!
//! The error kinds of the client library do not tell all of them apart: the codes do.

use serde::Deserialize;

/// The error of an answer of JetStream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{description} (code {err_code}, status {code})")]
pub(crate) struct Refusal {
    /// As in HTTP.
    pub(crate) code: u16,
    #[serde(default)]
    pub(crate) err_code: u16,
    #[serde(default)]
    pub(crate) description: String,
}

impl Refusal {
    /// The last message on the subject is another one: `wrong last sequence: 7`.
    const WRONG_LAST_SEQUENCE: u16 = 10071;
    /// Another write on the subject is under way (replicated streams only).
    const WRONG_LAST_SEQUENCE_IN_FLIGHT: u16 = 10164;
    /// A message of a batch has an id that was used.
    const BATCH_DUPLICATE_ID: u16 = 10201;
    /// A message of the batch was refused or lost on its way, or the leader changed: nothing of it is stored.
    const BATCH_INCOMPLETE: u16 = 10176;
    const MESSAGE_TOO_LARGE: u16 = 10054;
    /// Limits that a stream of logs must not have, in answers with status 503.
    const FULL: [u16; 3] = [10077, 10047, 10023];

    pub(crate) fn is_conflict(&self) -> bool {
        matches!(
            self.err_code,
            Self::WRONG_LAST_SEQUENCE | Self::WRONG_LAST_SEQUENCE_IN_FLIGHT
        )
    }

    /// The sequence of the last message on the subject, if the server says it.
    pub(crate) fn actual(&self) -> Option<u64> {
        let (_, number) = self.description.rsplit_once("wrong last sequence: ")?;
        number.trim().parse().ok()
    }

    pub(crate) fn is_duplicate_in_batch(&self) -> bool {
        self.err_code == Self::BATCH_DUPLICATE_ID
    }

    pub(crate) fn may_be_too_large(&self) -> bool {
        matches!(
            self.err_code,
            Self::MESSAGE_TOO_LARGE | Self::BATCH_INCOMPLETE
        )
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        let is_passing = matches!(self.code, 408 | 409 | 429 | 500 | 503);
        (is_passing || self.err_code == Self::BATCH_INCOMPLETE)
            && !Self::FULL.contains(&self.err_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16, err_code: u16, description: &str) -> Refusal {
        let description = description.into();
        Refusal {
            code,
            err_code,
            description,
        }
    }

    #[test]
    fn both_codes_are_conflicts_and_one_of_them_says_the_sequence() {
        let known = refusal(400, 10071, "wrong last sequence: 42");
        assert!(known.is_conflict());
        assert_eq!(known.actual(), Some(42));
        let in_flight = refusal(400, 10164, "wrong last sequence");
        assert!(in_flight.is_conflict());
        assert_eq!(in_flight.actual(), None);
        assert!(!refusal(400, 10060, "expected stream does not match").is_conflict());
    }

    #[test]
    fn a_full_stream_is_not_mended_by_another_try() {
        assert!(refusal(503, 10163, "temporarily unavailable").is_temporary());
        assert!(refusal(400, 10176, "atomic publish batch is incomplete").is_temporary());
        assert!(!refusal(503, 10077, "maximum messages per subject exceeded").is_temporary());
    }
}
