//! A model as tokens.
//!
//! Nothing is decided here and nothing can fail. Names of locals have the hygiene of generated code, so that they and
//! the user's cannot meet; everything else is reached through one path, `cache_core::__private`.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Type};

use crate::events::EventArg;
use crate::fingerprint;
use crate::handle::Handle;
use crate::item::Function;
use crate::model::{Apart, Home, Lent, Limit, Model, Style, constructor, found_events};
use crate::{verbs, walk};

/// The function that asks the cache, and its handle.
pub(crate) struct Expansion {
    pub(crate) function: TokenStream,
    /// Goes beside the function, or beside its `impl` block.
    pub(crate) handle: TokenStream,
}

impl ToTokens for Expansion {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.function.to_tokens(tokens);
        self.handle.to_tokens(tokens);
    }
}

pub(crate) fn expand(model: &Model) -> Expansion {
    let p = private(model);
    let head = model.item.head();
    let requires = model.requires.iter().map(|(requirement, span)| {
        let (requirement, output) = (Ident::new(requirement, located(*span)), output(model));
        quote_spanned!(located(*span)=> #p::#requirement::<#output>();)
    });
    let (site, gates) = (site(model), gates(model));
    let declaration = match &model.home {
        Home::Handle(handle) if handle.is_listed => Some(verbs::declaration_of(model, handle)),
        _ => None,
    };
    let mut call = call(model, quote!(#site #gates), false);
    call.extend(validation(model));
    let plan = match &model.home {
        Home::Handle(handle) if handle.is_listed => {
            quote_spanned!(Span::mixed_site()=> declaration.plan)
        }
        Home::Handle(handle) if handle.params.iter().all(|param| !param.is_impl) => {
            let (ident, instance) = (&handle.ident, instance(handle));
            quote!(#ident::__cache_plan #instance ())
        }
        // Only the function itself knows its `impl Trait`s.
        _ => plan(model),
    };
    let answer = if let Some(apart) = &model.apart {
        let work = work(model, apart);
        let (load, wait) = match model.style {
            Style::Sync => ("load_apart_sync", None),
            Style::Async | Style::Boxed => ("load_apart", Some(quote!(.await))),
        };
        let load = Ident::new(load, Span::mixed_site());
        quote_spanned! {Span::mixed_site()=>
            let found = {
                #declaration
                #call
                call.get_apart(#plan)
            };
            let work = #work;
            match found {
                #p::Apart::Hit(value) => value,
                #p::Apart::Due(value, reload) => {
                    reload.start(work().0);
                    value
                }
                #p::Apart::Miss(miss) => {
                    let (work, patience) = work();
                    miss.#load(work, patience) #wait
                }
            }
        }
    } else if model.style == Style::Sync && model.has_plain_body() {
        let body = body(&p, &model.item, model.style, model.output.as_ref());
        quote_spanned!(Span::mixed_site()=> #declaration #call call.answer(#plan, #body))
    } else {
        let load = load(model);
        quote_spanned! {Span::mixed_site()=>
            let miss = {
                #declaration
                #call
                match call.get(#plan) {
                    #p::Lookup::Hit(value) => return value,
                    #p::Lookup::Miss(miss) => miss,
                }
            };
            #load
        }
    };
    let answer = quote!(#(#requires)* #answer);
    let answer = match model.style {
        Style::Boxed => quote!(#p::Box::pin(async move { #answer })),
        Style::Sync | Style::Async => answer,
    };
    let handle = match &model.home {
        Home::Handle(handle) => verbs::expand(model, handle),
        Home::Body { .. } => TokenStream::new(),
    };
    Expansion { function: quote!(#head { #answer }), handle }
}

/// `cache_core::__private`.
pub(crate) fn private(model: &Model) -> TokenStream {
    let krate = &model.krate;
    quote!(#krate::__private)
}

/// What the function returns.
pub(crate) fn output(model: &Model) -> TokenStream {
    model.output.as_ref().map_or_else(|| quote!(()), ToTokens::to_token_stream)
}

/// How its results are stored. If they cannot be, that is an error at the return type.
pub(crate) fn plan(model: &Model) -> TokenStream {
    let (p, span, kind) = (private(model), output_span(model), found_kind(model));
    let is_sized = model.plan.contains(&"sized");
    let plan = Ident::new(if is_sized { "__cache_sized_plan" } else { "__cache_plan" }, span);
    quote_spanned!(span=> { #[allow(unused_imports)] use #p::probes::*; (&#p::Planned((&#p::Compared(#kind)).__cache_compared())).#plan() })
}

/// What of a result is stored, for closures that look at it.
fn kind(model: &Model) -> TokenStream {
    let (p, kind) = (private(model), found_kind(model));
    quote_spanned!(output_span(model)=> { #[allow(unused_imports)] use #p::probes::*; #kind })
}

/// What of a result is stored, where the traits are in scope that find it by its type.
fn found_kind(model: &Model) -> TokenStream {
    let (p, span, output) = (private(model), output_span(model), output(model));
    let kind = quote_spanned!(span=> #p::Returns::<#output>::NEW.__cache_kind());
    if model.plan.contains(&"whole") { quote_spanned!(span=> #p::Whole(#kind)) } else { kind }
}

fn output_span(model: &Model) -> Span {
    model.output.as_ref().map_or_else(Span::mixed_site, |output| located(output.span()))
}

/// A call with its key. An argument that cannot be in a key is an error at that argument.
///
/// `by_reference`: the names of arguments are those of references to them.
pub(crate) fn call(model: &Model, site: TokenStream, by_reference: bool) -> TokenStream {
    let call = Ident::new("call", Span::mixed_site());
    let parts = model.key.iter().map(|part| {
        let span = part
            .clone()
            .into_iter()
            .next()
            .map_or_else(Span::mixed_site, |token| located(token.span()));
        // The same tokens for both, so that an argument without a key is one error.
        let deref = (by_reference && is_owned_name(model, part)).then(|| quote_spanned!(span=> *));
        // An argument that is in the key is in use, whatever its name says.
        let allow = part
            .to_string()
            .starts_with('_')
            .then(|| quote!(#[allow(clippy::used_underscore_binding)]));
        quote_spanned!(span=> #allow #call.arg(&#deref #part);)
    });
    // Through a reference, so that no trait of the user's with a method of that name comes first.
    quote_spanned!(Span::mixed_site()=> let #call = &mut #site.call(); #(#parts)*)
}

/// Whether a part of the key is the name of an argument that verbs take by reference though the function does not.
fn is_owned_name(model: &Model, part: &TokenStream) -> bool {
    let Home::Handle(handle) = &model.home else { return false };
    let part = part.to_string();
    !model.has_key_expr
        && handle.params.iter().any(|param| {
            !verbs::is_reference(&param.ty) && param.used.iter().any(|name| *name == part)
        })
}

/// The static that declares the function, and its registration.
pub(crate) fn declaration(model: &Model) -> TokenStream {
    let p = private(model);
    let name = &model.name;
    // The line of the function, not of the attribute: no token of the call may come from here.
    let line = quote_spanned!(model.item.sig.ident.span()=> __cache_line!());
    let line = quote!({ use #p::line as __cache_line; #line });
    let settings = model.settings.iter().map(|(setting, value)| {
        let setting = format_ident!("{setting}");
        let duration = ["ttl", "idle", "err_ttl", "none_ttl", "stale", "shortest", "longest"]
            .iter()
            .any(|word| setting == word);
        let duration = duration.then(|| quote!(#p::Duration::));
        quote!(.#setting(#duration #value))
    });
    let tiers = model.tiers.iter().map(|(word, tier)| {
        let (word, ttl) = (Ident::new(word, Span::call_site()), tier.ttl.map(constructor));
        let ttl = ttl.map(|ttl| quote!(.ttl(#p::Duration::#ttl)));
        let codec = tier.codec.as_ref().map(|codec| quote!(.codec(#codec)));
        let compress = tier.compress.as_ref().map(|name| quote!(.compress(#name)));
        quote!(.#word(#p::Tier::new() #ttl #codec #compress))
    });
    let fingerprint = if model.has_version { 0 } else { fingerprint::of(model) };
    let depends_on = depends_on(model);
    let stow = stow(model).filter(|_| !model.is_generic()).map(|stow| quote!(.stow(#stow)));
    quote! {
        static CACHE_FUNCTION: #p::Function =
            #p::Function::new(#name, #p::module_path!(), #p::file!(), #line)
                #(#settings)* #(#tiers)* .fingerprint(#fingerprint) #depends_on #stow;
        #p::register! { &CACHE_FUNCTION }
    }
}

/// The functions whose fingerprints are added. What is none is an error at its path.
fn depends_on(model: &Model) -> Option<TokenStream> {
    let p = private(model);
    let functions = model.depends_on.iter().map(|path| {
        let span = located(path.span());
        quote_spanned!(span=> <#path as #p::Addressed>::function)
    });
    (!model.depends_on.is_empty()).then(|| quote!(.depends_on(&[#(#functions),*])))
}

/// Has what is stored checked, where the attribute says how.
fn validation(model: &Model) -> Option<TokenStream> {
    let layers = model.layers.iter().enumerate().map(|(idx, check)| {
        let kind = kind(model);
        quote_spanned!(Span::mixed_site()=> suspect.ask(#kind, #idx, #check)?;)
    });
    (!model.layers.is_empty()).then(|| {
        let p = private(model);
        quote_spanned! {Span::mixed_site()=>
            call.validate(|suspect| { #(#layers)* #p::Ok(()) });
        }
    })
}

/// How results leave the process. That they cannot is an error at the return type where a word asks for it.
fn stow(model: &Model) -> Option<TokenStream> {
    if !model.can_stow {
        return None;
    }
    let (p, span, kind) = (private(model), output_span(model), found_kind(model));
    let require = (!model.tiers.is_empty())
        .then(|| quote_spanned!(span=> (&#p::Stowed(#kind)).__cache_require_stow();));
    Some(quote_spanned! {span=>
        || {
            #[allow(unused_imports)]
            use #p::probes::*;
            #require
            (&#p::Stowed(#kind)).__cache_stow()
        }
    })
}

/// What the library is asked through, inside the function.
fn site(model: &Model) -> TokenStream {
    let p = private(model);
    match &model.home {
        Home::Handle(handle) if handle.is_listed => {
            quote_spanned!(Span::mixed_site()=> declaration.site)
        }
        Home::Handle(handle) => {
            let (ident, instance) = (&handle.ident, instance(handle));
            let hints: Vec<_> = handle
                .params
                .iter()
                .filter(|param| param.is_impl)
                .map(|param| &param.pat)
                .collect();
            if hints.is_empty() {
                quote!(#ident::__cache_site #instance ())
            } else {
                quote!(#ident::__cache_site_of #instance (#(&#hints),*))
            }
        }
        Home::Body { is_generic } => {
            let declaration = declaration(model);
            let site = if *is_generic {
                instance_site(model, quote!(&CACHE_FUNCTION))
            } else {
                quote!(#p::Site::of(&CACHE_FUNCTION))
            };
            quote!({ #declaration #site })
        }
    }
}

/// The site of the instantiation around.
pub(crate) fn instance_site(model: &Model, function: TokenStream) -> TokenStream {
    let p = private(model);
    let stow = stow(model).unwrap_or_else(|| quote!(|| #p::Option::None));
    quote!(#p::Site::generic(#function, &|| {}, #stow))
}

/// The words that look at the arguments of a call.
pub(crate) fn gates(model: &Model) -> TokenStream {
    let gates = model.gates.iter().map(|(gate, expr)| {
        let gate = format_ident!("{gate}");
        quote!(.#gate(#expr))
    });
    gates.collect()
}

/// Runs the body as it was written: `?`, `return` and `.await` mean what they meant.
fn load(model: &Model) -> TokenStream {
    let p = private(model);
    let is_plain = model.has_plain_body();
    let body = body(&p, &model.item, model.style, model.output.as_ref());
    if model.is_independent {
        let run = if is_plain {
            let run = unless_recalled(model, &body);
            quote_spanned!(Span::mixed_site()=> (#run, #p::Terms::new()))
        } else {
            let run = with_terms(model, unless_recalled(model, &body));
            quote_spanned! {Span::mixed_site()=>
                let mut all_terms = #p::Terms::new();
                let terms = &mut all_terms;
                #run
                (out, all_terms)
            }
        };
        return quote_spanned! {Span::mixed_site()=>
            {
                let body = async move { #run };
                let own = #p::own_body!(body);
                miss.load_owned(body, own)
            }
            .await
        };
    }
    match (model.style, is_plain) {
        (Style::Async | Style::Boxed, true) => {
            quote_spanned!(Span::mixed_site()=> miss.load_async(#body).await)
        }
        (Style::Sync, _) => {
            let run = with_terms(model, quote!(#p::recalled().unwrap_or_else(#body)));
            quote_spanned! {Span::mixed_site()=>
                miss.load_with(move |terms| { #run out })
            }
        }
        (Style::Async | Style::Boxed, false) => {
            let run = with_terms(model, unless_recalled(model, &body));
            quote_spanned! {Span::mixed_site()=>
                miss.load_async_with(async move {
                    let mut all_terms = #p::Terms::new();
                    let terms = &mut all_terms;
                    #run
                    (out, all_terms)
                }).await
            }
        }
    }
}

/// Awaits the body, unless an outer tier had the result. That is not held meanwhile, for it need not be `Send`.
fn unless_recalled(model: &Model, body: &TokenStream) -> TokenStream {
    let (p, output) = (private(model), output(model));
    quote_spanned! {Span::mixed_site()=>
        'run: {
            if let #p::Option::Some(out) = #p::recalled::<#output>() {
                break 'run out;
            }
            #body.await
        }
    }
}

/// A closure that makes a body which owns its arguments, and says how long a caller waits for it.
fn work(model: &Model, apart: &Apart) -> TokenStream {
    let (p, name, output) = (private(model), &model.name, output(model));
    let limits = apart.patience.iter().map(|(word, limit)| {
        let limit = match limit {
            Limit::Literal(constructor) => quote!(#p::Duration::#constructor),
            Limit::Expr(expr) => expr.to_token_stream(),
        };
        let span = output_span(model);
        let word_ident = Ident::new(word, Span::mixed_site());
        let late = (*word == "timeout")
            .then(|| quote_spanned!(span=> , <#output as #p::FromTimeout>::from_timeout));
        quote!(.#word_ident(#limit #late))
    });
    let this = Ident::new("self", Span::call_site());
    let (owned, lent): (Vec<_>, Vec<_>) = apart
        .lent
        .iter()
        .map(|Lent { name, is_mut, ty }| {
            let span = located(ty.span());
            let from = if *name == "this" { &this } else { name };
            let is_mut = is_mut.then(|| quote!(mut));
            (
                quote_spanned!(span=> let #name = #p::Lend::own(#from);),
                quote_spanned!(span=> let #is_mut #name: &#ty = &#name;),
            )
        })
        .unzip();
    let taken = apart.taken.iter().map(|(name, ty)| {
        let span = located(ty.span());
        quote_spanned!(span=> let #name = #p::Take::take(#name);)
    });
    let body = body(&p, &model.item, model.style, model.output.as_ref());
    let call = match model.style {
        Style::Sync => quote!(#p::recalled().unwrap_or_else(#body)),
        Style::Async | Style::Boxed => unless_recalled(model, &body),
    };
    let run = with_terms(model, call);
    let run = match apart.lent.first() {
        Some(Lent { name, ty, .. }) if *name == "this" => walk::without_self(run, ty, name),
        _ => run,
    };
    let run = quote_spanned! {Span::mixed_site()=>
        #(#[allow(unused_variables)] #lent)*
        let mut all_terms = #p::Terms::new();
        let terms = &mut all_terms;
        #run
        (out, all_terms)
    };
    let (runtime, work) = match model.style {
        Style::Sync => (None, quote!(#p::Work::blocking(move || { #run }))),
        Style::Async | Style::Boxed => {
            (Some(quote!(#p::needs_runtime!();)), quote!(#p::Work::spawned(async move { #run })))
        }
    };
    quote_spanned! {Span::mixed_site()=>
        move || {
            #runtime
            let patience = #p::Patience::<#output>::new(#name)#(#limits)*;
            #(#owned)*
            #(#taken)*
            (#work, patience)
        }
    }
}

/// The body as a closure or a future.
pub(crate) fn body(
    p: &TokenStream,
    item: &Function,
    style: Style,
    output: Option<&Type>,
) -> TokenStream {
    let body = &item.body;
    // A closure cannot say `impl Trait`, and neither can a type.
    let output = output.filter(|output| !matches!(output, Type::ImplTrait(_)));
    let returns = output.map(|_| &item.sig.output);
    match (style, output) {
        (Style::Sync, _) => quote!(move || #returns #body),
        (Style::Boxed, _) => {
            let returns = &item.sig.output;
            quote!((move || #returns #body)())
        }
        (Style::Async, None) => quote!(async move #body),
        (Style::Async, Some(output)) => {
            // A block cannot say what it returns, and without that neither `?` nor a boxed error would be inferred.
            let mut tail = Group::new(body.delimiter(), body.stream());
            tail.set_span(located(body.span()));
            quote_spanned! {Span::mixed_site()=>
                async move {
                    if false {
                        return #p::never::<#output>();
                    }
                    let out: #output = #tail;
                    out
                }
            }
        }
    }
}

/// Runs the body between the words that come before it and those that look at its value.
fn with_terms(model: &Model, call: TokenStream) -> TokenStream {
    let (p, kept) = (private(model), &model.kept);
    let (before, after) = (before(model, |_| true), after(model, |_| true));
    let (keep, give_back) = if kept.is_empty() {
        (TokenStream::new(), TokenStream::new())
    } else {
        (
            quote_spanned!(Span::mixed_site()=> let kept = (#(#p::own!(&#kept),)*);),
            quote_spanned!(Span::mixed_site()=> let (#(#kept,)*) = kept;),
        )
    };
    quote_spanned! {Span::mixed_site()=>
        #before
        #keep
        let out = #call;
        #give_back
        #after
    }
}

/// The words that look at the arguments only.
pub(crate) fn before(model: &Model, is_known: impl Fn(&TokenStream) -> bool) -> TokenStream {
    let p = private(model);
    let known = model.before.iter().filter(|(_, value)| is_known(value));
    let words = known.map(|(word, value)| {
        let method = format_ident!("{word}");
        let value = if *word == "label" { quote!(#p::format_args!(#value)) } else { value.clone() };
        quote_spanned!(Span::mixed_site()=> terms.#method(#value);)
    });
    let terms = Ident::new("terms", Span::mixed_site());
    let events = model.events.iter().map(|event| match event {
        EventArg::One(expr) if !is_known(&expr.to_token_stream()) => quote!(#terms.on_unknown();),
        event => depend(&terms, event),
    });
    let watch = model.events_of_value.as_ref().map(|_| quote!(#terms.watch();));
    quote!(#(#words)* #(#events)* #watch)
}

/// The words that look at the result.
pub(crate) fn after(model: &Model, is_known: impl Fn(&TokenStream) -> bool) -> TokenStream {
    let kind = kind(model);
    let known = model.after.iter().filter(|(_, f)| is_known(&f.to_token_stream()));
    let words = known.map(|(word, f)| {
        let method = format_ident!("{word}");
        quote_spanned!(Span::mixed_site()=> terms.#method(#kind, &out, #f);)
    });
    let events = model.events_of_value.as_ref().map(|find| {
        if !is_known(&find.to_token_stream()) {
            return quote_spanned!(Span::mixed_site()=> terms.on_unknown(););
        }
        let find = find_events(find);
        quote_spanned!(Span::mixed_site()=> terms.on_value(#kind, &out, #find);)
    });
    quote!(#(#words)* #events)
}

/// `|value| [EVENT, …]` as a closure that tells them one by one, because each may have a type of its own.
fn find_events(find: &Expr) -> TokenStream {
    let Expr::Closure(closure) = find else {
        unreachable!("the grammar of the attribute takes closures only")
    };
    let found = Ident::new("found", Span::mixed_site());
    let (capture, value, body) = (&closure.capture, &closure.inputs[0], &closure.body);
    let tell = match found_events(find) {
        Some(events) => events.iter().map(|event| depend(&found, event)).collect(),
        None => quote_spanned!(located(body.span())=> #found.on_all(#body);),
    };
    quote!(#capture |#value, #found| { #tell })
}

/// Tells `whom` of an event. One that is none is an error at its expression.
fn depend(whom: &Ident, event: &EventArg) -> TokenStream {
    let span = located(event.span());
    match event {
        EventArg::One(expr) => quote_spanned!(span=> #whom.on(&(#expr));),
        EventArg::All(ty) => quote_spanned!(span=> #whom.on_any::<#ty>();),
    }
}

/// Generated code, for the compiler's messages at the user's code.
pub(crate) fn located(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The parameters of a generic function, inside it.
fn instance(handle: &Handle) -> Option<TokenStream> {
    let instance = &handle.instance;
    (!instance.is_empty()).then(|| quote!(::<#(#instance),*>))
}

/// The parameters of a generic function, inside its verbs.
pub(crate) fn turbofish(handle: &Handle) -> Option<TokenStream> {
    let mut idents = crate::handle::idents(&handle.generics).peekable();
    idents.peek()?;
    Some(quote!(::<#(#idents),*>))
}
