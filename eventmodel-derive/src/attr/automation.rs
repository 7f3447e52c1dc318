//! `#[automation]`, `#[automation(crate = ..)]`

use proc_macro2::TokenStream;
use syn::Path;

use super::{Keys, crate_path};
use crate::ctxt::Ctxt;

pub(crate) fn read(ctxt: &Ctxt, args: TokenStream) -> Option<Path> {
    let mut krate = None;
    Keys::new(ctxt, "automation", &["crate"]).tokens(args, |key, input| {
        krate = Some(crate_path(key, input)?);
        Ok(())
    });
    krate
}
