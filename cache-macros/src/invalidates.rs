//! `#[invalidates(EVENT, …)]`: what a function changes, emitted when it has returned.
//!
//! The events are built before the body, which may consume what they are made of, and emitted after it.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, Path, Result, ReturnType, Token, Type};

use crate::errors::Errors;
use crate::events::EventArg;
use crate::expand::{body, located};
use crate::item::Function;
use crate::model::{Style, output_of};
use crate::{args, fallback};

/// What is written in `#[invalidates(..)]`.
#[derive(Default)]
struct Args {
    krate: Option<Path>,
    events: Vec<EventArg>,
}

pub(crate) fn on_item(args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(error) => return fallback::not_a_function("invalidates", item, &error),
    };
    let mut errors = Errors::new();
    let args = errors.take(parse.parse2(args)).unwrap_or_default();
    check(&function, &mut errors);
    match errors.read() {
        Some(errors) => fallback::with_errors(errors, function),
        None => expand(&args, &function),
    }
}

fn parse(input: ParseStream<'_>) -> Result<Args> {
    let mut args = Args::default();
    while !input.is_empty() {
        if input.peek(Token![crate]) && input.peek2(Token![=]) {
            args.krate = Some(args::path(&input.call(Ident::parse_any)?, input)?);
        } else {
            args.events.push(input.parse()?);
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    if args.events.is_empty() {
        let message =
            "this names no event: write `#[invalidates(UserUpdated { user_id })]`, or remove it";
        return Err(Error::new(Span::call_site(), message));
    }
    Ok(args)
}

fn check(item: &Function, errors: &mut Errors) {
    let sig = &item.sig;
    if let Some(token) = sig.constness {
        errors.at(
            token.span,
            "a `const fn` cannot emit anything: remove `const`, or `#[invalidates]`",
        );
    }
    if let ReturnType::Type(_, ty) = &sig.output
        && is_future(ty)
    {
        errors.on(
            ty,
            "this returns before its work is done, and the events would be emitted then: write `async fn`",
        );
    }
}

/// Whether a type is that of a future, as far as its tokens tell. That of `#[async_trait]` is known otherwise.
fn is_future(ty: &Type) -> bool {
    let is_named = |path: &Path, names: &[&str]| {
        path.segments.last().is_some_and(|segment| names.iter().any(|name| segment.ident == name))
    };
    match ty {
        Type::ImplTrait(it) => it.bounds.iter().any(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => is_named(&bound.path, &["Future", "IntoFuture"]),
            _ => false,
        }),
        Type::Path(it) => is_named(&it.path, &["BoxFuture", "LocalBoxFuture"]),
        _ => false,
    }
}

fn expand(args: &Args, item: &Function) -> TokenStream {
    let krate = args.krate.clone().unwrap_or_else(|| syn::parse_quote!(::cache_core));
    let p = quote!(#krate::__private);
    let (head, (style, output)) = (item.head(), output_of(&item.sig));
    let name = item.sig.ident.unraw().to_string();
    let line = quote_spanned!(item.sig.ident.span()=> line!());
    let titles: BTreeSet<String> = args.events.iter().filter_map(EventArg::title).collect();
    let titles = titles.iter();
    let changes = Ident::new("changes", Span::mixed_site());
    let events = args.events.iter().map(|event| {
        let span = located(event.span());
        match event {
            EventArg::One(expr) => quote_spanned!(span=> #changes.emit(&(#expr));),
            EventArg::All(ty) => quote_spanned!(span=> #changes.emit_all::<#ty>();),
        }
    });
    let body = body(&p, item, style, output.as_ref());
    let out = match style {
        Style::Sync => quote!(#p::once(#body)),
        Style::Async | Style::Boxed => quote!(#body.await),
    };
    let work = quote_spanned! {Span::mixed_site()=>
        static CACHE_EMITTER: #p::Emitter = #p::Emitter {
            name: #name,
            file: #p::file!(),
            line: #p::#line,
            events: &[#(#titles),*],
        };
        #p::register_emitter! { &CACHE_EMITTER }
        // Through a reference, so that no trait of the user's with a method of that name comes first.
        let #changes = &mut #p::Transaction::new();
        #(#events)*
        let out = #out;
        #changes.commit_unless_err(
            { #[allow(unused_imports)] use #p::probes::*; #p::Returns::of(&out).__cache_kind() },
            &out,
        );
        out
    };
    match style {
        Style::Boxed => quote!(#head { #p::Box::pin(async move { #work }) }),
        Style::Sync | Style::Async => quote!(#head { #work }),
    }
}
