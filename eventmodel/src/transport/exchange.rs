//! From a request to its answer, the same for every adapter.

use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::failure::CommandContext;
use super::headers::CommandHeaders;
use super::kinds;
use super::problem::Problem;
use super::request::CommandBody;
use crate::engine::{App, ExecuteError, ExecuteOptions, Failure};
use crate::model::{CommandEntry, Decide, JsonText, Violations};
use crate::record::Receipt;

/// Executes the commands of an adapter's requests, and returns the answer to each.
///
/// Each command runs in a task of its own. Once begun, it is decided, recorded and noted in the audit trail, even if
/// the sender goes away or the time of the request is over.
///
/// An adapter finds the [`CommandEntry`] of a request, reads [`CommandHeaders`] and [`CommandBody`], and writes a receipt
/// or a [`Problem`] back:
///
/// ```
/// use eventmodel::transport::{CommandBody, CommandHeaders, Exchange, JsonText, Problem};
/// # use eventmodel::board::CommandEntry;
/// # use eventmodel::{App, Receipt};
/// use tokio::time::{Duration, Instant};
///
/// async fn answer(exchange: &Exchange, command: CommandEntry, payload: &[u8]) -> Result<Receipt, Problem> {
///     let read = || {
///         let headers = CommandHeaders::read(|_name| Vec::new())?;
///         Ok((headers, CommandBody::read(&JsonText::read(payload)?)?))
///     };
///     let (headers, body) = exchange.counted(read())?;
///     let deadline = Instant::now() + Duration::from_secs(30);
///     exchange.execute(command, body, &headers, deadline).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    app: App,
    tasks: TaskTracker,
}

impl Exchange {
    /// The exchange of an adapter. Every execution is one of these tasks, so an adapter that stops can wait for them.
    pub fn new(app: App, tasks: TaskTracker) -> Self {
        Self { app, tasks }
    }

    /// Passes on what was read of a request, and counts a problem: see [`App::refused`].
    ///
    /// # Errors
    /// The problem.
    pub fn counted<T>(&self, read: Result<T, Problem>) -> Result<T, Problem> {
        read.inspect_err(|problem| self.app.count_refused(problem))
    }

    /// Executes the command of a body `{"data": {...}}`.
    ///
    /// # Errors
    /// The problem to answer with, if the command fails or does not end before the deadline. In the second case the
    /// execution goes on.
    pub async fn execute(
        &self,
        command: CommandEntry,
        body: CommandBody,
        headers: &CommandHeaders,
        deadline: Instant,
    ) -> Result<Receipt, Problem> {
        let context = headers.context(body.correlation_id, command.info(), "/data");
        self.json(command, body.data, headers, &context, deadline)
            .await
    }

    /// Executes the command that the whole body is.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn execute_bare(
        &self,
        command: CommandEntry,
        body: JsonText,
        headers: &CommandHeaders,
        deadline: Instant,
    ) -> Result<Receipt, Problem> {
        let context = headers.context(None, command.info(), "");
        self.json(command, body, headers, &context, deadline).await
    }

    /// Executes a command that the adapter has made by itself.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn execute_typed<C: Decide>(
        &self,
        command: C,
        headers: &CommandHeaders,
        deadline: Instant,
    ) -> Result<Receipt, Problem> {
        let context = headers.context(None, C::INFO, "");
        let (app, options) = (self.app.clone(), headers.options(&context));
        let execution = async move {
            let executed = app.execute_with(command, options).await;
            executed.map_err(ExecuteError::erase)
        };
        self.run(execution, &context, deadline).await
    }

    async fn json(
        &self,
        command: CommandEntry,
        body: JsonText,
        headers: &CommandHeaders,
        context: &CommandContext,
        deadline: Instant,
    ) -> Result<Receipt, Problem> {
        let (app, options) = (self.app.clone(), headers.options(context));
        let execution = async move { app.execute_json(&command, &body, options).await };
        self.run(execution, context, deadline).await
    }

    async fn run(
        &self,
        execution: impl Future<Output = Result<Receipt, Failure>> + Send + 'static,
        context: &CommandContext,
        deadline: Instant,
    ) -> Result<Receipt, Problem> {
        let running = self.tasks.spawn(execution.in_current_span());
        match timeout_at(deadline, running).await {
            Ok(Ok(result)) => result.map_err(|failure| context.problem(failure)),
            Ok(Err(panic)) => Err(context.panicked(&panic)),
            Err(_) => Err(context.still_running()),
        }
    }
}

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
