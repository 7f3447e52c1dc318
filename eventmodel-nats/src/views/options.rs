//! Where a store hosts views.

use std::collections::BTreeMap;

use eventmodel::Projection;
use eventmodel::memory::MemoryViews;

/// Where a store hosts views; see [`NatsStoreBuilder::views`](crate::NatsStoreBuilder::views).
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
/// A value is `{"log":"hotel","position":42,"state":{..}}`: the state, and the last event in it. `=` and two digits
/// stand for a character of a key that a bucket does not take: `a.b` is `a=2Eb`. The keys `=checkpoint.<log>` say how
/// far the view is in each log.
///
/// Every process of the app may host the view; together they apply each event once. The state must survive a round trip
/// through its JSON.
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
    /// One value of each key, version 1, and 10,000 instances of each view remembered in the process.
    pub fn new() -> Self {
        Self {
            history: 1,
            cache: 10_000,
            versions: BTreeMap::new(),
        }
    }

    /// Keeps so many values of each key, from 1 to 64, for `nats kv history`. *Default:* 1.
    pub fn history(mut self, values: u8) -> Self {
        self.history = i64::from(values.clamp(1, 64));
        self
    }

    /// Remembers so many instances of each view in this process, so that it need not read them before it writes them.
    /// *Default:* 10,000.
    pub fn cache(mut self, instances: usize) -> Self {
        self.cache = instances;
        self
    }

    /// The version of a view. Raise it when the fold changes: the code of its time folded what a bucket holds. The
    /// app refuses to start if the fold handles other events than the bucket was built from; nothing notices any
    /// other change. *Default:* 1.
    ///
    /// Each version has a bucket of its own, next to the old one. The first process that hosts it builds it from the
    /// first event. A process answers only from the bucket of its own version, and not before that holds everything
    /// that was in the log when the process started: until then a question waits for as long as
    /// [`View::within`](eventmodel::View::within) says, and then fails with
    /// [`ViewError::NotReached`](eventmodel::ViewError::NotReached), which says how far the view is. So, to deploy:
    ///
    /// 1. Start processes of the new version beside the old ones, which go on.
    /// 2. Send them requests when [`App::settled`](eventmodel::App::settled) says that their views are complete,
    ///    including what was written during the build.
    /// 3. Stop the old ones, and delete the old bucket: `nats kv del hotel-booking_Availability_v1`.
    ///
    /// The processes fill the two buckets independently, so one can be a moment behind the other. A client that must
    /// not see less than before on another process says what it has seen: [`View::after`](eventmodel::View::after) with
    /// the highest position of an entry or a receipt.
    ///
    /// The bucket `eventmodel_views` tells other programs the newest version that was once complete. It moves from one
    /// version to the next in one step, and never back:
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

/// A name in the characters that a bucket takes.
pub(super) fn token(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.replace(|c| !fits(c), "-")
}
