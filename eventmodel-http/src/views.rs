//! `GET /query/<view>/<key...>`: one instance, those under the first parts of a key, or both of them live.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{ACCEPT, ETAG, IF_NONE_MATCH, LINK, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use eventmodel::Position;
use eventmodel::engine::AnyView;
use eventmodel::engine::{After, DEFAULT_WAIT};
use eventmodel::record::Cursor;
use eventmodel::store::AnyInstance;
use eventmodel::transport::internal;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::problem::{Problem, kinds, of_view};
use crate::receipt::json;
use crate::request::etag::{etag, none_match_names};
use crate::request::headers::{PREFERENCE_APPLIED, preferred_wait};
use crate::request::url::{Href, Params, Target, bad_parameter};
use crate::{Http, watch};

pub(crate) async fn query(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let deadline = http.deadline();
    let Target { mount, parts } = Target::of(&request, "/query")?;
    let params = Params::of(&request)?;
    let (address, parts) = parts
        .split_first()
        .ok_or_else(|| Problem::of(kinds::UNKNOWN_VIEW))?;
    let view = http
        .view(address)
        .ok_or_else(|| Problem::of(kinds::UNKNOWN_VIEW))?;
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .chain(params.all("key"))
        .collect();
    let whole = parts.len() >= view.key_len();
    let key = if whole {
        view.key(&parts)
    } else {
        view.prefix(&parts)
    };
    let key = key.map_err(|error| Problem::of(kinds::INVALID_KEY).detail(error.to_string()))?;
    let page = Page::read(&params, http.options.page_size)?;
    let applied = wait(&http, view, &params, request.headers(), deadline).await?;
    let mut response = if accepts_events(request.headers()) {
        watch::answer(&http, view, &key, &request)?
    } else if whole {
        instance(view, &key, request.headers()).await?
    } else {
        let link = Href::view(&mount, address, parts.iter().copied());
        list(view, &key, &page, link).await?
    };
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("accept"));
    if let Some(applied) = applied {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// Waits until the view has seen what the question asks for. What it was told to prefer, if it does.
async fn wait(
    http: &Http,
    view: &AnyView,
    params: &Params,
    headers: &HeaderMap,
    deadline: Instant,
) -> Result<Option<HeaderValue>, Problem> {
    let cursor = params.parsed::<Cursor>("after", "a position: the `position` of a receipt")?;
    let after = match (cursor, params.one("log")?) {
        (Some(cursor), Some(log)) => {
            let position = http.position_in(&log.into(), cursor)?;
            Some(After::in_log(log, position))
        }
        (Some(cursor), None) => {
            let position = cursor.position_in(view.incarnation());
            Some(After::from(
                position.ok_or_else(|| Problem::of(kinds::LOG_REPLACED))?,
            ))
        }
        (None, Some(_)) => {
            return Err(bad_parameter(
                "log",
                "it needs `after`, a position in this log",
            ));
        }
        (None, None) => None,
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let preferred =
        preferred_wait(headers).map(|wait| wait.min(Duration::from_secs(left.as_secs())));
    let within = preferred.unwrap_or(DEFAULT_WAIT).min(left);
    let waits = after.is_some();
    view.ready(after, within)
        .await
        .map_err(|error| of_view(&error))?;
    let applied = preferred
        .filter(|_| waits)
        .map(|wait| format!("wait={}", wait.as_secs()));
    Ok(applied.and_then(|applied| HeaderValue::from_str(&applied).ok()))
}

async fn instance(view: &AnyView, key: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let entry = view.get(key).await.map_err(|error| of_view(&error))?;
    let entry = entry.ok_or_else(|| Problem::of(kinds::NO_INSTANCE))?;
    let revision = Cursor::new(entry.position, view.incarnation());
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|field| field.to_str().ok());
    let mut response = if known
        .into_iter()
        .any(|field| none_match_names(field, revision))
    {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json(StatusCode::OK, &EntryBody::of(&entry)?)?
    };
    response.headers_mut().insert(ETAG, etag(revision));
    Ok(response)
}

/// Which part of a list is asked for.
struct Page {
    limit: usize,
    /// The text of the last key of the page before.
    cursor: Option<String>,
}

impl Page {
    fn read(params: &Params, max: usize) -> Result<Self, Problem> {
        Ok(Self {
            limit: limit(params, max)?,
            cursor: params.one("cursor")?.map(str::to_owned),
        })
    }
}

/// `?limit=`, at most the size of a page.
pub(crate) fn limit(params: &Params, max: usize) -> Result<usize, Problem> {
    match params.parsed::<usize>("limit", "a number from 1")? {
        Some(0) => Err(bad_parameter("limit", "it must be a number from 1")),
        Some(limit) => Ok(limit.min(max)),
        None => Ok(max),
    }
}

#[derive(Serialize)]
struct ListBody {
    items: Vec<EntryBody>,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

async fn list(view: &AnyView, prefix: &str, page: &Page, link: Href) -> Result<Response, Problem> {
    let cursor = page.cursor.as_deref();
    let shown = view.page(prefix, cursor, page.limit).await;
    let shown = shown.map_err(|error| of_view(&error))?;
    let last = shown.instances.last().filter(|_| shown.has_more);
    let next = last.map(|last| {
        let link = link.param("limit", &page.limit.to_string());
        link.param("cursor", &last.key).into_string()
    });
    let items = shown
        .instances
        .iter()
        .map(EntryBody::of)
        .collect::<Result<_, _>>()?;
    let header = next
        .as_ref()
        .and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
    let mut response = json(StatusCode::OK, &ListBody { items, next })?;
    if let Some(header) = header {
        response.headers_mut().insert(LINK, header);
    }
    Ok(response)
}

/// An instance of a view.
#[derive(Serialize)]
pub(crate) struct EntryBody {
    key: Vec<String>,
    position: Position,
    value: Box<RawValue>,
}

impl EntryBody {
    pub(crate) fn of(entry: &AnyInstance) -> Result<Self, Problem> {
        let json = entry
            .state
            .encode()
            .map_err(|error| internal(&error, "writing a view"))?;
        Ok(Self {
            key: AnyView::parts(&entry.key).map_err(|error| internal(&error, "reading a key"))?,
            position: entry.position,
            value: serde_json::from_slice(&json)
                .map_err(|error| internal(&error, "writing a view"))?,
        })
    }
}

/// Whether `Accept` asks for server-sent events.
fn accepts_events(headers: &HeaderMap) -> bool {
    let fields = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|field| field.to_str().ok());
    fields.flat_map(|field| field.split(',')).any(|range| {
        let mut params = range.split(';').map(str::trim);
        let wanted = params
            .next()
            .is_some_and(|range| range.eq_ignore_ascii_case("text/event-stream"));
        let refused = params.any(|param| {
            matches!(
                param.split_once('='),
                Some(("q", "0" | "0.0" | "0.00" | "0.000"))
            )
        });
        wanted && !refused
    })
}
