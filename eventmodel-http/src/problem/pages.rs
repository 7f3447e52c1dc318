//! `GET /problems/...`: what the type of a problem leads to.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use eventmodel::board::{CommandInfo, VariantInfo};
use eventmodel::transport::rejection_title;

use super::{Problem, kinds};
use crate::Http;
use crate::request::url::Target;

/// A list of all types, or the page of one.
pub(crate) async fn page(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let target = Target::of(&request, "/problems")?;
    let parts: Vec<&str> = target.parts.iter().map(String::as_str).collect();
    let text = match parts[..] {
        [] | [""] => list(&http),
        [code] => kinds::ALL
            .iter()
            .find(|kind| kind.code == code)
            .map(|kind| text(&http, kind.code, kind.status, kind.title, kind.doc)),
        [command, code] => rejections(&http)
            .find(|(address, _, variant)| address == command && variant.code == code)
            .map(|(address, info, variant)| {
                let (path, title) = (format!("{address}/{code}"), rejection_title(info, code));
                text(&http, &path, 409, &title, variant.doc)
            }),
        _ => None,
    };
    let text = text.ok_or_else(|| Problem::of(kinds::NOT_FOUND))?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

fn list(http: &Http) -> Option<String> {
    let base = &http.options.problem_types;
    let mut text = String::from("# The types of problems\n\n");
    for kind in kinds::ALL {
        let (status, title) = (kind.status, kind.title);
        writeln!(text, "- {status} {base}/{}: {title}", kind.code).ok()?;
    }
    for (address, info, variant) in rejections(http) {
        let title = rejection_title(info, variant.code);
        writeln!(text, "- 409 {base}/{address}/{}: {title}", variant.code).ok()?;
    }
    Some(text)
}

fn text(http: &Http, path: &str, status: u16, title: &str, doc: &str) -> String {
    let base = &http.options.problem_types;
    format!("# {title}\n\ntype: {base}/{path}\nstatus: {status}\n\n{doc}\n")
}

fn rejections(
    http: &Http,
) -> impl Iterator<Item = (String, &'static CommandInfo, &'static VariantInfo)> {
    let commands = http.app.model().commands().into_iter();
    commands.flat_map(|command| {
        let info = command.info();
        let variants = info.rejects.variants.iter();
        variants.map(move |variant| (info.address(), info, variant))
    })
}
