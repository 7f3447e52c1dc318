//! `GET /`: what can be done here, from the model itself.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::board::{CommandInfo, EventInfo, ProjectionInfo, StreamInfo};
use eventmodel::engine::AnyView;
use eventmodel::transport::rejection_title;
use serde::Serialize;
use serde_json::Value;

use crate::Http;
use crate::problem::Problem;
use crate::receipt::json;
use crate::request::url::{Href, mount};

#[derive(Serialize)]
struct Index<'a> {
    model: &'a str,
    commands: Vec<CommandBody>,
    views: Vec<ViewBody>,
    health: String,
    ready: String,
    problems: String,
}

#[derive(Serialize)]
struct CommandBody {
    name: &'static str,
    doc: &'static str,
    method: &'static str,
    href: String,
    fields: Vec<FieldBody>,
    emits: Vec<&'static str>,
    rejects: Vec<RejectionBody>,
    /// The JSON Schema of `data`, if the command has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Value>,
}

#[derive(Serialize)]
struct FieldBody {
    name: &'static str,
    #[serde(rename = "type")]
    ty: &'static str,
    doc: &'static str,
}

#[derive(Serialize)]
struct RejectionBody {
    code: &'static str,
    #[serde(rename = "type")]
    ty: String,
    title: String,
}

#[derive(Serialize)]
struct ViewBody {
    name: &'static str,
    doc: &'static str,
    href: String,
    template: String,
    key: Vec<String>,
    handles: Vec<&'static str>,
}

pub(crate) async fn index(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let mount = mount(&request);
    let at = |path: &str| Href::at(&mount, path).into_string();
    let model = http.app.model();
    let commands = model.commands().into_iter();
    let views = http.views.iter();
    let index = Index {
        model: model.name(),
        commands: commands
            .filter(|entry| !entry.is_internal())
            .map(|entry| command(entry.info(), &mount, &http.options.problem_types))
            .collect(),
        views: views
            .map(|(address, running)| view(running, address, &mount))
            .collect(),
        health: at("/health"),
        ready: at("/ready"),
        problems: at("/problems"),
    };
    json(StatusCode::OK, &index)
}

fn command(info: &CommandInfo, mount: &str, problems: &str) -> CommandBody {
    let address = info.address();
    let fields = info.ty.fields.iter().map(|field| FieldBody {
        name: field.json,
        ty: field.ty,
        doc: field.doc,
    });
    let rejects = info.rejects.variants.iter().map(|variant| RejectionBody {
        code: variant.code,
        ty: format!("{problems}/{address}/{}", variant.code),
        title: rejection_title(info, variant.code),
    });
    CommandBody {
        name: info.ty.name,
        doc: info.ty.doc,
        method: "PUT",
        href: format!("{mount}/mutation/{address}"),
        fields: fields.collect(),
        emits: info.emits.iter().map(|event| event.event_type).collect(),
        rejects: rejects.collect(),
        schema: info.schema.get(),
    }
}

fn view(view: &AnyView, address: &str, mount: &str) -> ViewBody {
    let info = view.info();
    let key = key_names(info, view.key_len());
    let href = Href::view(mount, address, []).into_string();
    let handlers = info.handlers.iter();
    ViewBody {
        name: info.ty.name,
        doc: info.ty.doc,
        template: key
            .iter()
            .fold(href.clone(), |path, name| path + "/{" + name + "}"),
        href,
        key,
        handles: handlers.map(|handler| handler.event.event_type).collect(),
    }
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
        let mut handlers = info.handlers.iter();
        stream.template.fields().count() == len && handlers.all(|handler| has(handler.event))
    };
    let mut common = first.iter().filter(in_all);
    match (common.next(), common.next()) {
        (Some(stream), None) => stream.template.fields().map(str::to_owned).collect(),
        _ => (1..=len).map(|part| part.to_string()).collect(),
    }
}
