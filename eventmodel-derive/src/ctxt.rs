//! Collects errors, so that a macro reports all mistakes in one pass.

use std::cell::RefCell;
use std::fmt::Display;
use std::thread;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors of one macro call. Dropping it before [`finish`](Ctxt::finish) panics, so that no error gets lost.
pub(crate) struct Ctxt {
    errors: RefCell<Option<Vec<syn::Error>>>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self {
            errors: RefCell::new(Some(Vec::new())),
        }
    }

    /// Reports `message` at `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.syn(syn::Error::new_spanned(tokens.into_token_stream(), message));
    }

    /// Reports `message` at `span`.
    pub(crate) fn error_at(&self, span: proc_macro2::Span, message: impl Display) {
        self.syn(syn::Error::new(span, message));
    }

    /// Reports an error of the parser.
    pub(crate) fn syn(&self, error: syn::Error) {
        if let Some(errors) = &mut *self.errors.borrow_mut() {
            errors.push(error);
        }
    }

    /// The `compile_error!`s, if there is any error.
    pub(crate) fn finish(self) -> Option<TokenStream> {
        let errors = self.errors.take().unwrap_or_default();
        (!errors.is_empty()).then(|| errors.iter().map(syn::Error::to_compile_error).collect())
    }
}

impl Drop for Ctxt {
    fn drop(&mut self) {
        assert!(
            thread::panicking() || self.errors.borrow().is_none(),
            "the errors of a macro were not checked"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::Ctxt;
    use proc_macro2::Span;

    #[test]
    fn two_mistakes_give_two_errors() {
        let ctxt = Ctxt::new();
        ctxt.error_at(Span::call_site(), "one");
        ctxt.error_at(Span::call_site(), "two");
        let errors = ctxt.finish().expect("errors").to_string();
        assert_eq!(errors.matches("compile_error").count(), 2);
    }

    #[test]
    #[should_panic(expected = "not checked")]
    fn errors_cannot_be_forgotten() {
        drop(Ctxt::new());
    }
}
