//! `#[derive(Event)]`: an event is told from others of its type by its fields.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Fields, GenericParam, Generics, Item, Path, Token};

use crate::errors::Errors;
use crate::expand::located;

/// The `impl Event` for a struct or enum, or every mistake in it.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let model = errors.take(syn::parse2(input)).and_then(|item| model(item, &mut errors));
    match (errors.read(), model) {
        (None, Some(model)) => expand(&model),
        (errors, _) => errors.unwrap_or_default(),
    }
}

/// What to generate.
struct Model {
    krate: Path,
    name: Ident,
    generics: Generics,
    /// The variants of an enum, or a struct as a whole: `Self` or `Self::Name`.
    variants: Vec<(TokenStream, Fields)>,
    is_enum: bool,
}

fn model(item: Item, errors: &mut Errors) -> Option<Model> {
    let (name, generics, attrs, variants, is_enum) = match item {
        Item::Struct(it) => {
            (it.ident, it.generics, it.attrs, vec![(quote!(Self), it.fields)], false)
        }
        Item::Enum(it) => {
            let variants = it.variants.into_iter().map(|variant| {
                let name = variant.ident;
                (quote!(Self::#name), variant.fields)
            });
            (it.ident, it.generics, it.attrs, variants.collect(), true)
        }
        Item::Union(it) => {
            let message =
                "which field of a union is there cannot be told: write a struct or an enum";
            errors.on(it.union_token, message);
            return None;
        }
        other => {
            errors.on(&other, "`Event` is derived for a struct or an enum");
            return None;
        }
    };
    Some(Model { krate: krate(&attrs, errors), name, generics, variants, is_enum })
}

/// The library's path: `::cache_core`, or what `#[event(crate = path)]` says.
fn krate(attrs: &[Attribute], errors: &mut Errors) -> Path {
    let mut krate = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("event")) {
        let path = |input: syn::parse::ParseStream<'_>| {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            input.call(Path::parse_mod_style)
        };
        match attr.parse_args_with(path) {
            Ok(_) if krate.is_some() => errors.on(attr, "`crate` is given twice: keep one"),
            Ok(path) => krate = Some(path),
            Err(_) => errors.on(
                attr,
                "the only word is `crate = path`: write `#[event(crate = my_facade::cache_core)]`",
            ),
        }
    }
    krate.unwrap_or_else(|| syn::parse_quote!(::cache_core))
}

fn expand(model: &Model) -> TokenStream {
    let Model { krate, name, variants, is_enum, .. } = model;
    let p = quote!(#krate::__private);
    let mut generics = model.generics.clone();
    for param in &mut generics.params {
        if let GenericParam::Type(param) = param {
            param.bounds.push(syn::parse_quote!(#p::EventField));
        }
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let title = name.to_string();
    let key = Ident::new("__cache_key", Span::mixed_site());
    let arms = variants.iter().zip(0_u32..).map(|((path, fields), idx)| {
        let idx = is_enum.then(|| quote!(#key.arg(&#idx);));
        arm(path, fields, idx, &p, &key)
    });
    // An empty enum has no value to match, which only a place of its type admits.
    let scrutinee = if variants.is_empty() { quote!(*self) } else { quote!(self) };
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Event for #name #type_generics #where_clause {
            const TITLE: #p::Option<&'static #p::str> = #p::Option::Some(#title);

            fn family() -> #p::Family {
                #p::Family::of::<Self>()
            }

            #[allow(unused_variables, clippy::pedantic)]
            fn write_to(&self, #key: &mut #p::KeyWriter) {
                match #scrutinee { #(#arms)* }
            }
        }
    }
}

fn arm(
    path: &TokenStream,
    fields: &Fields,
    idx: Option<TokenStream>,
    p: &TokenStream,
    key: &Ident,
) -> TokenStream {
    // At the field's type, which is where a message about it belongs.
    let spans: Vec<_> = fields.iter().map(|field| located(field.ty.span())).collect();
    let names: Vec<_> = spans
        .iter()
        .enumerate()
        .map(|(idx, span)| format_ident!("__cache_{idx}", span = *span))
        .collect();
    let members = fields.iter().enumerate().map(|(idx, field)| match &field.ident {
        Some(name) => name.to_token_stream(),
        None => syn::Index::from(idx).to_token_stream(),
    });
    let writes = spans
        .iter()
        .zip(&names)
        .map(|(span, name)| quote_spanned!(*span=> #p::EventField::__cache_write_to(#name, #key);));
    quote! {
        #path { #(#members: #names),* } => { #idx #(#writes)* }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named() {
        for (input, message) in [
            (quote!(union Bits { a: u32, b: f32 }), "union"),
            (
                quote!(
                    fn f() {}
                ),
                "derived for a struct or an enum",
            ),
            (
                quote!(
                    #[event(name = "x")]
                    struct Updated;
                ),
                "the only word is `crate = path`",
            ),
            (
                quote!(
                    #[event(crate = a)]
                    #[event(crate = b)]
                    struct Updated;
                ),
                "given twice",
            ),
        ] {
            let expansion = derive(input).to_string();
            assert!(
                expansion.contains("compile_error") && expansion.contains(message),
                "{expansion}"
            );
        }
    }
}
