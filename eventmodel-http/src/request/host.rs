//! The host that a request is for.

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{Request, Version};

use crate::problem::{Problem, kinds};
use crate::request::headers::{malformed, single};

/// The name of the host, without the port; `None` if the request names none.
fn host<B>(request: &Request<B>) -> Result<Option<String>, Problem> {
    // An absolute target replaces the header, RFC 9112 §3.2.2.
    if let Some(host) = request.uri().host() {
        return Ok(Some(host.to_ascii_lowercase()));
    }
    let Some(text) = single(request.headers(), &HOST)? else {
        return Ok(None);
    };
    let authority = text.parse::<Authority>().ok();
    let authority = authority.filter(|authority| !authority.as_str().contains('@'));
    let authority = authority.ok_or_else(|| malformed(&HOST, "it must be a host and a port"))?;
    Ok(Some(authority.host().to_ascii_lowercase()))
}

/// Refuses a request for another host than these, if there are any, and one that says nothing of it (RFC 9112 §3.2).
pub(crate) fn check<B>(request: &Request<B>, hosts: &[String]) -> Result<(), Problem> {
    match host(request)? {
        Some(host) if !hosts.is_empty() && !hosts.contains(&host) => {
            let detail = format!("this program is not reached as `{host}`");
            Err(Problem::of(kinds::MISDIRECTED).detail(detail))
        }
        None if !hosts.is_empty() || request.version() == Version::HTTP_11 => {
            Err(malformed(&HOST, "it is missing"))
        }
        _ => Ok(()),
    }
}
