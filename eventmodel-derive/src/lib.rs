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
//! Every macro takes `crate = path::to::eventmodel`, for a crate that re-exports it:
//! `#[stream(crate = ..)]`, `#[projection(crate = ..)]`, and so on. Every macro reports all mistakes in one pass.
//!
//! # How the source is laid out
//!
//! Each macro has a file of its name, which goes from top to bottom: the keys of its attribute, what they mean
//! together, what it checks, and the Rust that it writes. A new key of an attribute changes that file alone. The
//! macros share these modules, none of which knows a macro:
//!
//! | module | |
//! |---|---|
//! | `attr` | reads the arguments of an attribute by a table of keys |
//! | `overrides` | `key(..)`: where a field of a key comes from |
//! | `template` | the templates of subjects and ids, and mistakes inside a literal |
//! | `handler` | the event handlers of an `impl` block |
//! | `field`, `ty`, `doc` | the fields of a struct, their types, the doc comments |
//! | `expand`, `key_parts` | the Rust that several macros write |
//! | `ctxt`, `suggest` | the errors of one pass, and "did you mean" |

mod automation;
mod command;
mod event;
mod projection;
mod rejection;
mod stream;
mod subject_token;

mod attr;
mod ctxt;
mod doc;
mod expand;
mod field;
mod handler;
mod key_parts;
mod overrides;
mod suggest;
mod template;
mod ty;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// The key of a stream: `Stream`, and `Key` for projections with this key.
///
/// | `#[stream(..)]` | |
/// |---|---|
/// | `subject = "booking.{room}.{date}"` | The template of the subjects. It names every field of the struct, so that a subject has one key and a key one subject. `{room.id}` is a field of a field; the template must then name all fields of that struct. A field is a whole token. The texts between are ASCII without blanks, `*` and `>`, and do not start with `$`. |
/// | `log = "hotel"` | The log that stores the stream. *Default:* the log of the event model. |
/// | `crate = path` | The path of `eventmodel`. |
///
/// The struct also needs `Clone`, `Debug`, `PartialEq`, `Eq` and `Hash`. Each field is a `SubjectToken`. There are no
/// generic parameters.
#[proc_macro_derive(Stream, attributes(stream))]
pub fn derive_stream(input: TokenStream) -> TokenStream {
    stream::derive(&parse_macro_input!(input)).into()
}

/// An event: `Event`, and `BelongsTo` for each of its streams.
///
/// | `#[event(..)]` | |
/// |---|---|
/// | `stream = Booking` | The stream that the event belongs to. Fields of the same name and type give the fields of the stream's key. |
/// | `streams(Course, Student)` | The streams, if there are several. The first is the home of the event. |
/// | `key(room = self.booking.room)` | The expression that gives a field of the key, where no field has its name. It applies to every stream whose key has the field; `key(1.id = self.student)` applies to one, counted from 0. The macro clones a field, and takes any other expression as it is. |
/// | `type = "room-booked"` | The recorded name of the event, any constant `&'static str`. Names that begin with `eventmodel.` are those of the engine. *Default:* the name of the struct. |
/// | `version = 2` | The version of the event's shape, from 1. |
/// | `codec = Json` | The codec of the payload. |
/// | `crate = path` | The path of `eventmodel`. |
///
/// The struct has named fields, or none, and needs `Serialize` and `Deserialize`. With the feature `schemars` the event
/// records its `JsonSchema`, if it has one and is not generic.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    event::derive(&parse_macro_input!(input)).into()
}

/// A command: `Command`, and `Emits` for each of its events. You write the decision, `Decide`, by hand.
///
/// | `#[command(..)]` | |
/// |---|---|
/// | `state = RoomDay` | The state that the command decides on: a projection with a stream as its key, `Unguarded` of one, `Now`, or a tuple of up to six. Fields of the same name and type give the fields of the streams' keys. *Default:* none. |
/// | `emits(RoomBooked, ..)` | The events that the command can emit. |
/// | `rejects = BookingRejection` | The reasons to refuse the command. *Default:* `NoRejection`. |
/// | `key(room = self.booking.room)` | The expression that gives a field of the key, where no field has its name. It applies to every state whose key has the field; `key(1.account = self.to)` applies to one, counted from 0. The macro clones a field, and takes any other expression as it is. |
/// | `id = "{order}"` | The natural id of the command, if it has one: text and fields (`{order.id}`), each field a `SubjectToken`. The address of the command goes before it. |
/// | `name = "book"` | The name of the command in addresses. *Default:* the name of the struct in kebab case. |
/// | `validate = Self::check` | Checks the command whatever the state is: a function of `&Self` that returns `Result<(), impl Into<Violations>>`. |
/// | `garde` | Checks the command with `garde::Validate`; needs the feature `garde`. Violations name the fields as serde does in JSON. With `validate` as well, the command reports the violations of both. |
/// | `crate = path` | The path of `eventmodel`. |
///
/// The struct has named fields, or none, and needs `Serialize` and `Deserialize`. With the feature `schemars` the
/// command records its `JsonSchema`, if it has one and is not generic.
#[proc_macro_derive(Command, attributes(command))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    command::derive(&parse_macro_input!(input)).into()
}

/// The reasons to refuse a command: `Rejection`, with a code for each variant of an enum, or one for a struct.
///
/// | `#[rejection(..)]` | |
/// |---|---|
/// | `code = "already-booked"` | On a variant or a struct: its code. *Default:* its name in kebab case. |
/// | `crate = path` | On the type: the path of `eventmodel`. |
///
/// The type also needs `Serialize` and `std::error::Error` (`thiserror::Error` gives it).
#[proc_macro_derive(Rejection, attributes(rejection))]
pub fn derive_rejection(input: TokenStream) -> TokenStream {
    rejection::derive(&parse_macro_input!(input)).into()
}

/// A struct with one field, named or not, that stands in a subject as its field does: `SubjectToken`.
///
/// `#[subject_token(crate = path)]` gives the path of `eventmodel`.
#[proc_macro_derive(SubjectToken, attributes(subject_token))]
pub fn derive_subject_token(input: TokenStream) -> TokenStream {
    subject_token::derive(&parse_macro_input!(input)).into()
}

/// A fold of events: `Projection` for the type of the `impl` block, from the handlers in the block.
///
/// | `#[projection(..)]` | |
/// |---|---|
/// | `key = Booking` | The key is that of a stream: the projection has one instance for each of the stream's. Only such a projection can be the state of a command. |
/// | `key(room: RoomId, date: Date)` | The key has up to four fields, which every handled event has. |
/// | nothing | The projection has one instance, with the key `()`. |
/// | `snapshot` | As the state of a decision, the projection may be stored beside the last event of its instance, and then loads without the history; see `ProjectionInfo::snapshot`. Only with `key = ..`; the handlers cannot take `&Metadata`. |
/// | `crate = path` | The path of `eventmodel`. |
///
/// A handler is a function with `&mut self`. Its first parameter `&Event` is the event that it handles; `&Metadata` may
/// follow. `#[key(date = event.stay.from)]` on a handler gives a part of the key for its event. The expression names
/// the event as the parameter does, or `event`. Functions without `self`, with `self` or with `&self` are no handlers.
///
/// The type needs `Default`, `Clone`, `Serialize` and `Deserialize`.
#[proc_macro_attribute]
pub fn projection(args: TokenStream, item: TokenStream) -> TokenStream {
    projection::attribute(args.into(), &item.into()).into()
}

/// A reaction to events: `Automation` for the type of the `impl` block, from the handlers in the block.
///
/// A handler is a function with `&self`, `async` or not. Its first parameter `&Event` is the event that it handles;
/// `&Metadata` and `&App` may follow. It returns a command, an `Option`, a `Vec`, an array or a tuple of commands, a
/// `Result` of these, or nothing. Functions without `self` or with `self` are no handlers. Put helpers with `&self`
/// into another `impl` block.
///
/// `#[automation(crate = path)]` gives the path of `eventmodel`.
#[proc_macro_attribute]
pub fn automation(args: TokenStream, item: TokenStream) -> TokenStream {
    automation::attribute(args.into(), &item.into()).into()
}
