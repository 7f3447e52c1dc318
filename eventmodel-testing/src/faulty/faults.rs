//! How often which fault is injected, and how often it was.

/// Which faults a [`FaultyStore`](super::FaultyStore) injects, and how often: rates from 0, never, to 1, always.
///
/// [`Faults::default`] has some of each, [`Faults::none`] none. The same seed gives the same faults, as long as the
/// same operations come in the same order.
///
/// ```
/// use eventmodel_testing::Faults;
///
/// let some_of_all = Faults::default().seed(7);
/// let only_lost_acks = Faults::none().seed(7).lost_acks(0.2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    pub(super) seed: u64,
    pub(super) lost_requests: f64,
    pub(super) lost_acks: f64,
    pub(super) late_appends: f64,
    pub(super) conflicts: f64,
    pub(super) unavailable: f64,
    pub(super) stale_reads: f64,
    pub(super) broken_reads: f64,
    pub(super) duplicates: f64,
    pub(super) delays: f64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: 0,
            lost_requests: 0.03,
            lost_acks: 0.05,
            late_appends: 0.05,
            conflicts: 0.05,
            unavailable: 0.02,
            stale_reads: 0.1,
            broken_reads: 0.02,
            duplicates: 0.1,
            delays: 0.3,
        }
    }
}

macro_rules! rates {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, rate: f64) -> Self {
            self.$name = rate;
            self
        }
    )*};
}

impl Faults {
    /// No faults.
    pub fn none() -> Self {
        Self {
            seed: 0,
            lost_requests: 0.0,
            lost_acks: 0.0,
            late_appends: 0.0,
            conflicts: 0.0,
            unavailable: 0.0,
            stale_reads: 0.0,
            broken_reads: 0.0,
            duplicates: 0.0,
            delays: 0.0,
        }
    }

    /// What chance starts from.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    rates! {
        /// An append does not reach the store, and its outcome is unknown.
        lost_requests
        /// An append is made, and its outcome is unknown.
        lost_acks
        /// The outcome of an append is unknown, and it reaches the store later, after some other operations, or
        /// when [`FaultyStore::deliver_late`](super::FaultyStore::deliver_late) is called, or never.
        late_appends
        /// An append ends in a conflict, with the subject and its revision, with the subject alone, or with neither,
        /// though its guards hold: another write was under way, which then failed too.
        conflicts
        /// The store does not answer an append, a load, a question for a revision or for a command, or does not take
        /// note that an event was handled.
        unavailable
        /// A stream instance is loaded as it was some appends before, though never before the floor of the load.
        stale_reads
        /// A log that is being read ends in an error.
        broken_reads
        /// An event comes a second time into the inbox of an automation.
        duplicates
        /// The store, or a subscription, takes its time: other tasks go first, or some milliseconds pass. Without
        /// it nothing happens at the same time on a store in memory.
        delays
    }
}

/// How often which fault was injected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Injected {
    /// Appends that never reached the store.
    pub lost_requests: u64,
    /// Appends that were made, and whose answer was lost.
    pub lost_acks: u64,
    /// Appends that were put aside, to be made later.
    pub late_appends: u64,
    /// Of these, those that were made later, and stored something then.
    pub late_stored: u64,
    /// Conflicts though the guards held.
    pub conflicts: u64,
    /// Answers that the store is not available.
    pub unavailable: u64,
    /// Answers from an older point.
    pub stale_reads: u64,
    /// Reads of a log that broke off.
    pub broken_reads: u64,
    /// Events that an inbox delivered again.
    pub duplicates: u64,
    /// Operations and events that took their time.
    pub delays: u64,
}

impl Injected {
    /// How many faults there were. A delay is none.
    pub fn total(&self) -> u64 {
        self.lost_requests
            + self.lost_acks
            + self.late_appends
            + self.conflicts
            + self.unavailable
            + self.stale_reads
            + self.broken_reads
            + self.duplicates
    }
}
