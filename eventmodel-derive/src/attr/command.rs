//! `#[command(state = .., emits(..), rejects = .., id = .., name = .., key(..), validate = .., garde, crate = ..)]`

use syn::{DeriveInput, Ident, LitStr, Path, Type};

use super::overrides::{self, Override};
use super::{Keys, crate_path, flag, group, string, types, value};
use crate::ctxt::Ctxt;

#[derive(Default)]
pub(crate) struct CommandAttr {
    pub(crate) state: Option<Type>,
    pub(crate) emits: Vec<Type>,
    pub(crate) rejects: Option<Type>,
    pub(crate) id: Option<LitStr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) validate: Option<Path>,
    pub(crate) garde: Option<Ident>,
    pub(crate) krate: Option<Path>,
}

pub(crate) fn read(ctxt: &Ctxt, input: &DeriveInput) -> CommandAttr {
    let mut attr = CommandAttr::default();
    let known = &[
        "state", "emits", "rejects", "id", "name", "key", "validate", "garde", "crate",
    ];
    let mut keys = Keys::new(ctxt, "command", known);
    keys.attributes(&input.attrs, |key, input| {
        match key.to_string().as_str() {
            "state" => attr.state = Some(value(key, input, "state = RoomDay")?),
            "emits" => {
                let group = group(key, input, "emits(RoomBooked)")?;
                attr.emits = types(&group)?;
            }
            "rejects" => attr.rejects = Some(value(key, input, "rejects = BookingRejection")?),
            "id" => attr.id = Some(string(key, input, "id = \"{order}\"")?),
            "name" => attr.name = Some(string(key, input, "name = \"book-room\"")?),
            "key" => {
                let group = group(key, input, "key(room = self.booking.room)")?;
                attr.overrides = overrides::read(ctxt, group.stream());
            }
            "validate" => attr.validate = Some(value(key, input, "validate = Self::check")?),
            "garde" => attr.garde = Some(flag(key, input)?),
            _ => attr.krate = Some(crate_path(key, input)?),
        }
        Ok(())
    });
    attr
}
