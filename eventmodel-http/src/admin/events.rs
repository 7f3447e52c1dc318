//! What was recorded.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::record::{Cursor, SubjectPattern};
use eventmodel::store::Item;
use eventmodel::transport::{EventBody, of_store};
use eventmodel::{EventQuery, Position, StoreError};
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use tokio::time::timeout_at;

use crate::Http;
use crate::problem::{Problem, kinds};
use crate::receipt::json;
use crate::request::url::{Href, Params, bad_parameter, mount};
use crate::views::limit;

#[derive(Serialize)]
struct EventsBody<'a> {
    items: Vec<ItemBody<'a>>,
    /// Where it goes on, if it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ItemBody<'a> {
    Event(EventBody<'a>),
    Unreadable(UnreadableBody<'a>),
}

/// What lies in the log and cannot be read as an event.
#[derive(Serialize)]
struct UnreadableBody<'a> {
    position: Position,
    subject: &'a str,
    r#type: &'a str,
    unreadable: String,
}

impl<'a> ItemBody<'a> {
    fn of(item: &'a Item) -> Self {
        match item {
            Item::Event(event) => Self::Event(EventBody::of(event)),
            Item::Unreadable(error) => Self::Unreadable(UnreadableBody {
                position: error.position,
                subject: error.subject.as_str(),
                r#type: &error.event_type,
                unreadable: error.reason.to_string(),
            }),
        }
    }
}

/// `GET /events?log=&subject=&after=&limit=`: what was recorded, in its order; also what cannot be read, with the
/// reason.
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
    let items = http.app.events(query).map(|event| match event {
        Err(StoreError::Undecodable(error)) => Ok(Item::Unreadable(error)),
        event => event.map(Item::Event),
    });
    let read = items.try_collect::<Vec<_>>();
    let unavailable = |_| {
        Problem::of(kinds::UNAVAILABLE)
            .detail("the log was not read in time")
            .retry_after(1)
    };
    let items = timeout_at(deadline, read)
        .await
        .map_err(unavailable)?
        .map_err(|error| of_store(&error))?;
    // A page that is not full has come to the end of the log; a full one may have, and the next is empty then.
    let last = items.last().filter(|_| items.len() == limit);
    let next = last.zip(incarnation.ok()).map(|(last, incarnation)| {
        let after = Cursor::new(last.position(), incarnation).to_string();
        next.param("after", &after).into_string()
    });
    let items = items.iter().map(ItemBody::of).collect();
    json(StatusCode::OK, &EventsBody { items, next })
}
