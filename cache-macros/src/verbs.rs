//! The handle of a function as tokens.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use crate::batch;
use crate::expand::{
    after, before, call, declaration, instance_site, output, plan, private, turbofish,
};
use crate::handle::{Handle, Listed, Param, at_mixed_site};
use crate::model::{Model, Style};
use crate::walk;

/// The handle, and what it needs.
pub(crate) fn expand(model: &Model, handle: &Handle) -> TokenStream {
    if handle.is_listed { listed(model, handle) } else { written(model, handle) }
}

/// A type of the library's, whose verbs are there, and what they need to know of the function.
fn listed(model: &Model, handle: &Handle) -> TokenStream {
    let krate = &model.krate;
    let Handle { vis, cfgs, params, callee, .. } = handle;
    let ident = at_mixed_site(handle.ident.clone());
    let (function, (handle_type, declared)) = (handle.function(), declared(model));
    let docs = format!("What is cached of `{}`.", model.item.sig.ident);
    let (declaration, plan, output) = (declaration(model), plan(model), output(model));
    let all: Vec<_> =
        params.iter().filter_map(|param| Some((param, param.listed.as_ref()?))).collect();
    let args = all.iter().map(|(_, ty)| match ty {
        Listed::Own(ty) => quote!(#krate::handle::Own<#ty>),
        Listed::Ref(ty) => quote!(#krate::handle::Ref<#ty>),
    });
    let args: Vec<_> = args.collect();
    let types = all.iter().map(|(_, ty)| match ty {
        Listed::Own(ty) => quote!(#ty),
        Listed::Ref(ty) => quote!(&#ty),
    });
    let names: Vec<_> = params.iter().map(|param| &param.name).collect();
    let keys = params.iter().any(|param| !param.in_key).then(|| {
        let keys = all.iter().zip(&args).filter(|((param, _), _)| param.in_key).map(|(_, ty)| ty);
        quote!(, (#(#keys,)*))
    });
    let (taken, returned) = match model.style {
        Style::Sync => (quote!((#(#types,)*)), output.clone()),
        Style::Async | Style::Boxed => {
            let p = private(model);
            // The future captures the lifetime, so that has to be there where no argument has it.
            (
                quote!(<(#(#args,)*) as #krate::handle::Params>::Of<'_>),
                quote!(impl #p::Future<Output = #output>),
            )
        }
    };
    let deprecated = handle.is_deprecated.then(|| quote!(#[allow(deprecated)]));
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(missing_copy_implementations, missing_debug_implementations)]
        #vis enum #function {}
        #(#cfgs)*
        #[doc = #docs]
        #vis type #ident = #krate::handle::#handle_type<#function, #output, (#(#args,)*) #keys>;
        #(#cfgs)*
        #deprecated
        impl #krate::handle::#declared<(#(#args,)*), #output> for #function {
            #[inline]
            fn declaration() -> #krate::handle::Declaration<#output> {
                #declaration
                #krate::handle::Declaration::new(&CACHE_FUNCTION, #plan)
            }
            fn call((#(#names,)*): #taken) -> #returned { #callee(#(#names),*) }
        }
    }
}

/// What the function says of itself, as a local of the function.
pub(crate) fn declaration_of(model: &Model, handle: &Handle) -> TokenStream {
    let (krate, function, (_, declared)) = (&model.krate, handle.function(), declared(model));
    quote_spanned! {Span::mixed_site()=>
        let declaration = <#function as #krate::handle::#declared<_, _>>::declaration();
    }
}

/// The library's names for the handle and for what it needs.
fn declared(model: &Model) -> (Ident, Ident) {
    let [handle, declared] = match model.style {
        Style::Sync => ["Handle", "Declared"],
        Style::Async | Style::Boxed => ["AsyncHandle", "DeclaredAsync"],
    };
    (Ident::new(handle, Span::mixed_site()), Ident::new(declared, Span::mixed_site()))
}

/// An enum with verbs of its own.
fn written(model: &Model, handle: &Handle) -> TokenStream {
    let (p, whole_site) = (private(model), whole_site(model, handle));
    let Handle { vis, cfgs, .. } = handle;
    let ident = at_mixed_site(handle.ident.clone());
    let docs = format!("What is cached of `{}`.", model.item.sig.ident);
    // The verbs call the function; only its users shall be warned.
    let deprecated = handle.is_deprecated.then(|| quote!(deprecated,));
    let verbs = [
        site(model, handle),
        whole(model, handle),
        keyed(model, handle),
        calling(model, handle),
        warm(model, handle),
        batch::get_many(model, handle),
    ];
    let verbs = verbs.into_iter().collect();
    let verbs = match &handle.owner {
        Some((ty, this)) => walk::without_self(verbs, ty, this),
        None => verbs,
    };
    quote! {
        #(#cfgs)*
        #[doc = #docs]
        #[allow(missing_copy_implementations, missing_debug_implementations)]
        #vis enum #ident {}
        #(#cfgs)*
        // The signatures follow from the function's, which is where advice about them belongs.
        #[allow(#deprecated unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
        impl #ident { #verbs }
        #(#cfgs)*
        impl #p::Addressed for #ident {
            fn function() -> &'static #p::Function { #whole_site.function() }
        }
    }
}

/// How the function and the verbs reach the library.
fn site(model: &Model, handle: &Handle) -> TokenStream {
    let (p, declaration) = (private(model), declaration(model));
    let (plan, output) = (plan(model), output(model));
    let (generics, where_clause) = (&handle.generics, &handle.generics.where_clause);
    let plan = quote! {
        #[inline]
        fn __cache_plan #generics() -> #p::Plan<#output> #where_clause { #plan }
    };
    let Some(turbofish) = turbofish(handle) else {
        return quote! {
            #[inline]
            fn __cache_site() -> #p::Site {
                #declaration
                #p::Site::of(&CACHE_FUNCTION)
            }
            #plan
        };
    };
    let ident = &handle.ident;
    // Only the function itself knows its `impl Trait`s, and only by their values.
    let hints: Vec<_> =
        handle.params.iter().filter(|param| param.is_impl).map(|param| &param.ty).collect();
    let inferred = (!hints.is_empty()).then(|| {
        quote! {
            fn __cache_site_of #generics(#(_: &#hints),*) -> #p::Site #where_clause {
                #ident::__cache_site #turbofish ()
            }
        }
    });
    let site = instance_site(model, quote!(#ident::__cache_function()));
    quote! {
        fn __cache_function() -> &'static #p::Function {
            #declaration
            &CACHE_FUNCTION
        }
        #[inline]
        fn __cache_site #generics() -> #p::Site #where_clause {
            #site
        }
        #plan
        #inferred
    }
}

/// The verbs for all entries.
fn whole(model: &Model, handle: &Handle) -> TokenStream {
    let (p, krate) = (private(model), &model.krate);
    let (vis, site) = (&handle.vis, whole_site(model, handle));
    let is_labelled = model.settings.iter().any(|(setting, _)| *setting == "labelled");
    let labels = is_labelled.then(|| {
        quote! {
            /// What happened so far by label, the one with the most hits first.
            #vis fn labels() -> #p::Vec<#krate::LabelStats> { #site.labels() }
        }
    });
    quote! {
        /// What happened so far.
        #vis fn stats() -> #krate::Stats { #site.stats() }
        #labels
        /// Drops every entry.
        #vis fn clear() { #site.clear() }
    }
}

/// The site of all instantiations.
fn whole_site(model: &Model, handle: &Handle) -> TokenStream {
    let (p, ident) = (private(model), &handle.ident);
    match turbofish(handle) {
        Some(_) => quote!(#p::Site::of(#ident::__cache_function())),
        None => quote!(#ident::__cache_site()),
    }
}

/// The verbs for the entry of a call, named by what is in its key.
fn keyed(model: &Model, handle: &Handle) -> TokenStream {
    let (p, output) = (private(model), output(model));
    let Handle { ident, vis, generics, .. } = handle;
    let where_clause = &generics.where_clause;
    let turbofish = turbofish(handle);
    let site = quote!(#ident::__cache_site #turbofish ());
    let plan = quote!(#ident::__cache_plan #turbofish ());
    let in_key: Vec<&Param> = handle.params.iter().filter(|param| param.in_key).collect();
    let borrowed: Vec<_> = in_key.iter().map(|param| borrowed(param)).collect();
    let owned: Vec<_> = in_key.iter().map(|Param { pat, ty, .. }| quote!(#pat: #ty)).collect();
    let unused: Vec<_> = in_key.iter().flat_map(|param| &param.unused).collect();
    let ignore = (!unused.is_empty()).then(|| quote!(let _ = (#(&#unused,)*);));
    // An expression was written for the arguments themselves, not for references to them.
    let by_value: Vec<_> = in_key
        .iter()
        .filter(|param| model.has_key_expr && !is_reference(&param.ty))
        .flat_map(|param| &param.used)
        .collect();
    let (by_reference, by_value_call) = (call(model, site.clone(), true), call(model, site, false));
    // What the attribute says of a result, it says of this one too, as far as its arguments are there.
    let this = Ident::new("self", Span::call_site());
    let absent: Vec<_> = handle
        .params
        .iter()
        .filter(|param| !param.in_key)
        .flat_map(|param| if param.is_self { std::slice::from_ref(&this) } else { &param.unused })
        .collect();
    let is_known = |tokens: &TokenStream| !absent.iter().any(|name| walk::mentions(tokens, name));
    let (before, after) = (before(model, is_known), after(model, is_known));
    let store = if before.is_empty() && after.is_empty() {
        quote_spanned!(Span::mixed_site()=> call.put(#plan, &out, #p::Terms::new()))
    } else {
        quote_spanned! {Span::mixed_site()=>
            let mut all_terms = #p::Terms::of_put();
            let terms = &mut all_terms;
            #before
            #after
            call.put(#plan, &out, all_terms)
        }
    };
    quote_spanned! {Span::mixed_site()=>
        /// Drops the entry of this call; true if there was one.
        #vis fn invalidate #generics(#(#borrowed),*) -> #p::bool #where_clause {
            #ignore
            #(let #by_value = #p::own!(#by_value);)*
            #by_reference
            call.invalidate()
        }
        /// Has the entry of this call expire now; true if it was fresh.
        #vis fn expire #generics(#(#borrowed),*) -> #p::bool #where_clause {
            #ignore
            #(let #by_value = #p::own!(#by_value);)*
            #by_reference
            call.expire()
        }
        /// What is stored for this call; never runs the body.
        #vis fn peek #generics(#(#borrowed),*) -> #p::Option<#output> #where_clause {
            #ignore
            #(let #by_value = #p::own!(#by_value);)*
            #by_reference
            call.peek(#plan)
        }
        /// Stores a result for this call; true if it is stored now.
        #vis fn put #generics(#(#owned,)* out: #output) -> #p::bool #where_clause {
            #ignore
            #by_value_call
            #store
        }
    }
}

/// The verbs that call the function.
fn calling(model: &Model, handle: &Handle) -> TokenStream {
    let output = output(model);
    let Handle { ident, vis, generics, callee, .. } = handle;
    let where_clause = &generics.where_clause;
    let turbofish = turbofish(handle);
    let (names, types): (Vec<_>, Vec<_>) =
        handle.params.iter().map(|Param { name, ty, .. }| (name, ty)).unzip();
    let call = quote!(#callee(#(#names),*));
    let site = quote!(#ident::__cache_site #turbofish ());
    let (asyncness, refresh, uncached) = match model.style {
        Style::Sync => (
            None,
            quote_spanned!(Span::mixed_site()=> let _forced = #site.refresh(); #call),
            quote_spanned!(Span::mixed_site()=> let _forced = #site.uncached(); #call),
        ),
        Style::Async | Style::Boxed => (
            Some(quote!(async)),
            quote!(#site.refresh_async(#call).await),
            quote!(#site.uncached_async(#call).await),
        ),
    };
    quote! {
        /// Calls the function and replaces what is stored.
        #vis #asyncness fn refresh #generics(#(#names: #types),*) -> #output #where_clause { #refresh }
        /// Calls the function and leaves what is stored alone.
        #vis #asyncness fn uncached #generics(#(#names: #types),*) -> #output #where_clause { #uncached }
    }
}

/// The verb that makes many calls.
fn warm(model: &Model, handle: &Handle) -> TokenStream {
    let (p, krate) = (private(model), &model.krate);
    let Handle { vis, callee, .. } = handle;
    let (names, types): (Vec<_>, Vec<_>) =
        handle.params.iter().map(|Param { name, named, .. }| (name, named)).unzip();
    let mut generics = handle.warm_generics();
    generics.params.insert(0, syn::parse_quote!('cache_warm));
    generics.params.push(
        syn::parse_quote!(CacheCalls: #p::IntoIterator<Item = (#(#types,)*), IntoIter: #p::Send>),
    );
    let where_clause = &generics.where_clause;
    let call = quote!(#callee(#(#names),*));
    let (returns, calls) = match model.style {
        Style::Sync => (
            quote!(#krate::Warm<'cache_warm, <CacheCalls as #p::IntoIterator>::IntoIter>),
            quote_spanned!(Span::mixed_site()=> #krate::Warm::new(calls, |(#(#names,)*)| { let _ = #call; })),
        ),
        Style::Async | Style::Boxed => (
            quote_spanned! {Span::mixed_site()=>
                #krate::WarmAsync<'cache_warm, impl #p::Iterator<Item = impl #p::Future<Output = ()>>>
            },
            quote_spanned! {Span::mixed_site()=>
                #krate::WarmAsync::new(#p::map(calls, |(#(#names,)*)| async move { let _ = #call.await; }))
            },
        ),
    };
    quote_spanned! {Span::mixed_site()=>
        /// Calls the function once for each tuple of arguments.
        #vis fn warm #generics(calls: CacheCalls) -> #returns #where_clause { #calls }
    }
}

/// A parameter by reference: `&T` for `T`, and `&T` for `&T`.
fn borrowed(param: &Param) -> TokenStream {
    let Param { pat, ty, .. } = param;
    let and = (!is_reference(ty)).then(|| quote!(&));
    quote!(#pat: #and #ty)
}

pub(crate) fn is_reference(ty: &Type) -> bool {
    match ty {
        Type::Reference(_) => true,
        Type::Group(group) => is_reference(&group.elem),
        Type::Paren(paren) => is_reference(&paren.elem),
        _ => false,
    }
}
