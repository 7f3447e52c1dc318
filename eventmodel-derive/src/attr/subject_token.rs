//! `#[subject_token(crate = ..)]`

use syn::{DeriveInput, Path};

use super::{Keys, crate_path};
use crate::ctxt::Ctxt;

pub(crate) fn read(ctxt: &Ctxt, input: &DeriveInput) -> Option<Path> {
    let mut krate = None;
    Keys::new(ctxt, "subject_token", &["crate"]).attributes(&input.attrs, |key, input| {
        krate = Some(crate_path(key, input)?);
        Ok(())
    });
    krate
}
