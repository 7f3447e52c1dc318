//! The HTTP adapter of eventmodel: the commands and the views of a running [`App`](eventmodel::App) as an
//! [`axum::Router`], and a server that stops in good order.
//!
//! ```
//! # use eventmodel::{
//! #     Command, Decide, Decision, Event, EventModel, MemoryStore, Rejection, Slice, Stream, emit, projection,
//! #     reject,
//! # };
//! # use serde::{Deserialize, Serialize};
//! #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
//! #[stream(subject = "room.{room}")]
//! struct Room { room: u32 }
//!
//! #[derive(Event, Serialize, Deserialize)]
//! #[event(stream = Room)]
//! struct RoomBooked { room: u32, guest: String }
//!
//! #[derive(Default, Serialize, Deserialize, Clone)]
//! struct Availability { guest: Option<String> }
//!
//! #[projection(key = Room)]
//! impl Availability {
//!     fn booked(&mut self, event: &RoomBooked) { self.guest = Some(event.guest.clone()); }
//! }
//!
//! #[derive(Rejection, Serialize, Debug, thiserror::Error)]
//! enum Refused {
//!     /// The room is taken.
//!     #[error("room {room} is booked already")]
//!     AlreadyBooked { room: u32 },
//! }
//!
//! #[derive(Command, Serialize, Deserialize)]
//! #[command(state = Availability, emits(RoomBooked), rejects = Refused)]
//! struct BookRoom { room: u32, guest: String }
//!
//! impl Decide for BookRoom {
//!     fn decide(&self, room: &Availability) -> Decision<Self> {
//!         if room.guest.is_some() {
//!             return reject(Refused::AlreadyBooked { room: self.room });
//!         }
//!         emit(RoomBooked { room: self.room, guest: self.guest.clone() })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = EventModel::new("hotel")
//!     .slice(Slice::new("Guest books a room").view::<Availability>().command::<BookRoom>())
//!     .start(MemoryStore::new())
//!     .await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let shutdown_signal = || async {};
//! eventmodel_http::serve(listener, eventmodel_http::router(app.clone()), app, shutdown_signal()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! $ curl -i -X PUT localhost:3000/mutation/book-room -H 'Content-Type: application/json' \
//!        -d '{"data": {"room": 7, "guest": "Ada"}}'
//! HTTP/1.1 201 Created
//! etag: "1.b4a3084acc0b660a"
//! location: /query/availability/7?after=1.b4a3084acc0b660a&log=hotel
//!
//! {"commandId":"01a2…","correlationId":"01a2…","log":"hotel","position":1,"revision":1,"alreadyCommitted":false,
//!  "events":[{"id":"01a2…/0","type":"RoomBooked","version":1,"position":1,"subject":"room.7", …,
//!             "data":{"room":7,"guest":"Ada"}}]}
//!
//! $ curl 'localhost:3000/query/availability/7?after=1'
//! {"key":["7"],"position":1,"value":{"guest":"Ada"}}
//!
//! $ curl -i -X PUT localhost:3000/mutation/book-room -H 'Content-Type: application/json' \
//!        -d '{"data": {"room": 7, "guest": "Bob"}}'
//! HTTP/1.1 409 Conflict
//! content-type: application/problem+json
//!
//! {"type":"/problems/book-room/already-booked","title":"The room is taken","status":409,
//!  "detail":"room 7 is booked already","code":"already-booked","correlationId":"01a2…",
//!  "details":{"AlreadyBooked":{"room":7}}}
//! ```
//!
//! # Routes
//!
//! [`router`] serves all but the last five; [`Http::admin`] serves these.
//!
//! | route | answers |
//! |---|---|
//! | `GET /` | the commands and the views of the model, their fields and where they are |
//! | `PUT /mutation/<command>`, also `POST` | executes `{"data": {...}, "correlationId"?: "..."}`: 201 with the receipt |
//! | `GET /query/<view>/<key...>` | an instance: `{"key": [...], "position": .., "value": {...}}` |
//! | `GET /query/<view>`, `GET /query/<view>/<first parts of a key>` | the instances under it: `{"items": [...], "next"?: ".."}` |
//! | both, with `Accept: text/event-stream` | the same live, as server-sent events |
//! | `GET /problems/<type>` | what a type of problem means |
//! | `GET /health`, `GET /ready` | whether the process answers; whether views and automations run (503 if one has stopped; one that waits, for room in the store, says for what) |
//! | `GET /audit?command=&id=&correlationId=&since=&limit=` | how commands ended, the newest first |
//! | `GET /events?log=&subject=&after=&limit=` | what was recorded; `subject` is a pattern such as `room.*` |
//! | `GET /parked` | what automations have set aside |
//! | `GET /refused` | how many requests were refused before they were a command, by what was wrong with them |
//! | `POST /parked/retry` | handles it again: `{"automation"?: .., "log"?: .., "subject"?: ..}`; `{}` stands for all of it |
//!
//! The address of a command or a view is its name in kebab case. A command that only automations issue has no address.
//! Each segment of a key is the plain text of one part, percent-encoded. A part that is empty, `.` or `..` does not
//! survive every client and proxy as a segment: write `?key=..` instead, once for each part, after those in the path.
//!
//! # What requests can say
//!
//! | | |
//! |---|---|
//! | `Idempotency-Key: "<id>"` | the identity of the command. Sent again, it gives the stored receipt again, with `alreadyCommitted: true`. A rejection is not stored: the command is decided again |
//! | `If-Match: <ETag>` | only if the instance that the command is keyed by has this revision, the `ETag` of a receipt; `If-None-Match: *`: only if nothing is recorded there |
//! | `X-Correlation-Id`, or `correlationId` in the body | the id that everything that follows from the request carries |
//! | `X-Causation-Id` | what caused the command |
//! | `traceparent` | the trace that the events become a part of |
//! | `?after=<position>` | of a view: it answers when it has seen this `position` of a receipt, or the one in its `Location`. The request waits up to 5 seconds, or as long as `Prefer: wait=<seconds>` says. Add `&log=<log>` if the view reads several logs |
//! | `?limit=`, `?cursor=` | of a list: how many; `cursor` comes from `next` |
//! | `If-None-Match: <ETag>` | of an instance: 304 if it has not changed |
//! | `Last-Event-ID` | of a live view: go on after this event. Browsers send it by themselves |
//!
//! What a client keeps, an `ETag`, the id of an event, the link to the next page, says also which log it is of: after the log
//! was replaced it does not hold (412), nothing is skipped (a live view shows everything), or it is refused (410).
//!
//! # Statuses
//!
//! Every answer that is not a success is a problem document (RFC 9457, `application/problem+json`) with a stable
//! `type`: `/problems/<command>/<rejection>` for a rejection, else `/problems/<code>` with one of the codes below.
//!
//! | status | code |
//! |---|---|
//! | 200 | a view; or a command that had nothing to record |
//! | 201 | a receipt, also one that was stored before |
//! | 304 | the instance has not changed |
//! | 400 | `malformed-body`, `malformed-header`, `malformed-url`, `invalid-key` |
//! | 404 | `not-found`, `unknown-command`, `unknown-view`, `unknown-log`, `no-such-instance`, `not-parked` |
//! | 405 | `method-not-allowed`; `Allow` says which are |
//! | 408 | `request-timeout`: the body did not arrive in time |
//! | 409 | a rejection by the domain; `conflict`: others wrote first, each time it was tried |
//! | 410 | `log-replaced`: the position is of a log that is gone |
//! | 412 | `stale`: the instance has another revision than `If-Match` says |
//! | 413 | `body-too-large`, `event-too-large`, `too-many-events` |
//! | 415 | `unsupported-media-type`: the body must be `application/json` |
//! | 421 | `misdirected`: `Host` is none of [`Server::hosts`] |
//! | 422 | `invalid-fields`, with JSON Pointers into the body; `id-reused`: the `Idempotency-Key` of another command |
//! | 500 | `internal`: a mistake of the program, whatever the request says |
//! | 503 | `unknown-outcome`: it may be committed, retry with the `commandId`; `unavailable`, `not-reached`, `view-stopped`, `shutting-down`, `too-many-watchers` |
//!
//! A command that has begun is executed to its end, even if the client goes away or its time runs out.
//!
//! # Limits
//!
//! | of | unless you say otherwise | what is over |
//! |---|---|---|
//! | the body of a request: [`Http::body_limit`] | 1 MiB | 413 |
//! | the time of a request: [`Http::timeout`] | 30 seconds | 408, 503 |
//! | the items of an answer: [`Http::page_size`] | 1,000 | `next` leads on |
//! | live views: [`Http::max_watchers`] | 1,000 | 503 `too-many-watchers` |
//! | the head of a request, and a connection on which nothing happens: [`Server::header_timeout`] | 30 seconds | the connection is closed |
//! | a client that takes nothing of what it is sent: [`Server::write_timeout`] | 30 seconds | the connection is closed |
//! | connections: [`Server::max_connections`] | 4,096 | wait until one ends |
//!
//! The last three are those of [`serve`]. A live view holds a page of instances for each of its watchers, however large it
//! is.
//!
//! # In an application of your own
//!
//! The router is an ordinary one: nest it, merge it, wrap it in your layers. [`Http`] has the options, the router in
//! parts, and what routes of your own need: [`Http::command`] makes a handler whose body is one command, and
//! [`Http::execute`] executes a command that your handler has made and answers for it.

mod admin;
mod commands;
mod health;
mod http;
mod index;
mod problem;
mod receipt;
mod request;
mod serve;
mod views;
mod watch;

pub use commands::CommandHandler;
pub use http::Http;
pub use problem::Problem;
pub use serve::{Server, serve, shutdown_signal};

/// The code of the README is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// The routes of an app, with the defaults of [`Http`]: all but [`Http::admin`].
pub fn router(app: eventmodel::App) -> axum::Router {
    Http::new(app).router()
}
