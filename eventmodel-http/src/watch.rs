//! Live views as server-sent events: what is there, then every change. The id of an event is its position, so that
//! a client which was cut off goes on where it was.

use std::convert::Infallible;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use eventmodel::Position;
use eventmodel::ViewError;
use eventmodel::engine::AnyView;
use eventmodel::store::AnyInstance;
use futures_util::{FutureExt, StreamExt};

use crate::Http;
use crate::problem::{Problem, kinds, of_view};
use crate::request::headers::{LAST_EVENT_ID, malformed, single};
use crate::serve::Closing;
use crate::views::EntryBody;

/// The view must be ready, so that what is wrong with it was answered as a problem.
pub(crate) fn answer(
    http: &Http,
    view: &AnyView,
    key: &str,
    request: &Request,
) -> Result<Response, Problem> {
    let after = last_event_id(request.headers())?;
    let watchers = http.watchers.clone();
    let Ok(place) = watchers.try_acquire_owned() else {
        return Err(Problem::of(kinds::TOO_MANY_WATCHERS).retry_after(5));
    };
    let served = request
        .extensions()
        .get::<Closing>()
        .map(|closing| closing.0.clone());
    let closed = http.closing.clone().cancelled_owned();
    let ended = async move {
        match served {
            Some(served) => tokio::select! {
                () = closed => {}
                () = served.cancelled_owned() => {}
            },
            None => closed.await,
        }
    };
    let base = http.options.problem_types.clone();
    let events = view.watch(key, after).map(move |entry| {
        let _ = &place;
        Ok::<_, Infallible>(event(entry, &base))
    });
    let keep_alive = KeepAlive::new().interval(http.options.keep_alive);
    Ok(Sse::new(events.take_until(ended.boxed()))
        .keep_alive(keep_alive)
        .into_response())
}

fn event(entry: Result<AnyInstance, ViewError>, base: &str) -> Event {
    let body = entry.map_err(|error| of_view(&error)).and_then(|entry| {
        let body = EntryBody::of(&entry)?;
        let json = serde_json::to_string(&body);
        let json =
            json.map_err(|error| eventmodel::transport::internal(&error, "writing a view"))?;
        Ok(Event::default().id(entry.position.to_string()).data(json))
    });
    body.unwrap_or_else(|problem| {
        Event::default()
            .event("problem")
            .data(problem.based(base).to_json())
    })
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let parse = |text: &str| {
        let error = || {
            malformed(
                &LAST_EVENT_ID,
                "it must be the id of an event of this view: a position",
            )
        };
        text.parse().map(Position::new).map_err(|_| error())
    };
    single(headers, &LAST_EVENT_ID)?.map(parse).transpose()
}
