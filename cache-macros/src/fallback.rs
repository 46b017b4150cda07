//! What is emitted when there are mistakes: the errors, and the user's code as it would be without the attribute.
//!
//! So one mistake gives one message, and editors keep their hints for the function.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Visibility};

/// The errors beside what they are about.
pub(crate) fn with_errors(errors: TokenStream, item: impl ToTokens) -> TokenStream {
    quote!(#errors #item)
}

/// The item as it was, and what is wrong with an attribute here.
pub(crate) fn not_a_function(item: TokenStream, error: &syn::Error) -> TokenStream {
    let error = match kind(&item) {
        Some((keyword, kind)) => syn::Error::new(
            keyword.span(),
            format!("`#[cached]` goes on a function, a method or an `impl` block, not on {kind}"),
        ),
        None => error.clone(),
    };
    with_errors(error.into_compile_error(), item)
}

/// The keyword of an item that is no function, and what it is.
fn kind(item: &TokenStream) -> Option<(Ident, &'static str)> {
    let keyword = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let keyword = input.call(Ident::parse_any)?;
        let next = input.parse::<Option<TokenTree>>()?;
        input.parse::<TokenStream>()?;
        Ok((keyword, next))
    };
    let (keyword, next) = keyword.parse2(item.clone()).ok()?;
    let begins_function = |next: &TokenTree| matches!(next, TokenTree::Ident(ident) if ["fn", "unsafe", "async", "extern"].iter().any(|word| ident == word));
    let kind = match keyword.to_string().as_str() {
        "struct" => "a struct",
        "enum" => "an enum",
        "union" => "a union",
        "trait" => "a trait: put it on the methods that have a body",
        "mod" => "a module",
        "static" => "a static",
        "type" => "a type",
        "use" => "an import",
        "const" if !next.as_ref().is_some_and(begins_function) => "a constant",
        "macro_rules" => "a macro",
        _ => return None,
    };
    Some((keyword, kind))
}
