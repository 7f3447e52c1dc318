//! Snapshots: a state of an instance, in a header of its last message.

use async_nats::HeaderMap;
use bytes::Bytes;
use eventmodel::Position;
use eventmodel::store::{LoadedSnapshot, Snapshot};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

use super::message::Stored;

/// One header for each fold, not one with several values: when the leader answers, the client keeps only the last
/// value.
fn header(fold: u64) -> String {
    format!("{PREFIX}{fold:016x}")
}

const PREFIX: &str = "Eventmodel-Snapshot-";

/// Whether a header is a snapshot.
pub(crate) fn is_header(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// How many bytes of snapshots a message carries at most: enough for most instances, and no burden for the others.
pub(crate) const MAX: usize = 1024;

/// What a header cannot hold. JSON stays readable.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// Adds the snapshots of a subject to the headers of its last message.
pub(crate) fn add<'a>(headers: &mut HeaderMap, snapshots: impl Iterator<Item = &'a Snapshot>) {
    for snapshot in snapshots {
        let state = percent_encode(&snapshot.state, ENCODED).to_string();
        headers.insert(header(snapshot.fold), state);
    }
}

/// The snapshot of a fold that a message carries.
pub(crate) fn of(message: &Stored, fold: u64) -> Option<LoadedSnapshot> {
    let state = message.headers.get(header(fold))?.as_str();
    let state: Vec<u8> = percent_decode_str(state).collect();
    Some(LoadedSnapshot {
        position: Position::new(message.sequence),
        state: Bytes::from(state),
    })
}

#[cfg(test)]
mod tests {
    use eventmodel::record::Subject;

    use super::*;

    #[test]
    fn any_bytes_come_back_to_the_fold_that_they_are_of() {
        let subject = Subject::new("booking.1").unwrap();
        let states: [&[u8]; 4] = [
            br#"{"a b":"100% \r\n"}"#,
            b"",
            &[0, 10, 13, 255],
            "é\n🦀".as_bytes(),
        ];
        let snapshots: Vec<_> = (7..)
            .zip(states)
            .map(|(fold, state)| Snapshot {
                subject: subject.clone(),
                fold,
                state: Bytes::from(state),
            })
            .collect();
        let mut headers = HeaderMap::new();
        add(&mut headers, snapshots.iter());
        let message = Stored {
            subject,
            sequence: 9,
            headers,
            payload: Bytes::new(),
        };
        for snapshot in snapshots {
            let loaded = of(&message, snapshot.fold).unwrap();
            assert_eq!(loaded.state, snapshot.state);
            assert_eq!(loaded.position, Position::new(9));
        }
        assert_eq!(of(&message, 6), None);
    }
}
