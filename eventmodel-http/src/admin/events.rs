//! What was recorded.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::EventQuery;
use eventmodel::record::{Cursor, SubjectPattern};
use eventmodel::transport::{EventBody, of_store};
use futures_util::TryStreamExt;
use serde::Serialize;
use tokio::time::timeout_at;

use crate::Http;
use crate::problem::{Problem, kinds};
use crate::receipt::json;
use crate::request::url::{Href, Params, bad_parameter, mount};
use crate::views::limit;

#[derive(Serialize)]
struct EventsBody<'a> {
    items: Vec<EventBody<'a>>,
    /// Where it goes on, if it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /events?log=&subject=&after=&limit=`: what was recorded, in its order.
pub(crate) async fn events(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let deadline = http.deadline();
    let params = Params::of(&request)?;
    let limit = limit(&params, http.options.page_size)?;
    let log = params.one("log")?;
    let name: Arc<str> = log.map_or_else(|| http.app.default_log().clone(), Arc::from);
    let after = params.parsed::<Cursor>("after", "a position")?;
    let after = after.map(|after| http.position_in(&name, after));
    let after = after.transpose()?.unwrap_or_default();
    let incarnation = http.app.incarnation(&name);
    let mut query = EventQuery::new().log(name).after(after).limit(limit);
    let mut next = Href::at(&mount(&request), "/events").param("limit", &limit.to_string());
    if let Some(log) = log {
        next = next.param("log", log);
    }
    for subject in params.all("subject") {
        let pattern = SubjectPattern::new(subject)
            .map_err(|error| bad_parameter("subject", &error.to_string()))?;
        query = query.matching(pattern);
        next = next.param("subject", subject);
    }
    let read = http.app.events(query).try_collect::<Vec<_>>();
    let unavailable = |_| {
        Problem::of(kinds::UNAVAILABLE)
            .detail("the log was not read in time")
            .retry_after(1)
    };
    let events = timeout_at(deadline, read)
        .await
        .map_err(unavailable)?
        .map_err(|error| of_store(&error))?;
    // A page that is not full has come to the end of the log; a full one may have, and the next is empty then.
    let last = events.last().filter(|_| events.len() == limit);
    let next = last.zip(incarnation.ok()).map(|(last, incarnation)| {
        let after = Cursor::new(last.position(), incarnation).to_string();
        next.param("after", &after).into_string()
    });
    let items: Vec<EventBody<'_>> = events.iter().map(EventBody::of).collect();
    json(StatusCode::OK, &EventsBody { items, next })
}
