//! Whether the app keeps states as snapshots, and which state a snapshot belongs to.

use xxhash_rust::xxh3::xxh3_64;

use super::options::AppOptions;
use crate::board::EventModel;
use crate::model::ErasedSlot;
use crate::store::Store;

mod executable;

/// The version of the format in which states are written.
const FORMAT: u8 = 1;

/// What all snapshots of an app share.
#[derive(Debug)]
pub(super) struct Snapshots {
    build: u64,
    /// How many bytes the store keeps for one instance.
    pub(super) max: usize,
}

impl Snapshots {
    /// `None` if no state allows snapshots, the store keeps none, or nothing tells this build of the program from
    /// others.
    pub(super) async fn of(
        model: &EventModel,
        store: &dyn Store,
        options: &AppOptions,
    ) -> Option<Self> {
        let max = store.limits().snapshot;
        let commands = model.commands();
        let mut states = commands.iter().flat_map(|entry| entry.info().states);
        let opts_in = states.any(|state| state.projection.is_some_and(|p| p.snapshot));
        if max == 0 || !opts_in {
            return None;
        }
        let build = match &options.build {
            Some(name) => Some(xxh3_64(name.as_bytes())),
            None => executable::fingerprint().await,
        };
        if build.is_none() {
            tracing::warn!(
                model = %model.name(),
                "no snapshots of states: it is not known which file this program runs from; name its build with \
                 `AppOptions::build`"
            );
        }
        Some(Self { build: build?, max })
    }

    /// The fold that a snapshot of this state must come from; `None` if the state is not kept as a snapshot.
    pub(super) fn fold_of(&self, slot: &dyn ErasedSlot) -> Option<u64> {
        let info = slot.info();
        // Two types in different functions, or of two versions of a crate, may have the same name.
        let (name, file, line) = (slot.type_name(), info.ty.file, info.ty.line);
        info.snapshot.then(|| {
            let (build, place) = (self.build, format_args!("{file}:{line}"));
            xxh3_64(format!("{FORMAT} {build:016x} {name} {place}").as_bytes())
        })
    }
}
