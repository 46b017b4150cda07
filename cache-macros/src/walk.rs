//! The parts of types, patterns and expressions that the rules are about.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    GenericArgument, Ident, Lifetime, Pat, PatIdent, PathArguments, Token, Type, TypeParamBound,
    TypeReference,
};

/// A part of a type.
pub(crate) enum Part<'a> {
    /// `&T` with whatever lifetime it has.
    Reference(&'a mut TypeReference),
    /// A lifetime that is not that of a reference: `Cow<'_, str>`, `dyn Shape + 'a`.
    Lifetime(&'a mut Lifetime),
    /// `impl Trait`.
    ImplTrait(&'a mut Type),
}

/// Shows `visit` the parts of a type, inner ones first.
///
/// What is inside `fn(&T)`, `Fn(&T)` and `for<'a> …` is left out: lifetimes there belong to the callee.
pub(crate) fn types(ty: &mut Type, visit: &mut dyn FnMut(Part<'_>)) {
    match ty {
        Type::Array(array) => types(&mut array.elem, visit),
        Type::Group(group) => types(&mut group.elem, visit),
        Type::Paren(paren) => types(&mut paren.elem, visit),
        Type::Ptr(pointer) => types(&mut pointer.elem, visit),
        Type::Slice(slice) => types(&mut slice.elem, visit),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(|elem| types(elem, visit)),
        Type::Path(path) => {
            if let Some(qself) = &mut path.qself {
                types(&mut qself.ty, visit);
            }
            in_path(&mut path.path, visit);
        }
        Type::TraitObject(object) => in_bounds(&mut object.bounds, visit),
        Type::ImplTrait(implementor) => {
            in_bounds(&mut implementor.bounds, visit);
            visit(Part::ImplTrait(ty));
        }
        Type::Reference(reference) => {
            types(&mut reference.elem, visit);
            visit(Part::Reference(reference));
        }
        _ => {}
    }
}

fn in_path(path: &mut syn::Path, visit: &mut dyn FnMut(Part<'_>)) {
    for segment in &mut path.segments {
        let PathArguments::AngleBracketed(args) = &mut segment.arguments else { continue };
        for arg in &mut args.args {
            match arg {
                GenericArgument::Lifetime(lifetime) => visit(Part::Lifetime(lifetime)),
                GenericArgument::Type(ty) => types(ty, visit),
                GenericArgument::AssocType(assoc) => types(&mut assoc.ty, visit),
                GenericArgument::Constraint(constraint) => in_bounds(&mut constraint.bounds, visit),
                _ => {}
            }
        }
    }
}

fn in_bounds(bounds: &mut Punctuated<TypeParamBound, Token![+]>, visit: &mut dyn FnMut(Part<'_>)) {
    for bound in bounds {
        match bound {
            TypeParamBound::Lifetime(lifetime) => visit(Part::Lifetime(lifetime)),
            TypeParamBound::Trait(bound) if bound.lifetimes.is_none() => {
                in_path(&mut bound.path, visit)
            }
            _ => {}
        }
    }
}

/// Shows `visit` every name that a pattern binds.
pub(crate) fn bindings(pat: &mut Pat, visit: &mut dyn FnMut(&mut PatIdent)) {
    match pat {
        Pat::Ident(binding) => {
            if let Some((_, inner)) = &mut binding.subpat {
                bindings(inner, visit);
            }
            visit(binding);
        }
        Pat::Paren(paren) => bindings(&mut paren.pat, visit),
        Pat::Reference(reference) => bindings(&mut reference.pat, visit),
        Pat::Type(typed) => bindings(&mut typed.pat, visit),
        Pat::Tuple(tuple) => tuple.elems.iter_mut().for_each(|elem| bindings(elem, visit)),
        Pat::TupleStruct(tuple) => tuple.elems.iter_mut().for_each(|elem| bindings(elem, visit)),
        Pat::Slice(slice) => slice.elems.iter_mut().for_each(|elem| bindings(elem, visit)),
        Pat::Struct(fields) => {
            fields.fields.iter_mut().for_each(|field| bindings(&mut field.pat, visit))
        }
        _ => {}
    }
}

/// Whether an expression names a variable, also inside a macro or as `"{name}"` in a string.
///
/// `value.name` and `Type { name: … }` are fields and do not count, nor does what is part of a path, nor what a closure
/// calls its own argument.
pub(crate) fn mentions(tokens: impl ToTokens, name: &Ident) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_token_stream().into_iter().collect();
    !is_parameter(&tokens, name)
        && tokens.iter().enumerate().any(|(idx, token)| match token {
            TokenTree::Ident(ident) => ident == name && is_variable(&tokens, idx),
            TokenTree::Group(group) => mentions(group.stream(), name),
            TokenTree::Literal(literal) => is_formatted(&literal.to_string(), &name.to_string()),
            TokenTree::Punct(_) => false,
        })
}

/// Whether this is a closure with an argument of that name.
fn is_parameter(tokens: &[TokenTree], name: &Ident) -> bool {
    let is_bar =
        |token: &&TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '|');
    let mut tokens = tokens
        .iter()
        .skip_while(|token| matches!(token, TokenTree::Ident(ident) if ident == "move"));
    let is_closure = tokens.next().is_some_and(|token| is_bar(&token));
    is_closure && tokens.take_while(|token| !is_bar(token)).any(|token| names(token, name))
}

/// Whether a name is in a pattern.
fn names(pattern: &TokenTree, name: &Ident) -> bool {
    match pattern {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => group.stream().into_iter().any(|token| names(&token, name)),
        _ => false,
    }
}

fn is_variable(tokens: &[TokenTree], idx: usize) -> bool {
    let punct = |idx: Option<usize>, c: char| matches!(idx.and_then(|idx| tokens.get(idx)), Some(TokenTree::Punct(punct)) if punct.as_char() == c);
    let is_field = punct(idx.checked_sub(1), '.') && !punct(idx.checked_sub(2), '.');
    let is_label = punct(Some(idx + 1), ':');
    let is_in_path = punct(idx.checked_sub(1), ':') && punct(idx.checked_sub(2), ':');
    !is_field && !is_label && !is_in_path
}

fn is_formatted(literal: &str, name: &str) -> bool {
    literal.starts_with(['"', 'r'])
        && literal.split('{').skip(1).any(|rest| {
            rest.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['}', ':']))
        })
}

/// Writes `ty` for `Self` and `this` for `self`, for code that has moved out of the `impl` block.
pub(crate) fn without_self(tokens: TokenStream, ty: &Type, this: &Ident) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut out = TokenStream::new();
    while let Some(token) = tokens.next() {
        let in_path = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == proc_macro2::Spacing::Joint);
        match token {
            TokenTree::Ident(ident) if ident == "Self" && in_path => {
                out.extend(quote::quote!(<#ty>))
            }
            TokenTree::Ident(ident) if ident == "Self" => ty.to_tokens(&mut out),
            TokenTree::Ident(ident) if ident == "self" && !in_path => this.to_tokens(&mut out),
            TokenTree::Group(group) => {
                let mut inner =
                    Group::new(group.delimiter(), without_self(group.stream(), ty, this));
                inner.set_span(group.span());
                inner.to_tokens(&mut out);
            }
            token => token.to_tokens(&mut out),
        }
    }
    out
}
