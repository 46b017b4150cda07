//! Mistakes, collected so that all of them are reported at once.
//!
//! Every check goes on after it has found something; nothing returns early with the first mistake. A collector that is
//! dropped without anybody asking what is in it panics: a mistake that nobody reports is worse than a crash.

use std::fmt::Display;
use std::thread;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

/// The mistakes of one attribute and what it stands on.
pub(crate) struct Errors {
    found: Option<Error>,
    is_read: bool,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { found: None, is_read: false }
    }

    /// Notes a mistake at the given place.
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.add(Error::new(span, message));
    }

    /// Notes a mistake that covers all of `tokens`.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(Error::new_spanned(tokens, message));
    }

    /// Notes a mistake found by a parser.
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.found {
            Some(found) => found.combine(error),
            None => self.found = Some(error),
        }
    }

    /// Takes the value of `result`, or notes its mistake.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// One `compile_error!` for each mistake; `None` if there is none.
    pub(crate) fn read(mut self) -> Option<TokenStream> {
        self.is_read = true;
        self.found.take().map(Error::into_compile_error)
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        if !self.is_read && !thread::panicking() {
            panic!("errors were collected and nobody read them");
        }
    }
}
