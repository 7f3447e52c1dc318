//! `#[rejection(code = "..", crate = ..)]`: the code on a variant or on a struct, the crate on the type.

use syn::{Attribute, LitStr, Path};

use super::{Keys, crate_path, string};
use crate::ctxt::Ctxt;

#[derive(Default)]
pub(crate) struct RejectionAttr {
    pub(crate) code: Option<LitStr>,
    pub(crate) krate: Option<Path>,
}

/// Of an enum.
pub(crate) fn of_enum(ctxt: &Ctxt, attrs: &[Attribute]) -> RejectionAttr {
    read(ctxt, attrs, &["crate"])
}

/// Of a variant of an enum.
pub(crate) fn of_variant(ctxt: &Ctxt, attrs: &[Attribute]) -> RejectionAttr {
    read(ctxt, attrs, &["code"])
}

/// Of a struct.
pub(crate) fn of_struct(ctxt: &Ctxt, attrs: &[Attribute]) -> RejectionAttr {
    read(ctxt, attrs, &["code", "crate"])
}

fn read(ctxt: &Ctxt, attrs: &[Attribute], known: &'static [&'static str]) -> RejectionAttr {
    let mut attr = RejectionAttr::default();
    Keys::new(ctxt, "rejection", known).attributes(attrs, |key, input| {
        if key == "code" {
            attr.code = Some(string(key, input, "code = \"already-booked\"")?);
        } else {
            attr.krate = Some(crate_path(key, input)?);
        }
        Ok(())
    });
    attr
}
