//! `#[stream(subject = "..", log = "..", crate = ..)]`

use syn::{DeriveInput, LitStr, Path};

use super::{Keys, crate_path, string};
use crate::ctxt::Ctxt;

#[derive(Default)]
pub(crate) struct StreamAttr {
    pub(crate) found: bool,
    pub(crate) subject: Option<LitStr>,
    pub(crate) log: Option<LitStr>,
    pub(crate) krate: Option<Path>,
    /// Whether `subject` was written, in whatever form.
    pub(crate) names_subject: bool,
}

pub(crate) fn read(ctxt: &Ctxt, input: &DeriveInput) -> StreamAttr {
    let mut attr = StreamAttr::default();
    let mut keys = Keys::new(ctxt, "stream", &["subject", "log", "crate"]);
    attr.found = keys.attributes(&input.attrs, |key, input| {
        match key.to_string().as_str() {
            "subject" => {
                attr.names_subject = true;
                attr.subject = Some(string(key, input, "subject = \"booking.{room}.{date}\"")?);
            }
            "log" => attr.log = Some(string(key, input, "log = \"hotel\"")?),
            _ => attr.krate = Some(crate_path(key, input)?),
        }
        Ok(())
    });
    attr
}
