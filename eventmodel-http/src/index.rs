//! `GET /`: what can be done here, from the model itself.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::{AnyView, CommandInfo, EventInfo, FieldInfo, ProjectionInfo, StreamInfo};
use serde_json::{Value, json};

use crate::Http;
use crate::problem::Problem;
use crate::problem::failure::rejection_title;
use crate::receipt::json as answer;
use crate::request::url::{Href, mount};

pub(crate) async fn index(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let mount = mount(&request);
    let at = |path: &str| Href::at(&mount, path).into_string();
    let model = http.app.model();
    let entries = model
        .commands()
        .into_iter()
        .filter(|entry| !entry.is_internal());
    let commands: Vec<Value> = entries
        .map(|entry| command(entry.info(), &mount, &http.options.problem_types))
        .collect();
    let views: Vec<Value> = http
        .views
        .iter()
        .map(|(address, view)| describe(view, address, &mount))
        .collect();
    let body = json!({
        "model": &**model.name(),
        "commands": commands,
        "views": views,
        "health": at("/health"),
        "ready": at("/ready"),
        "problems": at("/problems"),
    });
    answer(StatusCode::OK, &body)
}

fn command(info: &CommandInfo, mount: &str, problems: &str) -> Value {
    let address = info.address();
    let rejects = info.rejects.variants.iter().map(|variant| {
        json!({
            "code": variant.code,
            "type": format!("{problems}/{address}/{}", variant.code),
            "title": rejection_title(info, variant.code),
        })
    });
    let mut value = json!({
        "name": info.ty.name,
        "doc": info.ty.doc,
        "method": "PUT",
        "href": format!("{mount}/mutation/{address}"),
        "fields": info.ty.fields.iter().map(field).collect::<Vec<_>>(),
        "emits": info.emits.iter().map(|event| event.event_type).collect::<Vec<_>>(),
        "rejects": rejects.collect::<Vec<_>>(),
    });
    if let Some(schema) = info.schema.get() {
        value["schema"] = schema;
    }
    value
}

fn field(field: &FieldInfo) -> Value {
    json!({ "name": field.json, "type": field.ty, "doc": field.doc })
}

fn describe(view: &AnyView, address: &str, mount: &str) -> Value {
    let info = view.info();
    let names = key_names(info, view.key_len());
    let template = names
        .iter()
        .fold(format!("{mount}/query/{address}"), |template, name| {
            template + "/{" + name + "}"
        });
    json!({
        "name": info.ty.name,
        "doc": info.ty.doc,
        "href": Href::view(mount, address, []).into_string(),
        "template": template,
        "key": names,
        "handles": info.handlers.iter().map(|handler| handler.event.event_type).collect::<Vec<_>>(),
    })
}

/// The names of the parts of a key. That of a view by stream is the one stream that all its events belong to; where
/// that is not clear, the parts are numbered.
fn key_names(info: &ProjectionInfo, len: usize) -> Vec<String> {
    if info.key.len() == len {
        return info.key.iter().map(|&name| name.to_owned()).collect();
    }
    let mut events = info.handlers.iter().map(|handler| handler.event);
    let first: &[&StreamInfo] = events.next().map_or(&[], |event| event.streams);
    let in_all = |stream: &&&StreamInfo| {
        let has = |event: &EventInfo| event.streams.iter().any(|s| s.template == stream.template);
        stream.template.fields().count() == len
            && info.handlers.iter().all(|handler| has(handler.event))
    };
    let mut common = first.iter().filter(in_all);
    match (common.next(), common.next()) {
        (Some(stream), None) => stream.template.fields().map(str::to_owned).collect(),
        _ => (1..=len).map(|part| part.to_string()).collect(),
    }
}
