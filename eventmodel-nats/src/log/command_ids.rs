//! Which commands have written to an instance, as far as the store has read it, so that it need not search the whole
//! history for each caller's id.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};

use eventmodel::record::Subject;
use eventmodel::{CommandId, EventId};
use foldhash::fast::RandomState;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::sync::locked;

/// How many ids to keep, for all instances of a log together: 8 bytes each.
const KEPT: u64 = 4_000_000;

/// The store reads an instance with more ids again each time.
const LONGEST: usize = 100_000;

/// The ids by instance: all of them up to a sequence, or none.
pub(crate) struct CommandIds {
    instances: Cache<Subject, Known, Weigh>,
    hasher: RandomState,
}

#[derive(Default)]
struct Ids {
    /// The sequence of the last message seen.
    until: u64,
    /// Hashes. Two ids may share one.
    ids: Vec<u64>,
}

/// What the store knows of an instance. When it outgrows its room, `note` inserts it again with its new weight: the
/// cache needs constant weights.
#[derive(Clone, Default)]
struct Known {
    room: usize,
    ids: Arc<Mutex<Ids>>,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Subject, Known> for Weigh {
    fn weight(&self, _: &Subject, known: &Known) -> u64 {
        known.room.max(1) as u64
    }
}

impl Default for CommandIds {
    fn default() -> Self {
        const INSTANCES: usize = 10_000;
        Self {
            instances: Cache::with_weighter(INSTANCES, KEPT, Weigh),
            hasher: RandomState::default(),
        }
    }
}

impl CommandIds {
    /// The sequence up to which all ids of an instance are known; 0 if none is.
    pub(crate) fn until(&self, subject: &Subject) -> u64 {
        let known = self.instances.get(subject);
        known.map_or(0, |known| locked(&known.ids).until)
    }

    /// Notes the commands of all events after `after`, the known end, up to `until`.
    pub(crate) fn note<'a>(
        &self,
        subject: &Subject,
        after: u64,
        until: u64,
        events: impl Iterator<Item = &'a EventId>,
    ) {
        let known = match self.instances.get(subject) {
            Some(known) => known,
            None if after == 0 => Known::default(),
            None => return,
        };
        let mut ids = locked(&known.ids);
        if ids.until != after || until <= after {
            return;
        }
        for (command, _) in events.filter_map(EventId::split) {
            let hash = self.hasher.hash_one(command);
            // The events of a command stand next to each other.
            if ids.ids.last() != Some(&hash) {
                ids.ids.push(hash);
            }
        }
        ids.until = until;
        let (count, room) = (ids.ids.len(), ids.ids.capacity());
        drop(ids);
        if count > LONGEST {
            self.instances.remove(subject);
        } else if after == 0 || room > known.room {
            let ids = known.ids;
            self.instances.insert(subject.clone(), Known { room, ids });
        }
    }

    /// Whether a command may have written to an instance up to its last sequence; `None` if unknown.
    pub(crate) fn may_have(
        &self,
        subject: &Subject,
        last: u64,
        command: &CommandId,
    ) -> Option<bool> {
        let known = self.instances.get(subject)?;
        let ids = locked(&known.ids);
        let hash = self.hasher.hash_one(command.as_str());
        (ids.until >= last).then(|| ids.ids.contains(&hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(ids: &[&str]) -> Vec<EventId> {
        ids.iter().map(|id| EventId::new(id)).collect()
    }

    #[test]
    fn a_command_is_known_to_be_absent_only_up_to_what_was_seen() {
        let ids = CommandIds::default();
        let subject = Subject::new("booking.1").unwrap();
        let (first, other) = (CommandId::new("a/b").unwrap(), CommandId::new("c").unwrap());
        assert_eq!(ids.may_have(&subject, 7, &first), None);
        ids.note(&subject, 0, 7, events(&["a/b/0", "a/b/1"]).iter());
        assert_eq!(ids.may_have(&subject, 7, &first), Some(true));
        assert_eq!(ids.may_have(&subject, 7, &other), Some(false));
        assert_eq!(ids.may_have(&subject, 9, &other), None);
        ids.note(&subject, 7, 9, events(&["c/0"]).iter());
        assert_eq!(ids.may_have(&subject, 9, &other), Some(true));
        assert_eq!(ids.may_have(&subject, 9, &first), Some(true));
    }

    #[test]
    fn what_does_not_follow_on_what_was_seen_is_not_noted() {
        let ids = CommandIds::default();
        let subject = Subject::new("booking.1").unwrap();
        ids.note(&subject, 5, 9, events(&["b/0"]).iter());
        assert_eq!(ids.until(&subject), 0);
        ids.note(&subject, 0, 5, events(&["a/0"]).iter());
        ids.note(&subject, 3, 9, events(&["b/0"]).iter());
        assert_eq!(ids.until(&subject), 5);
    }

    #[test]
    fn an_instance_may_grow() {
        let ids = CommandIds::default();
        let subject = Subject::new("booking.1").unwrap();
        for n in 0..1_000 {
            let id = format!("{n}/0");
            ids.note(&subject, n, n + 1, events(&[&id]).iter());
        }
        for n in 0..1_000 {
            let id = CommandId::new(&n.to_string()).unwrap();
            assert_eq!(ids.may_have(&subject, 1_000, &id), Some(true));
        }
    }

    #[test]
    fn an_instance_with_too_many_is_not_kept() {
        let ids = CommandIds::default();
        let subject = Subject::new("booking.1").unwrap();
        let many: Vec<_> = (0..=LONGEST)
            .map(|n| EventId::new(&format!("{n}/0")))
            .collect();
        ids.note(&subject, 0, 9, many[..10].iter());
        assert_eq!(ids.until(&subject), 9);
        ids.note(&subject, 9, 20, many.iter());
        assert_eq!(ids.until(&subject), 0);
    }
}
