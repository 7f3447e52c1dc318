//! Where the views of a store live.

use std::collections::BTreeMap;

use eventmodel::Projection;
use eventmodel::view::MemoryViews;

/// Where the views of a store live; see [`NatsStoreBuilder::views`](crate::NatsStoreBuilder::views).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Views {
    /// In the memory of each process, folded from the first event at every start. Nothing is written.
    #[default]
    Memory,
    /// In KV buckets.
    Kv(KvViews),
}

impl From<MemoryViews> for Views {
    fn from(_: MemoryViews) -> Self {
        Self::Memory
    }
}

impl From<KvViews> for Views {
    fn from(views: KvViews) -> Self {
        Self::Kv(views)
    }
}

/// Views in KV buckets of the servers: kept across restarts, shared by the processes of an app, and readable by
/// anything that speaks NATS.
///
/// ```no_run
/// # async fn show() -> Result<(), eventmodel_nats::ConnectError> {
/// use eventmodel_nats::{KvViews, NatsStore};
///
/// let store = NatsStore::builder()
///     .views(KvViews::new().history(5))
///     .connect("nats://localhost:4222")
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// The view `Availability` of the model `hotel-booking` is in the bucket `hotel-booking_Availability_v1`:
///
/// ```sh
/// nats kv ls hotel-booking_Availability_v1
/// nats kv get hotel-booking_Availability_v1 1.2022-12-12
/// nats kv watch hotel-booking_Availability_v1
/// ```
///
/// A value is `{"log":"hotel","position":42,"state":{..}}`: the state, and the last event in it. A character of a key
/// that a bucket does not take is written as `=` and two digits: `a.b` is `a=2Eb`. The keys `=checkpoint.<log>` say
/// how far the view is in each log.
///
/// Every process of the app may host the view: each event is applied once. What the fold says must be what its JSON
/// says when it is read back.
#[derive(Clone, Debug)]
#[must_use]
pub struct KvViews {
    pub(super) history: i64,
    pub(super) cache: usize,
    pub(super) versions: BTreeMap<&'static str, u32>,
}

impl Default for KvViews {
    fn default() -> Self {
        Self::new()
    }
}

impl KvViews {
    /// One value of each key, and 10,000 of each view remembered in the process.
    pub fn new() -> Self {
        Self {
            history: 1,
            cache: 10_000,
            versions: BTreeMap::new(),
        }
    }

    /// Keeps so many values of each key, from 1 to 64: `nats kv history`.
    pub fn history(mut self, values: u8) -> Self {
        self.history = i64::from(values.clamp(1, 64));
        self
    }

    /// Remembers so many instances of each view in this process, so that they need not be read before they are
    /// written.
    pub fn cache(mut self, instances: usize) -> Self {
        self.cache = instances;
        self
    }

    /// The version of a view, 1 if it is not said. Raise it when the fold changes: what a bucket holds was folded by
    /// the code of its time. That other events are handled is noticed, and refused when the app starts; another change
    /// is not.
    ///
    /// Each version has a bucket of its own, which is built from the first event when the first process hosts it, next
    /// to the old one. A process answers from the bucket of its own version only, and not before that has all that was
    /// in the log when the process started: until then a question waits, for as long as
    /// [`View::within`](eventmodel::View::within) says, and fails with
    /// [`ViewError::NotReached`](eventmodel::ViewError::NotReached), which says how far the view is. So, to deploy:
    ///
    /// 1. Start processes of the new version beside the old ones, which go on.
    /// 2. Send them requests when [`App::settled`](eventmodel::App::settled) says that their views have all that there
    ///    is, also what was written while they were built.
    /// 3. Stop the old ones, and delete the old bucket: `nats kv del hotel-booking_Availability_v1`.
    ///
    /// The two buckets are filled one beside the other, so that the one can be a moment behind the other. Whoever must
    /// not be shown less than before when he is sent to another process says what he has seen:
    /// [`View::after`](eventmodel::View::after) with the highest position of an entry or a receipt.
    ///
    /// Other programs are told by the bucket `eventmodel_views`, which names the newest version that was complete
    /// once. It goes from one to the next in one step, and never back:
    ///
    /// ```sh
    /// nats kv get eventmodel_views hotel-booking.Availability
    /// ```
    pub fn version<P: Projection>(mut self, version: u32) -> Self {
        self.versions.insert(P::INFO.ty.name, version);
        self
    }

    pub(super) fn version_of(&self, view: &str) -> u32 {
        self.versions.get(view).copied().unwrap_or(1)
    }

    /// The name of the bucket of a view.
    pub(super) fn bucket(&self, model: &str, view: &str) -> String {
        let (model, view, version) = (token(model), token(view), self.version_of(view));
        format!("{model}_{view}_v{version}")
    }
}

/// A name as a bucket takes it.
pub(super) fn token(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.replace(|c| !fits(c), "-")
}
