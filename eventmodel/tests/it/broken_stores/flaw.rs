//! What can be wrong with a store.

use eventmodel::record::Subject;
use eventmodel::store::Read;
use eventmodel::{Position, RecordedEvent};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Nothing,
    IgnoresGuards,
    IgnoresGuardsOfWhatIsOnlyRead,
    TakesAnyFirstEvent,
    TakesGuardsAhead,
    TestsGuardsBeforeTheLock,
    MixesUpGuards,
    TellsAWrongRevisionInAConflict,
    ForgetsIds,
    TakesAnyCommandUnderAUsedId,
    TakesAllForAbsent,
    SharesIdsBetweenLogs,
    StoresAPartBeforeAConflict,
    StoresTheEventsOneByOne,
    LosesAnEventOfABatch,
    DuplicatesForFollowers,
    LosesForFollowers,
    EndsForFollowers,
    StartsOneLate,
    DeliversCopies,
    IgnoresPatterns,
    ReadsOnlyTheFirstSubject,
    TakesAnyNumber,
    TellsNoLogFromAnother,
    TruncatesLoads,
    IgnoresFloors,
    TellsTheRevisionOfTheLog,
    CountsCopiesInTheLastPosition,
    SharesHistoryOfKeys,
    RoundsTimes,
    DropsCausation,
    ReadsPayloadsAsText,
    StoresWhatFitsOfABatch,
    ForgetsWhenOpened,
    CreatesMissingLogs,
}

impl Flaw {
    /// Whether a reader waits at the end of the log.
    pub(crate) fn waits(self, read: &Read) -> bool {
        read.follow && self != Self::EndsForFollowers
    }

    /// How often the event in this place is delivered to a reader. It stands on its first subject, or is a copy.
    pub(crate) fn deliveries(
        self,
        place: usize,
        event: &RecordedEvent,
        first: bool,
        read: &Read,
    ) -> usize {
        let start = match self {
            Self::StartsOneLate if read.after > Position::START => read.after.get() + 4,
            _ => read.after.get(),
        };
        if event.position().get() <= start || !first && self != Self::DeliversCopies {
            return 0;
        }
        let subjects = &event.metadata().subjects;
        let count = match self {
            Self::ReadsOnlyTheFirstSubject => 1,
            _ => subjects.len(),
        };
        let fits = |subject: &Subject| read.subjects.iter().any(|p| p.matches(subject));
        let chosen = read.subjects.is_empty()
            || self == Self::IgnoresPatterns
            || subjects[..count].iter().any(fits);
        match self {
            _ if !chosen => 0,
            Self::DuplicatesForFollowers if read.follow && place % 11 == 10 => 2,
            Self::LosesForFollowers if read.follow && place % 11 == 10 => 0,
            _ => 1,
        }
    }
}
