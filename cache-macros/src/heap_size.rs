//! `#[derive(HeapSize)]`: a value costs what its fields cost.
//!
//! A field is measured by the best way its type offers, which the compiler chooses where the field is named: its own
//! `HeapSize`, an estimate from `serde::Serialize`, or an error at the field. Two attributes change that:
//! `#[heap_size(skip)]` counts nothing, `#[heap_size(with = path)]` asks a function `fn(&Field) -> usize`.

use crate::errors::Errors;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Field, Fields, GenericParam, Generics, Item, Meta, Path, Token, Type};

/// The `impl HeapSize` for a struct or enum, or every mistake in it.
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
    variants: Vec<Variant>,
}

/// A variant of an enum, or a struct as a whole.
struct Variant {
    /// `Self` or `Self::Name`.
    path: TokenStream,
    parts: Vec<Part>,
}

/// A field that counts.
struct Part {
    /// Its name or its index.
    member: TokenStream,
    ty: Type,
    measure: Measure,
}

enum Measure {
    ByType,
    With(Path),
}

fn model(item: Item, errors: &mut Errors) -> Option<Model> {
    let (name, generics, attrs, variants) = match item {
        Item::Struct(it) => {
            let variant = Variant { path: quote!(Self), parts: parts(&it.fields, errors) };
            (it.ident, it.generics, it.attrs, vec![variant])
        }
        Item::Enum(it) => {
            let variants = it.variants.iter().map(|variant| {
                for attr in own_attrs(&variant.attrs) {
                    errors.on(attr, "`heap_size` goes on a field or on the type, not on a variant");
                }
                let name = &variant.ident;
                Variant { path: quote!(Self::#name), parts: parts(&variant.fields, errors) }
            });
            let variants = variants.collect();
            (it.ident, it.generics, it.attrs, variants)
        }
        Item::Union(it) => {
            errors.on(
                it.union_token,
                "the size of a union cannot be derived, because it does not say which of its fields is there; \
                 write `impl HeapSize` by hand",
            );
            return None;
        }
        other => {
            errors.on(&other, "`HeapSize` is derived for a struct or an enum");
            return None;
        }
    };
    Some(Model { krate: krate(&attrs, errors), name, generics, variants })
}

fn own_attrs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("heap_size"))
}

/// The words of all `#[heap_size(..)]` of one place.
fn words(attrs: &[Attribute], errors: &mut Errors) -> Vec<Meta> {
    let mut words = Vec::new();
    for attr in own_attrs(attrs) {
        match attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) {
            Ok(metas) => words.extend(metas),
            Err(error) => errors.add(error),
        }
    }
    words
}

/// The path in `word = path`.
fn path(word: &Meta, errors: &mut Errors) -> Option<Path> {
    match word {
        Meta::NameValue(it) => match syn::parse2(it.value.to_token_stream()) {
            Ok(path) => return Some(path),
            Err(_) => errors.on(&it.value, "write a path here, such as `crate::sizes::of_image`"),
        },
        other => errors.on(other, "this word needs a path: `= some::path`"),
    }
    None
}

/// The library's path: `::cache_core`, or what `#[heap_size(crate = path)]` says.
fn krate(attrs: &[Attribute], errors: &mut Errors) -> Path {
    let mut krate = None;
    for word in words(attrs, errors) {
        if !word.path().is_ident("crate") {
            errors.on(
                &word,
                "the only word on a type is `crate = path`; `skip` and `with = path` go on a field",
            );
        } else if krate.is_some() {
            errors.on(&word, "`crate` is given twice");
        } else {
            krate = path(&word, errors);
        }
    }
    krate.unwrap_or_else(|| syn::parse_quote!(::cache_core))
}

fn parts(fields: &Fields, errors: &mut Errors) -> Vec<Part> {
    let parts = fields.iter().enumerate().filter_map(|(idx, field)| {
        let measure = measure(field, errors)?;
        let member = match &field.ident {
            Some(name) => name.to_token_stream(),
            None => syn::Index::from(idx).to_token_stream(),
        };
        Some(Part { member, ty: field.ty.clone(), measure })
    });
    parts.collect()
}

/// How a field is measured; `None` for one that is skipped.
fn measure(field: &Field, errors: &mut Errors) -> Option<Measure> {
    let (mut skip, mut with) = (None, None);
    for word in words(&field.attrs, errors) {
        let slot = if word.path().is_ident("skip") {
            if !matches!(word, Meta::Path(_)) {
                errors.on(&word, "`skip` takes no value");
            }
            &mut skip
        } else if word.path().is_ident("with") {
            &mut with
        } else {
            errors.on(&word, "the words on a field are `skip` and `with = path`");
            continue;
        };
        if slot.is_some() {
            errors.on(&word, "this word is given twice");
        }
        *slot = Some(word);
    }
    match (skip, with) {
        (None, None) => Some(Measure::ByType),
        (None, Some(with)) => path(&with, errors).map(Measure::With),
        (Some(_), None) => None,
        (Some(_), Some(with)) => {
            errors.on(&with, "a field that is skipped is not measured: remove `skip` or `with`");
            None
        }
    }
}

fn expand(model: &Model) -> TokenStream {
    let Model { krate, name, generics, variants } = model;
    let generics = bounded(generics, krate);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let seen = Ident::new("__cache_seen", Span::mixed_site());
    let arms = variants.iter().map(|variant| arm(variant, krate, &seen));
    // An empty enum has no value to match, which only a place of its type admits.
    let scrutinee = if variants.is_empty() { quote!(*self) } else { quote!(self) };
    let flats = variants.iter().flat_map(|variant| &variant.parts).map(|part| match part.measure {
        Measure::ByType => {
            let choice = choice(krate, &part.ty);
            let (ty, span) = (&part.ty, Span::mixed_site().located_at(part.ty.span()));
            quote_spanned!(span=> && #choice.is_flat(#krate::__private::SizeOf::<#ty>::new()))
        }
        Measure::With(_) => quote!(&&false),
    });
    let choices = quote! {
        #[allow(unused_imports)]
        use #krate::__private::{ByHeapSize as _, BySerialize as _, Unknown as _};
    };
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::HeapSize for #name #type_generics #where_clause {
            #[allow(unused_variables, clippy::pedantic)]
            fn heap_size(&self, #seen: &mut #krate::__private::Seen) -> usize {
                #choices
                match #scrutinee { #(#arms)* }
            }

            #[allow(clippy::pedantic)]
            fn is_flat() -> bool {
                #choices
                true #(#flats)*
            }
        }
    }
}

/// Every type parameter has a size, as with the derives of the standard library.
fn bounded(generics: &Generics, krate: &Path) -> Generics {
    let mut generics = generics.clone();
    for param in &mut generics.params {
        if let GenericParam::Type(param) = param {
            param.bounds.push(syn::parse_quote!(#krate::HeapSize));
        }
    }
    generics
}

fn arm(variant: &Variant, krate: &Path, seen: &Ident) -> TokenStream {
    let path = &variant.path;
    let names: Vec<_> = (0..variant.parts.len())
        .map(|idx| format_ident!("__cache_{idx}", span = Span::mixed_site()))
        .collect();
    let members = variant.parts.iter().map(|part| &part.member);
    let sizes = variant.parts.iter().zip(&names).map(|(part, name)| match &part.measure {
        Measure::ByType => {
            let choice = choice(krate, &part.ty);
            quote!(.saturating_add(#choice.heap_size_in(#name, #seen)))
        }
        Measure::With(path) => quote!(.saturating_add(#path(#name))),
    });
    quote! {
        #path { #(#members: #names,)* .. } => 0_usize #(#sizes)*,
    }
}

/// The best way to measure a type, with its span, so that a type without one is an error there.
fn choice(krate: &Path, ty: &Type) -> TokenStream {
    let span = Span::mixed_site().located_at(ty.span());
    quote_spanned!(span=> (&&#krate::__private::SizeOf::<#ty>::new()).__cache_measure())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(input: TokenStream) -> Vec<String> {
        let expansion: syn::File = syn::parse2(derive(input)).expect("it expands to items");
        expansion
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Macro(it) => Some(it.mac.tokens.to_string().trim_matches('"').to_owned()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_good_struct_has_no_message() {
        assert_eq!(
            messages(quote!(
                struct User<'a, T, const N: usize> {
                    #[heap_size(skip)]
                    id: &'a T,
                    at: [T; N],
                }
            )),
            [""; 0]
        );
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let messages = messages(quote! {
            #[heap_size(with = here)]
            enum Shape {
                #[heap_size(skip)]
                Circle(#[heap_size(skip, with = of)] f64, #[heap_size(with = 3)] f64),
                Square { #[heap_size(skipp)] side: f64, #[heap_size(skip, skip)] name: String },
            }
        });
        assert_eq!(messages.len(), 6, "{messages:#?}");
    }

    #[test]
    fn a_union_is_refused() {
        assert!(messages(quote!(union Bits { a: u32, b: f32 }))[0].contains("union"));
    }
}
