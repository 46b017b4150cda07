//! `batch = load_users`: what it asks of a function, and the verb `get_many` as tokens.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ExprPath, Pat};

use crate::args::{self, Args};
use crate::errors::Errors;
use crate::expand::{after, before, call, gates, located, output, private, turbofish};
use crate::handle::{Handle, Param};
use crate::model::{Home, Model, Style, has_mut};
use crate::verbs::is_reference;
use crate::walk;

/// Whether many calls of the function can be loaded together.
pub(crate) fn check(args: &Args, home: &Home, errors: &mut Errors) {
    let Some(loader) = &args.batch else { return };
    let Home::Handle(handle) = home else {
        let instead = match &args.handle {
            Some(args::Handle::None) => "leave `handle = none` out",
            _ => "write `handle = Name`, and `#[cached]` on the `impl` block as well",
        };
        let message =
            format!("`batch` is for `get_many`, a verb of the function's handle: {instead}");
        return errors.on(loader, message);
    };
    if let Some(key) = &args.key {
        let message = "the function of `batch` gets the arguments that are in the key: name the others in `skip(..)`, in place of `key`";
        return errors.on(key, message);
    }
    for (word, limit) in [("timeout", &args.timeout), ("soft_timeout", &args.soft_timeout)] {
        if let Some((span, _)) = limit {
            let message = format!(
                "`{word}` would not hold for `get_many`, whose callers wait for one load of many keys: \
                 leave it out, or leave `batch` out"
            );
            errors.at(*span, message);
        }
    }
    if !handle.params.iter().any(|param| param.in_key) {
        errors.on(loader, "no argument is in the key, so that there are not many to load");
    }
    for param in &handle.params {
        if !matches!(param.pat, Pat::Ident(_) | Pat::Wild(_)) {
            let message = "`batch` hands this argument on: write a plain name here";
            errors.on(&param.pat, message);
        }
        if !param.in_key && has_mut(&param.ty) {
            let message = "the function of `batch` gets what is skipped by shared reference: take `&`, or leave `batch` out";
            errors.on(&param.ty, message);
        }
    }
}

/// The verb that makes many calls, whose misses are loaded together.
pub(crate) fn get_many(model: &Model, handle: &Handle) -> TokenStream {
    let Some(loader) = &model.batch else { return TokenStream::new() };
    let (p, output) = (private(model), output(model));
    let (ident, vis, turbofish) = (&handle.ident, &handle.vis, turbofish(handle));
    let generics = handle.warm_generics();
    let where_clause = &generics.where_clause;
    let plan = quote!(#ident::__cache_plan #turbofish ());
    let (in_key, skipped): (Vec<&Param>, Vec<&Param>) =
        handle.params.iter().partition(|param| param.in_key);
    let shared: Vec<_> = skipped.iter().map(|param| shared(param)).collect();
    let passed = skipped.iter().map(|Param { pat, name, .. }| match pat {
        Pat::Wild(_) => name.to_token_stream(),
        pat => pat.to_token_stream(),
    });
    let types = in_key.iter().map(|param| &param.named);
    let names: Vec<&Pat> = in_key.iter().map(|param| &param.pat).collect();
    // The function that loads them gets one argument as it is.
    let (key_type, key) = match &*names {
        [name] => (quote!(#(#types)*), quote!(#name)),
        names => (quote!((#(#types),*)), quote!((#(#names),*))),
    };
    let all = |_: &TokenStream| true;
    let (gates, before, after) = (gates(model), before(model, all), after(model, all));
    let call = call(model, quote!(#ident::__cache_site #turbofish () #gates), false);
    let own = |tokens: &TokenStream| owned(model, &skipped, tokens);
    let (own_for_call, own_before, own_after) = (own(&call), own(&before), own(&after));
    let kept: Vec<&Ident> = model
        .kept
        .iter()
        .filter(|name| in_key.iter().any(|param| param.used.contains(name)))
        .collect();
    let (asyncness, load, wait) = match model.style {
        Style::Sync => (None, quote!(load_sync), None),
        Style::Async | Style::Boxed => (Some(quote!(async)), quote!(load), Some(quote!(.await))),
    };
    let keys = Ident::new("keys", Span::mixed_site());
    // What does not fit is an error at the path.
    let loading = quote_spanned!(located(loader.span())=> #loader(#(#passed,)* #keys));
    let (function, path) = (&model.name, path_of(loader));
    let docs = format!(
        "The results of calls, in their order; those that nobody has are loaded by one call of `{path}`."
    );
    quote_spanned! {Span::mixed_site()=>
        #[doc = #docs]
        #[allow(unused_variables)]
        #vis #asyncness fn get_many #generics(
            #(#shared,)*
            #keys: impl #p::IntoIterator<Item = #key_type>
        ) -> #p::Vec<#output> #where_clause {
            let batch = &mut #p::Batch::new(#plan, #function, #path);
            for key in #keys {
                let #key = key;
                #own_for_call
                #call
                batch.add(call, #key);
            }
            batch.#load(
                |key, terms: &mut #p::Terms| {
                    let #key = key;
                    #own_before
                    #before
                    let kept = (#(#p::own!(&#kept),)*);
                    (#key, kept)
                },
                |#keys| #loading,
                |out: &#output, kept, terms: &mut #p::Terms| {
                    let (#(#kept,)*) = kept;
                    #own_after
                    #after
                },
            )#wait
        }
    }
}

/// A skipped argument: the function that loads gets it by reference, maybe several times.
fn shared(param: &Param) -> TokenStream {
    let Param { pat, name, named, .. } = param;
    let and = (!is_reference(named)).then(|| quote!(&));
    let pat = if matches!(pat, Pat::Wild(_)) { name.to_token_stream() } else { quote!(#pat) };
    quote!(#pat: #and #named)
}

/// What `tokens` say of skipped arguments was written for the arguments themselves, not for references to them.
fn owned(model: &Model, skipped: &[&Param], tokens: &TokenStream) -> TokenStream {
    let p = private(model);
    let by_reference = skipped.iter().filter(|param| !is_reference(&param.ty));
    let names = by_reference.flat_map(|param| &param.unused);
    let names: Vec<_> = names.filter(|name| walk::mentions(tokens, name)).collect();
    quote!(#(let #names = #p::own!(#names);)*)
}

/// A path as it is written.
fn path_of(path: &ExprPath) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}
