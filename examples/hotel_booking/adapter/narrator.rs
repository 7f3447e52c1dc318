//! How the story is printed: who does what, and what came of it.

use std::io::{self, Write};

use eventmodel::store::{AuditEntry, Outcome};
use eventmodel::{App, Decide, ExecuteError, ExecuteOptions, RecordedEvent, Rejection};

use super::demo::DemoError;

/// Prints what happens.
pub(crate) struct Narrator<W> {
    app: App,
    out: W,
}

impl<W: Write> Narrator<W> {
    pub(crate) fn new(app: App, out: W) -> Self {
        Self { app, out }
    }

    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{text}\n")
    }

    /// Somebody does something.
    pub(crate) fn who(&mut self, who: &str, does: &str) -> io::Result<()> {
        writeln!(self.out, "{who:<9}{does}")
    }

    /// What came of it.
    pub(crate) fn then(&mut self, what: &str) -> io::Result<()> {
        writeln!(self.out, "{:<9}  {what}", "")
    }

    /// Somebody executes a command.
    pub(crate) async fn execute<C: Decide>(
        &mut self,
        who: &str,
        does: &str,
        command: C,
    ) -> Result<(), DemoError> {
        let options = ExecuteOptions::new().source(who);
        self.execute_with(who, does, command, options).await
    }

    /// As [`execute`](Self::execute), with options.
    pub(crate) async fn execute_with<C: Decide>(
        &mut self,
        who: &str,
        does: &str,
        command: C,
        options: ExecuteOptions,
    ) -> Result<(), DemoError> {
        self.who(who, does)?;
        match self.app.execute_with(command, options).await {
            Ok(receipt) if receipt.already_committed => {
                let position = receipt.position;
                self.then(&format!(
                    "done before: the first receipt, at position {position}"
                ))?;
            }
            Ok(receipt) => self.events(&receipt.events)?,
            Err(ExecuteError::Rejected(rejection)) => {
                self.then(&format!("refused, {}: {rejection}", rejection.code()))?;
            }
            Err(error) => return Err(DemoError::Command(error.erase())),
        }
        Ok(())
    }

    /// Events, each with its position.
    pub(crate) fn events(&mut self, events: &[RecordedEvent]) -> io::Result<()> {
        for event in events {
            let (position, subject) = (event.position(), event.subject());
            let payload = String::from_utf8_lossy(event.payload());
            let line = format!(
                "{position:>3}  {:<22} {subject}  {payload}",
                event.event_type()
            );
            self.then(&line)?;
        }
        Ok(())
    }

    /// Commands and how they ended.
    pub(crate) fn audit<'a>(
        &mut self,
        entries: impl IntoIterator<Item = &'a AuditEntry>,
    ) -> io::Result<()> {
        for entry in entries {
            let outcome = match &entry.outcome {
                Outcome::Accepted {
                    events,
                    already_committed,
                } => {
                    let at = |event: &eventmodel::store::AuditedEvent| event.position.to_string();
                    let positions = events.iter().map(at).collect::<Vec<_>>().join(", ");
                    let before = if *already_committed {
                        ", done before"
                    } else {
                        ""
                    };
                    format!("accepted  {positions}{before}")
                }
                Outcome::Rejected { code, .. } => format!("refused   {code}"),
                other => format!("{other:?}"),
            };
            // What followed from the command above.
            let indent = if entry.causation_id.is_some() {
                "  "
            } else {
                ""
            };
            let (source, command) = (format!("{indent}{}", entry.source), &entry.command);
            writeln!(self.out, "{source:<15}{command:<18}{outcome}")?;
        }
        Ok(())
    }
}
