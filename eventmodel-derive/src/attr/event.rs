//! `#[event(stream = .., streams(..), type = .., version = .., codec = .., key(..), crate = ..)]`

use syn::{DeriveInput, Expr, LitInt, Path, Type};

use super::overrides::{self, Override};
use super::{Keys, crate_path, group, types, value};
use crate::ctxt::Ctxt;

#[derive(Default)]
pub(crate) struct EventAttr {
    /// Whether `stream` or `streams` was written, in whatever form.
    pub(crate) names_streams: bool,
    pub(crate) streams: Vec<Type>,
    pub(crate) event_type: Option<Expr>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Type>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) krate: Option<Path>,
}

pub(crate) fn read(ctxt: &Ctxt, input: &DeriveInput) -> EventAttr {
    let mut attr = EventAttr::default();
    let known = &[
        "stream", "streams", "type", "version", "codec", "key", "crate",
    ];
    let mut keys = Keys::new(ctxt, "event", known);
    keys.attributes(&input.attrs, |key, input| {
        match key.to_string().as_str() {
            which @ ("stream" | "streams") => {
                if attr.names_streams {
                    return Err(syn::Error::new(
                        key.span(),
                        "give `stream = ..` for one stream or `streams(..)` for several, not both",
                    ));
                }
                attr.names_streams = true;
                if which == "stream" {
                    attr.streams.push(value(key, input, "stream = Booking")?);
                } else {
                    let group = group(key, input, "streams(Course, Student)")?;
                    attr.streams = types(&group)?;
                    if attr.streams.is_empty() {
                        return Err(syn::Error::new(
                            group.span(),
                            "an event belongs to a stream: `streams(Course, Student)`",
                        ));
                    }
                }
            }
            "type" => attr.event_type = Some(value(key, input, "type = \"RoomBooked\"")?),
            "version" => attr.version = Some(value(key, input, "version = 2")?),
            "codec" => attr.codec = Some(value(key, input, "codec = eventmodel::Json")?),
            "key" => {
                let group = group(key, input, "key(room = self.booking.room)")?;
                attr.overrides = overrides::read(ctxt, group.stream());
            }
            _ => attr.krate = Some(crate_path(key, input)?),
        }
        Ok(())
    });
    attr
}
