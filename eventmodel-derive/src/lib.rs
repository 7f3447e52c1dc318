//! The derive macros of [`eventmodel`](https://docs.rs/eventmodel). Use them through that crate, where the traits
//! of the same names have the examples.
//!
//! | macro | on | gives |
//! |---|---|---|
//! | [`Stream`](macro@Stream) | the struct of a key | the subject of each instance, and the key back from it |
//! | [`Event`](macro@Event) | a struct | its type, and the instances it belongs to |
//! | [`Command`](macro@Command) | a struct | what it decides on, emits and is refused for |
//! | [`Rejection`](macro@Rejection) | an enum or a struct | a stable code for each reason |
//! | [`SubjectToken`](macro@SubjectToken) | a struct with one field | a place in a subject |
//! | [`projection`](macro@projection) | the `impl` block of event handlers | a state, or a view |
//! | [`automation`](macro@automation) | the `impl` block of event handlers | a reaction to events |
//!
//! Each goes through four rooms: `attr` reads what was written, `model` what it means, `check` whether it makes
//! sense, `expand` writes Rust. All mistakes are reported in one pass.
//!
//! Every macro takes `crate = path::to::eventmodel`, for a crate that re-exports it:
//! `#[stream(crate = ..)]`, `#[projection(crate = ..)]`, and so on.

mod attr;
mod automation;
mod command;
mod ctxt;
mod doc;
mod event;
mod expand;
mod field;
mod handler;
mod key_parts;
mod overrides;
mod projection;
mod rejection;
mod stream;
mod subject_token;
mod suggest;
mod template;
#[cfg(test)]
mod tests;
mod ty;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_macro_input};

use ctxt::Ctxt;

/// The key of a stream: `Stream`, and `Key` for projections that are keyed by it.
///
/// | `#[stream(..)]` | |
/// |---|---|
/// | `subject = "booking.{room}.{date}"` | The template of the subjects. Every field of the struct stands in it, so that a subject has one key and a key one subject. `{room.id}` is a field of a field; then all fields of that struct must stand in the template. A field is a whole token; the texts between are ASCII without blanks, `*`, `>`, and do not start with `$`. |
/// | `log = "hotel"` | The log that it is stored in, if it is not that of the event model. |
/// | `crate = path` | Where `eventmodel` is. |
///
/// The struct needs `Clone`, `Debug`, `PartialEq`, `Eq` and `Hash` as well, each field is a `SubjectToken`, and
/// there are no generic parameters.
#[proc_macro_derive(Stream, attributes(stream))]
pub fn derive_stream(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let ctxt = Ctxt::new();
    let model = stream::build(&ctxt, &input, stream::read(&ctxt, &input));
    stream::check(&ctxt, &model);
    stream::expand(&model, ctxt.finish().as_ref()).into()
}

/// An event: `Event`, and `BelongsTo` for each of its streams.
///
/// | `#[event(..)]` | |
/// |---|---|
/// | `stream = Booking` | The stream it belongs to. The fields of the stream's key are taken from the fields of the same name and type. |
/// | `streams(Course, Student)` | The streams it belongs to, if there are several; the first is its home. |
/// | `key(room = self.booking.room)` | Where a field of the key comes from, if not from the field of its name. It is for every stream that has such a field; `key(1.id = self.student)` is for one, counted from 0. A field is cloned; any other expression is taken as it is. |
/// | `type = "room-booked"` | The name it is recorded under, any constant `&'static str`; the name of the struct if it is not given. |
/// | `version = 2` | The version of its shape, from 1. |
/// | `codec = Json` | How its payload is written. |
/// | `crate = path` | Where `eventmodel` is. |
///
/// The struct has named fields, or none, and needs `Serialize` and `Deserialize`. With the feature `schemars` its
/// `JsonSchema` is recorded if it has one and is not generic.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let ctxt = Ctxt::new();
    let model = event::build(&ctxt, &input, event::read(&ctxt, &input));
    event::check(&ctxt, &model);
    event::expand(&model, ctxt.finish().as_ref()).into()
}

/// A command: `Command`, and `Emits` for each of its events. The decision is `Decide`, written by hand.
///
/// | `#[command(..)]` | |
/// |---|---|
/// | `state = RoomDay` | What it decides on: a projection that is keyed by a stream, `Unguarded` of one, `Now`, or a tuple of up to six. The fields of the streams' keys are taken from the fields of the same name and type. Nothing if it is not given. |
/// | `emits(RoomBooked, ..)` | The events it can emit. |
/// | `rejects = BookingRejection` | Why it can be refused; `NoRejection` if it is not given. |
/// | `key(room = self.booking.room)` | Where a field of the key comes from, if not from the field of its name. It is for every state whose key has such a field; `key(1.account = self.to)` is for one, counted from 0. A field is cloned; any other expression is taken as it is. |
/// | `id = "{order}"` | Its id, if it has a natural one: text and fields (`{order.id}`), each field a `SubjectToken`. The address of the command is put before it. |
/// | `name = "book"` | Its name in addresses; that of the struct in kebab case if it is not given. |
/// | `validate = Self::check` | What is wrong whatever the state is: a function of `&Self` that returns `Result<(), impl Into<Violations>>`. |
/// | `garde` | The same by `garde::Validate`, with the feature `garde`. Its fields are reported under the names that serde gives them in JSON. With both, the violations of both are reported. |
/// | `crate = path` | Where `eventmodel` is. |
///
/// The struct has named fields, or none, and needs `Serialize` and `Deserialize`. With the feature `schemars` its
/// `JsonSchema` is recorded if it has one and is not generic.
#[proc_macro_derive(Command, attributes(command))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let ctxt = Ctxt::new();
    let model = command::build(&ctxt, &input, command::read(&ctxt, &input));
    command::check(&ctxt, &model);
    command::expand(&model, ctxt.finish().as_ref()).into()
}

/// Why a command is refused: `Rejection`, with a code for each variant of an enum, or one for a struct.
///
/// | `#[rejection(..)]` | |
/// |---|---|
/// | `code = "already-booked"` | On a variant or a struct: its code, if it is not the name in kebab case. |
/// | `crate = path` | On the type: where `eventmodel` is. |
///
/// The type needs `Serialize` and `std::error::Error` as well (`thiserror::Error` gives it).
#[proc_macro_derive(Rejection, attributes(rejection))]
pub fn derive_rejection(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let ctxt = Ctxt::new();
    let model = rejection::build(&ctxt, &input);
    rejection::check(&ctxt, &model);
    rejection::expand(&model, ctxt.finish().as_ref()).into()
}

/// A struct with one field, named or not, that stands in a subject as its field does: `SubjectToken`.
///
/// `#[subject_token(crate = path)]` says where `eventmodel` is.
#[proc_macro_derive(SubjectToken, attributes(subject_token))]
pub fn derive_subject_token(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let ctxt = Ctxt::new();
    let krate = subject_token::read(&ctxt, &input);
    let model = subject_token::build(&ctxt, &input, krate);
    subject_token::expand(&model, ctxt.finish().as_ref()).into()
}

/// A fold of events: `Projection` for the type of the `impl` block, from the handlers in it.
///
/// | `#[projection(..)]` | |
/// |---|---|
/// | `key = Booking` | It is keyed by a stream: one instance for each of the stream's. Only this can be the state of a command. |
/// | `key(room: RoomId, date: Date)` | It is keyed by up to four fields, which every event it handles has. |
/// | nothing | There is one instance, with the key `()`. |
/// | `snapshot` | As the state of a decision it may be kept beside the last event of its instance, so that it is loaded without the history; see `ProjectionInfo::snapshot`. Only with `key = ..`; its handlers cannot take `&Metadata`. |
/// | `crate = path` | Where `eventmodel` is. |
///
/// A handler is a function with `&mut self`. Its first parameter `&Event` is what it handles; `&Metadata` may follow.
/// `#[key(date = event.stay.from)]` on it says where a part of the key comes from for this event, with the event
/// under the name of the parameter, or `event`. Functions without `self`, with `self` or with `&self` are no handlers.
///
/// The type needs `Default`, `Clone`, `Serialize` and `Deserialize`.
#[proc_macro_attribute]
pub fn projection(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    let ctxt = Ctxt::new();
    let attr = projection::read(&ctxt, args.into());
    let Some(model) = projection::build(&ctxt, attr, &item) else {
        let errors = ctxt.finish();
        return quote!(#errors #item).into();
    };
    projection::check(&ctxt, &model);
    projection::expand(&model, ctxt.finish().as_ref()).into()
}

/// A reaction to events: `Automation` for the type of the `impl` block, from the handlers in it.
///
/// A handler is a function with `&self`, `async` or not. Its first parameter `&Event` is what it handles; `&Metadata`
/// and `&App` may follow. It returns a command, an `Option`, a `Vec`, an array or a tuple of commands, a `Result` of
/// these, or nothing. Functions without `self` or with `self` are no handlers; helpers with `&self` go into another
/// `impl` block.
///
/// `#[automation(crate = path)]` says where `eventmodel` is.
#[proc_macro_attribute]
pub fn automation(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    let ctxt = Ctxt::new();
    let krate = automation::read(&ctxt, args.into());
    let Some(model) = automation::build(&ctxt, krate, &item) else {
        let errors = ctxt.finish();
        return quote!(#errors #item).into();
    };
    automation::check(&ctxt, &model);
    automation::expand(&model, ctxt.finish().as_ref()).into()
}
