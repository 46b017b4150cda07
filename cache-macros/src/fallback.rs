//! What is emitted when there are mistakes: the errors, and the user's code as it would be without the attribute.
//!
//! So one mistake gives one message, and editors keep their hints for the function.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Visibility};

/// The errors beside what they are about.
pub(crate) fn with_errors(errors: TokenStream, item: impl ToTokens) -> TokenStream {
    quote!(#errors #item)
}

/// The item as it was, and what is wrong with an attribute here.
pub(crate) fn not_a_function(
    attribute: &str,
    item: TokenStream,
    error: &syn::Error,
) -> TokenStream {
    let or_block =
        if attribute == "cached" { ", a method or an `impl` block" } else { " or a method" };
    let error = match kind(&item) {
        Some((keyword, kind)) => syn::Error::new(
            keyword.span(),
            format!("`#[{attribute}]` goes on a function{or_block}, not on {kind}"),
        ),
        None if is_half_typed(&item) => return item,
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
    let has = |word: &str| {
        item.clone()
            .into_iter()
            .any(|token| matches!(token, TokenTree::Ident(ident) if ident == word))
    };
    let kind = match keyword.to_string().as_str() {
        "struct" => "a struct",
        "enum" => "an enum",
        "union" => "a union",
        "extern" if has("crate") => "an import",
        "unsafe" | "extern" if !["fn", "impl", "trait", "mod"].into_iter().any(has) => {
            "an `extern` block"
        }
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

/// Whether an argument is still without its type. The compiler has already said so, and its parser goes on after that.
fn is_half_typed(item: &TokenStream) -> bool {
    let mut tokens = item.clone().into_iter();
    if !tokens.any(|token| matches!(token, TokenTree::Ident(ident) if ident == "fn")) {
        return false;
    }
    let arguments = tokens.find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Some(group),
        _ => None,
    });
    arguments.is_some_and(|arguments| {
        arguments_of(arguments.stream()).iter().any(|argument| {
            let colon = argument.iter().position(|token| is_punct(token, ':'));
            let is_self = argument
                .iter()
                .any(|token| matches!(token, TokenTree::Ident(ident) if ident == "self"));
            !argument.is_empty()
                && !is_self
                && colon.is_none_or(|colon| colon + 1 == argument.len())
        })
    })
}

/// The tokens between commas, other than those in `<>`.
fn arguments_of(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let (mut arguments, mut depth, mut after_minus) = (vec![Vec::new()], 0, false);
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' && !after_minus => depth -= 1,
            _ => {}
        }
        after_minus = is_punct(&token, '-');
        if depth == 0 && is_punct(&token, ',') {
            arguments.push(Vec::new());
        } else {
            arguments.last_mut().expect("there is one from the beginning").push(token);
        }
    }
    arguments
}

fn is_punct(token: &TokenTree, c: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == c)
}
