//! Live views as server-sent events: what is there, then every change. The id of an event is its position, with the log
//! that it is of, so that a client which was cut off goes on where it was.

use std::convert::Infallible;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use eventmodel::ViewError;
use eventmodel::engine::AnyView;
use eventmodel::record::{Cursor, Incarnation};
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
    let incarnation = view.incarnation();
    // Who has seen a log that is gone is shown everything.
    let after = last_event_id(request.headers())?.and_then(|id| id.position_in(incarnation));
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
        Ok::<_, Infallible>(event(entry, incarnation, &base))
    });
    let keep_alive = KeepAlive::new().interval(http.options.keep_alive);
    Ok(Sse::new(events.take_until(ended.boxed()))
        .keep_alive(keep_alive)
        .into_response())
}

fn event(entry: Result<AnyInstance, ViewError>, incarnation: Incarnation, base: &str) -> Event {
    let body = entry.map_err(|error| of_view(&error)).and_then(|entry| {
        let body = EntryBody::of(&entry)?;
        let json = serde_json::to_string(&body);
        let json =
            json.map_err(|error| eventmodel::transport::internal(&error, "writing a view"))?;
        let id = Cursor::new(entry.position, incarnation).to_string();
        Ok(Event::default().id(id).data(json))
    });
    body.unwrap_or_else(|problem| {
        Event::default()
            .event("problem")
            .data(problem.based(base).to_json())
    })
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Cursor>, Problem> {
    let parse = |text: &str| {
        let error = || malformed(&LAST_EVENT_ID, "it must be the id of an event of this view");
        text.parse().map_err(|_| error())
    };
    // An empty one says that there was none, as the specification of server-sent events has it.
    let id = single(headers, &LAST_EVENT_ID)?.filter(|id| !id.is_empty());
    id.map(parse).transpose()
}
