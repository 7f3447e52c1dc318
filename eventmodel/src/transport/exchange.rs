//! A request that becomes a command.

use super::kinds;
use super::problem::Problem;
use crate::engine::{App, ExecuteError, ExecuteOptions, Failure};
use crate::model::{CommandEntry, JsonText, Violations};
use crate::record::Receipt;

impl App {
    /// Executes the command whose body is this JSON text.
    ///
    /// # Errors
    /// As [`execute_with`](Self::execute_with); [`ExecuteError::Invalid`] with the path of a field that is missing, has
    /// the wrong type, or holds a number that the field would change ([`JsonText::deserialize`]).
    pub async fn execute_json(
        &self,
        command: &CommandEntry,
        body: &JsonText,
        options: ExecuteOptions,
    ) -> Result<Receipt, Failure> {
        let mut command = command.read(body).map_err(|violation| {
            self.count_refused(&Problem::of(kinds::INVALID));
            let mut violations = Violations::new();
            violations.push(violation);
            ExecuteError::Invalid(violations)
        })?;
        self.execute_erased(&mut *command, options).await
    }
}
