//! The adapter of one app: its options, and the routers made from it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};
use eventmodel::board::CommandEntry;
use eventmodel::engine::AnyView;
use eventmodel::record::Cursor;
use eventmodel::transport::{self, Exchange};
use eventmodel::{App, Position};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::problem::{Problem, kinds, pages};
use crate::{admin, commands, health, index, views};

/// The HTTP adapter of an app. [`router`](crate::router) is the short form; this one has options.
///
/// ```
/// # async fn example(app: eventmodel::App) {
/// use std::time::Duration;
/// use eventmodel_http::Http;
///
/// let http = Http::new(app)
///     .body_limit(64 * 1024)
///     .timeout(Duration::from_secs(10))
///     .problem_types("https://hotel.example/problems");
/// let router: axum::Router = axum::Router::new()
///     .nest("/api", http.router())
///     .nest("/internal", http.admin());
/// # }
/// ```
///
/// The routers are complete: `Router<()>`. To merge one into a router that still lacks its state, give it the type of
/// that state: `http.router().with_state(())`.
#[derive(Clone)]
pub struct Http {
    pub(crate) app: App,
    pub(crate) exchange: Exchange,
    pub(crate) options: Options,
    pub(crate) commands: Arc<HashMap<String, CommandEntry>>,
    /// In the order of the story.
    pub(crate) views: Arc<[(String, AnyView)]>,
    pub(crate) watchers: Arc<Semaphore>,
    pub(crate) closing: CancellationToken,
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) body_limit: usize,
    pub(crate) timeout: Duration,
    pub(crate) problem_types: Arc<str>,
    pub(crate) page_size: usize,
    pub(crate) keep_alive: Duration,
}

impl Http {
    /// The adapter of this app, with the defaults.
    pub fn new(app: App) -> Self {
        let model = app.model();
        let commands = model
            .commands()
            .into_iter()
            .map(|entry| (entry.info().address(), entry));
        let views = model.views().into_iter().filter_map(|view| {
            let address = view.address();
            let running = app.view_at(&address)?;
            Some((address, running))
        });
        Self {
            exchange: Exchange::new(app.clone(), TaskTracker::new()),
            commands: Arc::new(commands.collect()),
            views: views.collect(),
            watchers: Arc::new(Semaphore::new(1000)),
            closing: CancellationToken::new(),
            options: Options {
                body_limit: 1024 * 1024,
                timeout: Duration::from_secs(30),
                problem_types: transport::Problem::DEFAULT_BASE.into(),
                page_size: 1000,
                keep_alive: Duration::from_secs(15),
            },
            app,
        }
    }

    /// The largest body that the adapter reads, in bytes; it answers a larger one with 413. *Default:* 1 MiB.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.options.body_limit = bytes;
        self
    }

    /// How long a request may take. If its body has not arrived by then, the answer is 408. If its command has not
    /// ended by then, the answer is 503, and the command goes on: it may be committed. A live view may take as long as
    /// its client likes. *Default:* 30 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// What the types of problems start with: `https://hotel.example/problems`, or a path. Clients compare types, so
    /// these stay the same wherever the router is mounted. To make them lead to their pages, name that place here.
    /// *Default:* `/problems`.
    #[must_use]
    pub fn problem_types(mut self, base: &str) -> Self {
        self.options.problem_types = base.trim_end_matches('/').into();
        self
    }

    /// How many instances, events or entries one answer holds, at least 1; `?limit=` may ask for fewer. *Default:*
    /// 1,000.
    #[must_use]
    pub fn page_size(mut self, items: usize) -> Self {
        self.options.page_size = items.max(1);
        self
    }

    /// How many live views the adapter serves at the same time; it answers one more with 503. *Default:* 1,000.
    #[must_use]
    pub fn max_watchers(mut self, watchers: usize) -> Self {
        self.watchers = Arc::new(Semaphore::new(watchers.min(Semaphore::MAX_PERMITS)));
        self
    }

    /// How often a live view on which nothing happens sends a comment, so that no proxy takes it for dead; at least a
    /// millisecond. *Default:* 15 seconds.
    #[must_use]
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.options.keep_alive = interval.max(Duration::from_millis(1));
        self
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Everything but [`admin`](Self::admin), with a fallback that answers 404 as a problem. To merge it into a router
    /// that has a fallback of its own, call `reset_fallback` on it first, or merge the parts instead.
    pub fn router(&self) -> Router {
        let missing = endpoint(self, async |http: Arc<Self>, _| {
            http.counted(Err(Problem::of(kinds::NOT_FOUND)))
        });
        Router::new()
            .merge(self.index())
            .merge(self.commands())
            .merge(self.views())
            .merge(self.health())
            .merge(self.problems())
            .fallback(missing)
    }

    /// `PUT /mutation/<command>`, also `POST`.
    pub fn commands(&self) -> Router {
        let mutation = || endpoint(self, commands::mutation);
        self.route(&["/mutation/{*command}"], &put(mutation()).post(mutation()))
    }

    /// `GET /query/<view>/<key...>`: an instance, a list, or, as server-sent events, live.
    pub fn views(&self) -> Router {
        self.route(&["/query/{*view}"], &get(endpoint(self, views::query)))
    }

    /// `GET /health` and `GET /ready`.
    pub fn health(&self) -> Router {
        self.route(&["/health"], &get(endpoint(self, health::health)))
            .merge(self.route(&["/ready"], &get(endpoint(self, health::ready))))
    }

    /// `GET /problems/<type>`: what a type of problem means.
    pub fn problems(&self) -> Router {
        let paths = ["/problems", "/problems/", "/problems/{*type}"];
        self.route(&paths, &get(endpoint(self, pages::page)))
    }

    /// `GET /`: the commands and the views, their fields and where they are.
    pub fn index(&self) -> Router {
        self.route(&["/"], &get(endpoint(self, index::index)))
    }

    /// What only operators may see and do: `GET /audit`, `GET /events`, `GET /parked`, `POST /parked/retry`, and
    /// `GET /refused`. The last one counts the requests that were refused before they were a command, also those that
    /// no route takes. [`router`](Self::router) leaves these out: mount them where only operators can reach them.
    pub fn admin(&self) -> Router {
        self.route(&["/audit"], &get(endpoint(self, admin::audit)))
            .merge(self.route(&["/events"], &get(endpoint(self, admin::events))))
            .merge(self.route(&["/parked"], &get(endpoint(self, admin::parked))))
            .merge(self.route(&["/refused"], &get(endpoint(self, admin::refused))))
            .merge(self.route(&["/parked/retry"], &post(endpoint(self, admin::retry))))
    }

    /// Ends the live views. [`serve`](crate::serve) does so when it stops. Call it when another server stops: that one
    /// waits for them.
    pub fn end_watches(&self) {
        self.closing.cancel();
    }

    fn route(&self, paths: &[&str], methods: &MethodRouter) -> Router {
        let refused = endpoint(self, async |http: Arc<Self>, request: Request| {
            let detail = format!("`{}` is not possible here", request.method());
            http.counted(Err(Problem::of(kinds::METHOD).detail(detail)))
        });
        let router = Router::new();
        let routed = paths
            .iter()
            .fold(router, |router, path| router.route(path, methods.clone()));
        routed.method_not_allowed_fallback(refused)
    }

    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.options.timeout
    }

    pub(crate) fn view(&self, address: &str) -> Option<&AnyView> {
        self.views
            .iter()
            .find(|(known, _)| known == address)
            .map(|(_, view)| view)
    }

    /// The position in a log of the model. Whoever reads an unknown one says so.
    ///
    /// # Errors
    /// A problem, if the cursor is of another log that had this name.
    pub(crate) fn position_in(&self, log: &Arc<str>, cursor: Cursor) -> Result<Position, Problem> {
        match self.app.incarnation(log) {
            Ok(incarnation) => cursor
                .position_in(incarnation)
                .ok_or_else(|| Problem::of(kinds::LOG_REPLACED)),
            Err(_) => Ok(cursor.position()),
        }
    }

    /// Counts a request that is refused before it is a command.
    pub(crate) fn counted<T>(&self, read: Result<T, Problem>) -> Result<T, Problem> {
        read.inspect_err(|problem| self.app.count_refused(problem.document()))
    }

    pub(crate) fn answer(&self, result: Result<Response, Problem>) -> Response {
        result.unwrap_or_else(|problem| problem.based(&self.options.problem_types).into_response())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("app", &self.app)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// A handler whose problems have their types where the application has them.
fn endpoint<F, Fut>(
    http: &Http,
    handler: F,
) -> impl Fn(Request) -> std::pin::Pin<Box<dyn Future<Output = Response> + Send>>
+ Clone
+ Send
+ Sync
+ 'static
where
    F: Fn(Arc<Http>, Request) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    let http = Arc::new(http.clone());
    move |request| {
        let http = http.clone();
        let answer = handler(http.clone(), request);
        Box::pin(async move { http.answer(answer.await) })
    }
}
