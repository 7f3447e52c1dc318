//! The event model: its slices in the order of time. It is also the registration, there is no second list.

use std::sync::Arc;

use crate::record::Vocabulary;
use crate::store::LogSpec;

use super::{AutomationEntry, CommandEntry, ModelError, Slice, Step, ViewEntry, check, entries};

/// One bounded context: its slices in the order of time.
///
/// ```
/// # use eventmodel::{Command, Decide, Decision, Event, EventModel, MemoryStore, Slice, Stream, emit};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
/// # #[stream(subject = "room.{room}")]
/// # struct Room { room: u32 }
/// # #[derive(Event, Serialize, Deserialize)]
/// # #[event(stream = Room)]
/// # struct RoomCreated { room: u32 }
/// # #[derive(Command, Serialize, Deserialize)]
/// # #[command(emits(RoomCreated))]
/// # struct CreateRoom { room: u32 }
/// # impl Decide for CreateRoom {
/// #     fn decide(&self, (): &()) -> Decision<Self> { emit(RoomCreated { room: self.room }) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hotel = EventModel::new("hotel")
///     .slice(Slice::new("Manager adds a room").actor("Manager").command::<CreateRoom>());
/// let app = hotel.start(MemoryStore::new()).await?;
/// let receipt = app.execute(CreateRoom { room: 1 }).await?;
/// assert_eq!(receipt.events.len(), 1);
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EventModel {
    name: Arc<str>,
    slices: Vec<Slice>,
}

impl EventModel {
    /// A model without slices. Its log has the name of the model; a stream may name another log.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            slices: Vec::new(),
        }
    }

    /// Adds the next step of the story.
    #[must_use]
    pub fn slice(mut self, slice: Slice) -> Self {
        self.slices.push(slice);
        self
    }

    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The slices, in the order of time.
    pub fn slices(&self) -> &[Slice] {
        &self.slices
    }

    /// The commands of all slices and of their automations, each once.
    pub fn commands(&self) -> Vec<CommandEntry> {
        let offered = self.steps().filter_map(Step::as_command).cloned();
        let issued = self
            .automations()
            .into_iter()
            .flat_map(|entry| entry.info().commands());
        once_each(offered.chain(issued), CommandEntry::type_id)
    }

    /// The views of all slices, each once.
    pub fn views(&self) -> Vec<ViewEntry> {
        once_each(
            self.steps().filter_map(Step::as_view).cloned(),
            ViewEntry::type_id,
        )
    }

    /// The automations of all slices, each once.
    pub fn automations(&self) -> Vec<AutomationEntry> {
        once_each(
            self.steps().filter_map(Step::as_automation).cloned(),
            AutomationEntry::type_id,
        )
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.slices.iter().flat_map(Slice::steps)
    }

    /// Finds what is wrong with the model, all of it. [`start`](Self::start) does it too.
    ///
    /// # Errors
    /// [`ModelError`] with every problem: commands over two logs, overlapping subjects, names that are used twice.
    pub fn check(&self) -> Result<(), ModelError> {
        check::check(self)
    }

    /// The logs that the model needs.
    pub fn logs(&self) -> Vec<LogSpec> {
        entries::logs(self)
    }

    /// The events that it knows.
    pub fn vocabulary(&self) -> Vocabulary {
        entries::vocabulary(self)
    }
}

/// What is used in a later slice again is the same thing, not a second one.
fn once_each<T, K: PartialEq>(items: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    for item in items {
        if !all.iter().any(|known| key(known) == key(&item)) {
            all.push(item);
        }
    }
    all
}
