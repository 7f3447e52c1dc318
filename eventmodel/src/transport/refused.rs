//! Requests that never became a command, by what was wrong with them.

use jiff::Timestamp;

use super::kinds::{self, ProblemKind};
use super::problem::Problem;
use crate::engine::App;
use crate::trouble::limited;

/// How many requests adapters refused for one reason before they became a command, since the app started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The reason.
    pub kind: &'static ProblemKind,
    /// How many.
    pub requests: u64,
    /// When the last one was refused.
    pub last: Timestamp,
}

impl App {
    /// Counts a request that an adapter refused before it became a command, by the kind of the problem. Counts only
    /// [kinds that all adapters know](crate::transport::kinds).
    ///
    /// The audit trail does not hold such requests, only commands. [`execute_json`](Self::execute_json) itself counts a
    /// body that does not fit its command.
    ///
    /// ```
    /// # use eventmodel::{App, EventModel, MemoryStore};
    /// use eventmodel::transport::{Problem, kinds};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let app = EventModel::new("hotel").start(MemoryStore::new()).await?;
    /// let problem = Problem::of(kinds::UNKNOWN_COMMAND);
    /// app.count_refused(&problem);
    /// assert_eq!(app.refused()[0].requests, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn count_refused(&self, problem: &Problem) {
        let Some(kind) = problem.kind() else {
            return;
        };
        let (status, code, title) = (kind.status, kind.code, kind.title);
        limited!(WARN, "a request is no command", status, code, title);
        self.count_refused_as(code);
    }

    /// How many requests adapters refused before they became a command, since the app started, by what was wrong.
    pub fn refused(&self) -> Vec<Refused> {
        let counts = self.refused_by_code().into_iter();
        let kind = |code| kinds::ALL.iter().find(|kind| kind.code == code);
        let refused = |(code, (requests, last))| {
            kind(code).map(|kind| Refused {
                kind,
                requests,
                last,
            })
        };
        counts.filter_map(refused).collect()
    }
}
