//! A route whose body is one command.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use eventmodel::board::CommandEntry;
use eventmodel::transport::internal;
use eventmodel::{Decide, ExecuteError, Failure};

use crate::problem::Problem;
use crate::request::{body, headers};
use crate::{Http, receipt};

/// A handler of a route whose body is a command. Made by [`Http::command`].
pub struct CommandHandler<C> {
    pub(super) http: Arc<Http>,
    pub(super) entry: Option<CommandEntry>,
    pub(super) command: PhantomData<fn() -> C>,
}

impl<C: Decide> CommandHandler<C> {
    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let deadline = self.http.deadline();
        let Some(entry) = self.entry.clone() else {
            let command = C::INFO.ty.name;
            return Err(internal(
                &ExecuteError::<Failure>::NotInModel { command },
                "routing a command",
            )
            .into());
        };
        let (parts, body) = request.into_parts();
        let http = &self.http;
        let headers = http.counted(headers::of_command(&parts.headers))?;
        let body = body::json(&parts.headers, body, http.options.body_limit, deadline).await;
        let body = http.counted(body)?;
        let receipt = http.exchange.execute_bare(entry, body, &headers, deadline);
        receipt::answer(&receipt.await?)
    }
}

impl<C: Decide, S> Handler<C, S> for CommandHandler<C> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, _: S) -> Self::Future {
        Box::pin(async move {
            let result = self.handle(request).await;
            self.http.answer(result)
        })
    }
}

impl<C> Clone for CommandHandler<C> {
    fn clone(&self) -> Self {
        Self {
            http: self.http.clone(),
            entry: self.entry.clone(),
            command: PhantomData,
        }
    }
}

impl<C> fmt::Debug for CommandHandler<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommandHandler").field(&self.entry).finish()
    }
}
