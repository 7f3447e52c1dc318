//! What a server refuses, and by which code.
//!
//! The error kinds of the client library do not distinguish all refusals; the codes do.

use serde::Deserialize;

/// The error in an answer of JetStream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{description} (code {err_code}, status {code})")]
pub(crate) struct Refusal {
    /// As HTTP status codes.
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
    /// A message of a batch has a used id.
    const BATCH_DUPLICATE_ID: u16 = 10201;
    /// The server refused or lost a message of the batch, or the leader changed: nothing of it is stored.
    const BATCH_INCOMPLETE: u16 = 10176;
    /// Too few servers for the copies of a stream: the description says why.
    const NO_PEERS: u16 = 10005;
    const MESSAGE_TOO_LARGE: u16 = 10054;
    /// The stream stored nothing: the description says why.
    const STORE_FAILED: u16 = 10077;
    /// The limits of the account: bytes, consumers, streams.
    const ACCOUNT_FULL: [u16; 3] = [10002, 10026, 10027];
    /// `max_file_store` and `max_memory_store` of the servers, for a publish and for a new stream.
    const SERVERS_FULL: [u16; 3] = [10023, 10028, 10047];

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

    /// How to make room, if the server refused for lack of it.
    pub(crate) fn room(&self) -> Option<&'static str> {
        let code = self.err_code;
        if code == Self::STORE_FAILED && self.description.contains("exceeded") {
            return Some(
                "raise this limit of the JetStream stream: `nats stream edit <stream>` with `--max-bytes=<bytes>` or \
                 `--max-msgs=<number>`",
            );
        }
        if Self::ACCOUNT_FULL.contains(&code) {
            return Some("raise the limits of the account, which `nats account info` shows");
        }
        Self::SERVERS_FULL.contains(&code).then_some(
            "raise `max_file_store` of the servers (for storage in memory `max_memory_store`), or give them a larger \
             disk, and restart them",
        )
    }

    /// Whether a new leader just has not heard of the other servers yet: tags and storage would be named.
    fn may_find_peers(&self) -> bool {
        let description = &self.description;
        description.contains("peer offline") || description.contains("miscellaneous issue")
    }

    /// Whether the same request may soon succeed by itself.
    pub(crate) fn is_temporary(&self) -> bool {
        let is_passing = matches!(self.code, 408 | 409 | 429 | 500 | 503)
            || self.err_code == Self::BATCH_INCOMPLETE
            || self.err_code == Self::NO_PEERS && self.may_find_peers();
        is_passing && self.room().is_none()
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
    fn a_stream_whose_tags_no_server_has_finds_no_place_later() {
        let tags = "no suitable peers for placement, tags not matched ['eu']";
        assert!(!refusal(400, 10005, tags).is_temporary());
    }

    #[test]
    fn what_has_no_room_is_told_from_what_passes_by_itself() {
        for (code, err_code, description) in [
            (503, 10163, "temporarily unavailable"),
            (400, 10176, "atomic publish batch is incomplete"),
            (400, 10005, "no suitable peers for placement, peer offline"),
            (503, 10077, "store is closed"),
            (500, 10049, "error creating store for stream"),
        ] {
            let refusal = refusal(code, err_code, description);
            assert!(
                refusal.is_temporary() && refusal.room().is_none(),
                "{refusal}"
            );
        }
        for (code, err_code, description) in [
            (503, 10077, "maximum bytes exceeded"),
            (503, 10077, "maximum messages per subject exceeded"),
            (400, 10002, "resource limits exceeded for account"),
            (400, 10026, "maximum consumers limit reached"),
            (503, 10023, "insufficient resources"),
            (500, 10047, "insufficient storage resources available"),
        ] {
            let refusal = refusal(code, err_code, description);
            assert!(
                !refusal.is_temporary() && refusal.room().is_some(),
                "{refusal}"
            );
        }
    }
}
