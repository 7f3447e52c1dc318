//! Commands: the route for all of them, and what a handler of one's own needs.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::LOCATION;
use axum::response::Response;
use eventmodel::board::CommandEntry;
use eventmodel::transport::{CommandBody, CommandContext, CommandHeaders};
use eventmodel::{Decide, ExecuteError};
use tokio::time::Instant;

use crate::problem::{Problem, kinds};
use crate::request::url::Target;
use crate::request::{body, headers};
use crate::{Http, receipt};

mod handler;

pub use handler::CommandHandler;

/// `PUT /mutation/<command>`
pub(crate) async fn mutation(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let deadline = http.deadline();
    let asked = asked(&http, request, deadline).await;
    let Asked {
        target,
        entry,
        headers,
        body,
    } = http.counted(asked)?;
    let exchange = &http.exchange;
    let receipt = exchange.execute(entry, body, &headers, deadline).await?;
    let mut response = receipt::answer(&receipt)?;
    if let Some(location) = receipt::location(&http, &target.mount, &receipt) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// A request that is for a command.
struct Asked {
    target: Target,
    entry: CommandEntry,
    headers: CommandHeaders,
    body: CommandBody,
}

async fn asked(http: &Http, request: Request, deadline: Instant) -> Result<Asked, Problem> {
    let target = Target::of(&request, "/mutation")?;
    let entry = match &target.parts[..] {
        [address] => http
            .commands
            .get(address.as_str())
            .filter(|entry| !entry.is_internal()),
        _ => None,
    };
    let entry = entry
        .cloned()
        .ok_or_else(|| Problem::of(kinds::UNKNOWN_COMMAND))?;
    let (parts, body) = request.into_parts();
    let headers = headers::of_command(&parts.headers)?;
    let body = body::json(&parts.headers, body, http.options.body_limit, deadline).await?;
    Ok(Asked {
        target,
        entry,
        headers,
        body: CommandBody::read(&body)?,
    })
}

impl Http {
    /// Executes a command in a handler of your own, with what the headers of the request say about it
    /// (`Idempotency-Key`, `If-Match`, `If-None-Match`, `X-Correlation-Id`, `traceparent`), and answers with the
    /// receipt or the problem, as `PUT /mutation/<command>` does.
    ///
    /// ```
    /// # use eventmodel::{Command, Decide, Decision, Event, Stream, emit};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
    /// # #[stream(subject = "device.{device}")]
    /// # struct Device { device: String }
    /// # #[derive(Event, Serialize, Deserialize)]
    /// # #[event(stream = Device)]
    /// # struct DeviceConnected { device: String }
    /// # #[derive(Command, Serialize, Deserialize)]
    /// # #[command(emits(DeviceConnected))]
    /// # struct Connect { device: String }
    /// # impl Decide for Connect {
    /// #     fn decide(&self, (): &()) -> Decision<Self> { emit(DeviceConnected { device: self.device.clone() }) }
    /// # }
    /// use axum::extract::{Path, State};
    /// use axum::http::HeaderMap;
    /// use axum::response::Response;
    /// use axum::routing::post;
    /// use eventmodel_http::Http;
    ///
    /// async fn connect(State(http): State<Http>, Path(device): Path<String>, headers: HeaderMap) -> Response {
    ///     http.execute(Connect { device }, &headers).await
    /// }
    ///
    /// # fn example(http: Http) {
    /// let router: axum::Router = axum::Router::new()
    ///     .route("/devices/{device}/connect", post(connect))
    ///     .with_state(http.clone())
    ///     .merge(http.router());
    /// # }
    /// ```
    pub async fn execute<C: Decide>(&self, command: C, headers: &HeaderMap) -> Response {
        self.answer(self.try_execute(command, headers).await)
    }

    async fn try_execute<C: Decide>(
        &self,
        command: C,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let deadline = self.deadline();
        let headers = self.counted(headers::of_command(headers))?;
        let receipt = self.exchange.execute_typed(command, &headers, deadline);
        receipt::answer(&receipt.await?)
    }

    /// A handler for a route of your own whose body is the command itself, without `data` around it.
    ///
    /// ```
    /// # use eventmodel::{Command, Decide, Decision, Event, Stream, emit};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
    /// # #[stream(subject = "device.{device}")]
    /// # struct Device { device: String }
    /// # #[derive(Event, Serialize, Deserialize)]
    /// # #[event(stream = Device)]
    /// # struct DeviceRegistered { device: String }
    /// # #[derive(Command, Serialize, Deserialize)]
    /// # #[command(emits(DeviceRegistered))]
    /// # struct RegisterDevice { device: String }
    /// # impl Decide for RegisterDevice {
    /// #     fn decide(&self, (): &()) -> Decision<Self> { emit(DeviceRegistered { device: self.device.clone() }) }
    /// # }
    /// # fn example(http: eventmodel_http::Http) {
    /// use axum::routing::post;
    ///
    /// let router: axum::Router = http.router().route("/devices", post(http.command::<RegisterDevice>()));
    /// # }
    /// ```
    pub fn command<C: Decide>(&self) -> CommandHandler<C> {
        let entry = self.commands.get(&C::INFO.address());
        let is_it = |entry: &&CommandEntry| {
            let (a, b) = (&entry.info().ty, &C::INFO.ty);
            (a.module, a.name) == (b.module, b.name)
        };
        CommandHandler {
            http: Arc::new(self.clone()),
            entry: entry.filter(is_it).cloned(),
            command: PhantomData,
        }
    }

    /// A failed command as a problem, for a handler that executes it by itself.
    pub fn problem<C: Decide>(&self, error: ExecuteError<C::Rejection>) -> Problem {
        let context = CommandContext::new(C::INFO, "");
        Problem::from(context.problem(error.erase())).based(&self.options.problem_types)
    }
}
