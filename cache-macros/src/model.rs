//! What to generate for one function: every rule about attribute and function together, and every message.
//!
//! The rules only note mistakes; a model is built all the same, and is used if there were none.

use std::time::Duration;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Expr, ExprPath, FnArg, GenericParam, LitStr, Path, ReceiverKind, ReturnType, Safety, Signature,
    Type, parse_quote,
};

use crate::args::{self, Args, Dependence, Quantity, Tier};
use crate::batch;
use crate::errors::Errors;
use crate::events::EventArg;
use crate::handle::{self, Handle};
use crate::item::{Function, Impl, is_named};
use crate::walk::{self, Part};
use crate::words;

/// What to generate for one function.
pub(crate) struct Model {
    pub(crate) krate: Path,
    /// The user's function, without our attribute.
    pub(crate) item: Function,
    pub(crate) style: Style,
    /// What is cached; `None` for a function that returns nothing.
    pub(crate) output: Option<Type>,
    pub(crate) name: String,
    /// Methods of `Function`, with their argument.
    pub(crate) settings: Vec<(&'static str, TokenStream)>,
    /// The words `disk` and `redis`.
    pub(crate) tiers: Vec<(&'static str, Tier)>,
    /// Functions whose fingerprints are added to its own.
    pub(crate) depends_on: Vec<Path>,
    /// Whether `version` is there, which tells edited functions apart.
    pub(crate) has_version: bool,
    /// Flags of the plan.
    pub(crate) plan: Vec<&'static str>,
    /// What the return type must be, because of the word there.
    pub(crate) requires: Vec<(&'static str, Span)>,
    /// Methods of `Site` that look at the arguments of a call.
    pub(crate) gates: Vec<(&'static str, Expr)>,
    /// Checks of a stored value, in the order in which they are made.
    pub(crate) layers: Vec<Expr>,
    /// Methods of `Terms` that are asked before the body runs.
    pub(crate) before: Vec<(&'static str, TokenStream)>,
    /// Methods of `Terms` that look at the value.
    pub(crate) after: Vec<(&'static str, Expr)>,
    /// Events that a load depends on.
    pub(crate) events: Vec<EventArg>,
    /// The function that finds events in the value.
    pub(crate) events_of_value: Option<Expr>,
    /// Arguments that are needed after the body, when the body has consumed them.
    pub(crate) kept: Vec<Ident>,
    /// Expressions whose values are the key.
    pub(crate) key: Vec<TokenStream>,
    /// The key is an expression of the user's, not the arguments.
    pub(crate) has_key_expr: bool,
    pub(crate) home: Home,
    /// The function that loads many keys.
    pub(crate) batch: Option<ExprPath>,
    /// The body borrows nothing from its caller, and can go on without it.
    pub(crate) is_independent: bool,
    /// Whether its results may leave the process, as far as its tokens tell.
    pub(crate) can_stow: bool,
    /// Loads may run without their callers, so that the body owns its arguments.
    pub(crate) apart: Option<Apart>,
}

/// What a load needs that may run without its caller.
pub(crate) struct Apart {
    /// How it owns the arguments that are references, `self` first.
    pub(crate) lent: Vec<Lent>,
    /// Arguments that it takes as they are.
    pub(crate) taken: Vec<(Ident, Type)>,
    /// Methods of `Patience`, with how long a caller waits.
    pub(crate) patience: Vec<(&'static str, Limit)>,
}

/// How long something may take.
pub(crate) enum Limit {
    /// A method of `Duration`, with its arguments.
    Literal(TokenStream),
    Expr(Expr),
}

/// An argument that is a reference.
pub(crate) struct Lent {
    pub(crate) name: Ident,
    pub(crate) is_mut: bool,
    /// What it refers to.
    pub(crate) ty: Type,
}

/// How the function is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Sync,
    Async,
    /// Returns `Pin<Box<dyn Future>>`, as functions do that `#[async_trait]` has seen first.
    Boxed,
}

/// Where the function is declared to the library.
pub(crate) enum Home {
    /// In its own body.
    Body {
        /// Whether one piece of source is several functions.
        is_generic: bool,
    },
    /// In the handle beside it.
    Handle(Box<Handle>),
}

/// An argument of the function.
pub(crate) struct Argument {
    pub(crate) pat: syn::Pat,
    pub(crate) ty: Type,
    pub(crate) bindings: Vec<Ident>,
}

impl Model {
    /// Decides what to generate; mistakes go to `errors`.
    pub(crate) fn new(
        args: Args,
        item: Function,
        block: Option<&Impl>,
        errors: &mut Errors,
    ) -> Self {
        check_signature(&item, errors);
        let (style, output) = output_of(&item.sig);
        check_output(&item.sig, output.as_ref(), errors);
        let arguments = arguments_of(&item.sig, errors);
        check_skips(&args, &item.sig, &arguments, errors);
        check_constants(&args, &arguments, errors);
        check_freshness(&args, errors);
        let apart = apart(&args, &item, style, &arguments, errors);
        let item = Function { sig: without_mut(item.sig, apart.as_ref()), ..item };
        let key = key_of(&args, &arguments);
        let words = Words::new(&args, &arguments);
        let home = home_of(&args, &words, &item, &arguments, block, errors);
        batch::check(&args, &home, errors);
        let can_stow = output.as_ref().is_none_or(owns_all);
        for tier in [&args.disk, &args.redis].into_iter().flatten().filter(|_| !can_stow) {
            errors.at(
                tier.span,
                "results that borrow stay in memory: return what is owned, or leave this out",
            );
        }
        let is_independent = style == Style::Async && is_independent(&home, &arguments);
        let (events, events_of_value) = match args.invalidate_on {
            Some(Dependence::Events(events)) => (events, None),
            Some(Dependence::OfValue(find)) => (Vec::new(), Some(find)),
            None => (Vec::new(), None),
        };
        let looks = words.after.iter().map(|(_, f)| f).chain(&events_of_value);
        let looks: Vec<&Expr> = looks.collect();
        let kept =
            names_of(&arguments).filter(|name| looks.iter().any(|f| walk::mentions(f, name)));
        Self {
            kept: kept.cloned().collect(),
            name: args.name.as_ref().map_or_else(|| default_name(&item.sig, block), LitStr::value),
            settings: words.settings,
            depends_on: args.depends_on,
            has_version: args.version.is_some(),
            tiers: [("disk", args.disk), ("redis", args.redis)]
                .into_iter()
                .filter_map(|(word, tier)| Some((word, tier?)))
                .collect(),
            plan: words.plan,
            requires: words.requires,
            before: words.before,
            after: words.after,
            events,
            events_of_value,
            gates: [("enable_if", args.enabled), ("refresh_if", args.refresh_if)]
                .into_iter()
                .filter_map(|(gate, expr)| Some((gate, expr?)))
                .collect(),
            krate: args.krate.unwrap_or_else(|| parse_quote!(::cache_core)),
            item,
            style,
            output,
            has_key_expr: args.key.is_some(),
            key,
            home,
            batch: args.batch,
            is_independent,
            can_stow,
            apart,
            layers: args.validate.into_iter().map(|(_, check)| check).collect(),
        }
    }
}

impl Model {
    /// Whether one piece of source is several functions.
    pub(crate) fn is_generic(&self) -> bool {
        match &self.home {
            Home::Body { is_generic } => *is_generic,
            Home::Handle(handle) => handle::idents(&handle.generics).next().is_some(),
        }
    }

    /// No word has to be asked before the body runs or after it.
    pub(crate) fn has_plain_body(&self) -> bool {
        self.before.is_empty()
            && self.after.is_empty()
            && self.events.is_empty()
            && self.events_of_value.is_none()
    }
}

/// Whether nothing of a type is borrowed, as far as its tokens tell.
fn owns_all(ty: &Type) -> bool {
    let mut owns_all = true;
    walk::types(&mut ty.clone(), &mut |_| owns_all = false);
    owns_all
}

/// Whether a future of the function borrows nothing. An `async fn` must write the lifetimes in its arguments down,
/// so the types tell; what surrounds a method, and a type parameter, could borrow anything.
fn is_independent(home: &Home, arguments: &[Argument]) -> bool {
    let Home::Handle(handle) = home else { return false };
    let is_free = handle.owner.is_none()
        && !handle.generics.params.iter().any(|param| matches!(param, GenericParam::Type(_)));
    is_free && arguments.iter().all(|argument| owns_all(&argument.ty))
}

/// What the words come to that do not depend on the function.
#[derive(Default)]
struct Words {
    settings: Vec<(&'static str, TokenStream)>,
    plan: Vec<&'static str>,
    requires: Vec<(&'static str, Span)>,
    before: Vec<(&'static str, TokenStream)>,
    after: Vec<(&'static str, Expr)>,
}

impl Words {
    fn new(args: &Args, arguments: &[Argument]) -> Self {
        let mut words = Self::default();
        if let Some(label) = &args.label {
            words.before.push(("label", label.to_token_stream()));
            words.settings.push(("labelled", TokenStream::new()));
        }
        words.lifetime("ttl", "ttl_of", args.ttl.as_ref(), arguments);
        words.lifetime("idle", "idle_of", args.idle.as_ref(), arguments);
        if [&args.ttl, &args.idle].into_iter().any(|it| matches!(it, Some(Quantity::Expr(_)))) {
            words.settings.push(("mortal", TokenStream::new()));
        }
        words.outcome(
            "cache_err",
            "require_result",
            args.cache_err,
            ("err_ttl", args.err_ttl.as_ref()),
        );
        words.outcome(
            "cache_none",
            "require_option",
            args.cache_none,
            ("none_ttl", args.none_ttl.as_ref()),
        );
        if !words.requires.is_empty() {
            words.plan.push("whole");
        }
        words.setting("refresh_at", args.refresh_at.as_ref());
        if let Some((_, least, most)) = args.adaptive_ttl {
            words.settings.push(("shortest", constructor(least)));
            words.settings.push(("longest", constructor(most)));
        }
        if !args.validate.is_empty() {
            let names = args.validate.iter().map(|(name, _)| name);
            words.settings.push(("layers", quote!(&[#(#names),*])));
        }
        if let Some((_, stale)) = &args.stale {
            words.duration("stale", Some(stale));
            words.settings.push(("has_stale", TokenStream::new()));
            if args.on_err.is_none() && args.soft_timeout.is_none() {
                words.settings.push(("revalidates", TokenStream::new()));
            }
        }
        if let Some(span) = args.on_err {
            words.requires.push(("require_fallible", span));
            words.settings.push(("answers_errors", TokenStream::new()));
        }
        words.setting("jitter", args.jitter.as_ref());
        words.setting("version", args.version.as_ref());
        words.setting("single_flight", args.single_flight.as_ref());
        if args.is_cluster {
            words.settings.push(("cluster", TokenStream::new()));
        }
        words.amount("max_entries", args.max_entries.as_ref());
        words.amount("max_bytes", args.max_bytes.as_ref());
        words.setting("cost", args.cost.as_ref());
        words.setting("inherit", args.inherit.as_ref());
        words.setting("events", args.invalidate_on.as_ref().map(titles));
        if let Some(f) = &args.cache_if {
            words.after.push(("cache_if", f.clone()));
        }
        if let Some(f) = &args.size {
            words.after.push(("size", f.clone()));
            words.plan.push("sized");
        }
        words
    }

    fn setting(&mut self, word: &'static str, value: Option<impl ToTokens>) {
        self.settings.extend(value.map(|value| (word, value.into_token_stream())));
    }

    fn amount(&mut self, word: &'static str, amount: Option<&Quantity<u64>>) {
        self.setting(
            word,
            amount.map(|amount| match amount {
                Quantity::Literal(amount) => {
                    proc_macro2::Literal::u64_unsuffixed(*amount).into_token_stream()
                }
                Quantity::Expr(expr) => expr.to_token_stream(),
            }),
        );
    }

    /// A lifetime that may be chosen by the value.
    fn lifetime(
        &mut self,
        word: &'static str,
        word_of_value: &'static str,
        lifetime: Option<&Quantity<Duration>>,
        arguments: &[Argument],
    ) {
        match lifetime {
            Some(Quantity::Expr(f)) if is_function(f, arguments) => {
                self.after.push((word_of_value, f.clone()));
            }
            _ => self.duration(word, lifetime),
        }
    }

    /// A literal belongs to the function, an expression to the call.
    fn duration(&mut self, word: &'static str, duration: Option<&Quantity<Duration>>) {
        match duration {
            Some(Quantity::Literal(duration)) => self.settings.push((word, constructor(*duration))),
            Some(Quantity::Expr(expr)) => self.before.push((word, expr.to_token_stream())),
            None => {}
        }
    }

    /// Whether and for how long `Err` or `None` is stored. A lifetime that is a literal says both.
    fn outcome(
        &mut self,
        word: &'static str,
        requirement: &'static str,
        flag: Option<Span>,
        (ttl_word, ttl): (&'static str, Option<&(Span, Quantity<Duration>)>),
    ) {
        let Some(span) = flag.or(ttl.map(|(span, _)| *span)) else { return };
        self.requires.push((requirement, span));
        let ttl = ttl.map(|(_, ttl)| ttl);
        if !matches!(ttl, Some(Quantity::Literal(_))) {
            self.settings.push((word, TokenStream::new()));
        }
        self.duration(ttl_word, ttl);
    }
}

/// Whether an expression is a closure, or a path to a function: not to an argument, and by its case not to a constant.
fn is_function(expr: &Expr, arguments: &[Argument]) -> bool {
    match expr {
        Expr::Closure(_) => true,
        Expr::Path(path) => {
            let is_argument = names_of(arguments).any(|name| path.path.is_ident(name));
            let last = path.path.segments.last();
            let in_capitals = |name: &Ident| !name.to_string().contains(char::is_lowercase);
            !is_argument && last.is_some_and(|last| !in_capitals(&last.ident))
        }
        _ => false,
    }
}

/// What the events are called, as far as that can be told before the first call.
fn titles(dependence: &Dependence) -> TokenStream {
    let titles: Vec<String> = match dependence {
        Dependence::Events(events) => events.iter().filter_map(EventArg::title).collect(),
        Dependence::OfValue(find) => {
            found_events(find).iter().flatten().filter_map(EventArg::title).collect()
        }
    };
    quote!(&[#(#titles),*])
}

/// The events in the closure `|value| [EVENT, …]`; `None` if it computes them.
pub(crate) fn found_events(find: &Expr) -> Option<Vec<EventArg>> {
    let Expr::Closure(closure) = find else { return None };
    let Expr::Array(array) = &*closure.body else { return None };
    let event = |elem: &Expr| syn::parse2(elem.to_token_stream()).ok();
    array.elems.iter().map(event).collect()
}

/// The call that makes a duration, the most readable one.
pub(crate) fn constructor(duration: Duration) -> TokenStream {
    let literal = proc_macro2::Literal::u64_unsuffixed;
    let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
    match u64::try_from(duration.as_millis()) {
        _ if nanos == 0 => {
            let secs = literal(secs);
            quote!(from_secs(#secs))
        }
        Ok(millis) if nanos % 1_000_000 == 0 => {
            let millis = literal(millis);
            quote!(from_millis(#millis))
        }
        _ => {
            let (secs, nanos) = (literal(secs), proc_macro2::Literal::u32_unsuffixed(nanos));
            quote!(new(#secs, #nanos))
        }
    }
}

fn check_signature(item: &Function, errors: &mut Errors) {
    let sig = &item.sig;
    if let Some(token) = sig.constness {
        errors
            .at(token.span, "a `const fn` cannot look anything up: remove `const`, or `#[cached]`");
    }
    if let Safety::Unsafe(token) = sig.safety {
        errors.at(
            token.span,
            "a hit would skip what makes the call safe or not: cache a safe function, and keep the `unsafe` block inside it",
        );
    }
    if let Some(variadic) = &sig.variadic {
        errors.on(variadic, "variadic arguments cannot be in a key: take a slice");
    }
    for attr in item.attrs.iter().filter(|attr| is_named(attr, "cached")) {
        errors.on(attr, "`#[cached]` is written twice: put all words into one");
    }
}

/// How the function is called, and what it returns.
pub(crate) fn output_of(sig: &Signature) -> (Style, Option<Type>) {
    let ReturnType::Type(_, ty) = &sig.output else {
        return (if sig.asyncness.is_some() { Style::Async } else { Style::Sync }, None);
    };
    if sig.asyncness.is_some() {
        return (Style::Async, Some((**ty).clone()));
    }
    match boxed_output(ty) {
        Some(output) => (Style::Boxed, Some(output.clone())),
        None => (Style::Sync, Some((**ty).clone())),
    }
}

/// The `R` of `Pin<Box<dyn Future<Output = R> + …>>`.
fn boxed_output(ty: &Type) -> Option<&Type> {
    let Type::TraitObject(object) = only_argument(only_argument(ty, "Pin")?, "Box")? else {
        return None;
    };
    let future = object.bounds.iter().find_map(|bound| match bound {
        syn::TypeParamBound::Trait(bound) => {
            bound.path.segments.last().filter(|segment| segment.ident == "Future")
        }
        _ => None,
    })?;
    let syn::PathArguments::AngleBracketed(args) = &future.arguments else { return None };
    args.args.iter().find_map(|arg| match arg {
        syn::GenericArgument::AssocType(assoc) if assoc.ident == "Output" => Some(&assoc.ty),
        _ => None,
    })
}

/// The `T` of `Name<T>`.
fn only_argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let syn::PathArguments::AngleBracketed(args) = &segment.arguments else { return None };
    match args.args.first() {
        Some(syn::GenericArgument::Type(ty)) if args.args.len() == 1 => Some(ty),
        _ => None,
    }
}

fn check_output(sig: &Signature, output: Option<&Type>, errors: &mut Errors) {
    let Some(output) = output else { return };
    if let Type::Never(never) = output {
        errors.on(never, format!("`{}` never returns, so there is nothing to cache", sig.ident));
    }
    let borrowed = "what is cached outlives the call, so it cannot borrow: \
                    return an owned value (`String`, `Vec<T>`, `Arc<T>`) or a `&'static` one";
    // The walk may change what it sees; here it only looks.
    walk::types(&mut output.clone(), &mut |part| {
        match part {
        Part::Reference(reference) if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") => {
            errors.on(reference, borrowed);
        }
        Part::Lifetime(lifetime) if lifetime.ident != "static" => errors.at(lifetime.span(), borrowed),
        Part::ImplTrait(ty) => errors.on(
            ty,
            "`impl Trait` hides the type that would be stored: name it, or return a `Vec<T>` or an `Arc<dyn Trait>`",
        ),
        _ => {}
    }
    });
}

/// The arguments besides `self`.
fn arguments_of(sig: &Signature, errors: &mut Errors) -> Vec<Argument> {
    let mut arguments = Vec::new();
    for input in &sig.inputs {
        let FnArg::Typed(typed) = input else { continue };
        for attr in typed
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr"))
        {
            errors.on(attr, "the key cannot depend on a `cfg` of one argument: put it on the whole function, twice if need be");
        }
        let mut bindings = Vec::new();
        walk::bindings(&mut typed.pat.clone(), &mut |binding| bindings.push(binding.ident.clone()));
        arguments.push(Argument { pat: (*typed.pat).clone(), ty: (*typed.ty).clone(), bindings });
    }
    arguments
}

fn names_of(arguments: &[Argument]) -> impl Iterator<Item = &Ident> {
    arguments.iter().flat_map(|argument| &argument.bindings)
}

/// No argument is forgotten, none is named for nothing.
fn check_skips(args: &Args, sig: &Signature, arguments: &[Argument], errors: &mut Errors) {
    let is_skipped = |name: &Ident| args.skip.contains(name);
    let in_key = |name: &Ident| args.key.as_ref().is_some_and(|key| walk::mentions(key, name));
    let lost = "a hit does not run the body, so changes made through `&mut` would be lost: \
                return the result instead, or write `skip";

    // What must be skipped or in the key although the key replaces the arguments.
    let mut answered: Vec<&Ident> = Vec::new();
    let this = Ident::new("self", Span::call_site());
    if let Some(receiver) = sig.receiver() {
        let is_mut = match &receiver.kind {
            ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
            ReceiverKind::Typed(_, ty) => has_mut(ty),
            _ => false,
        };
        answered.push(&this);
        if is_skipped(&this) {
        } else if is_mut {
            errors.on(receiver, format!("{lost}(self)`"));
        } else if !in_key(&this) {
            let span = receiver.self_token.span;
            errors.at(span, "`self` must be named, or all values share entries: write `key = (self.id, ..)` or `skip(self)`");
        }
    }
    for argument in arguments.iter().filter(|argument| has_mut(&argument.ty)) {
        answered.extend(&argument.bindings);
        if let Some(name) = argument.bindings.iter().find(|name| !is_skipped(name)) {
            errors.on(&argument.ty, format!("{lost}({name})`"));
        }
    }

    for (idx, name) in args.skip.iter().enumerate() {
        let span = name.span();
        let is_known = if *name == this {
            sig.receiver().is_some()
        } else {
            names_of(arguments).any(|known| known == name)
        };
        if args.skip[..idx].contains(name) {
            errors.at(span, format!("`{name}` is skipped twice: keep one"));
        } else if !is_known {
            errors.at(span, unknown_argument(name, sig, arguments));
        } else if in_key(name) {
            errors.at(span, format!("`{name}` is in `key` and in `skip`: keep one"));
        } else if args.key.is_some() && !answered.contains(&name) {
            errors.at(span, format!("`key` already says all: remove `{name}` from `skip`"));
        }
    }
}

/// What is said once for the function is not said with the arguments of a call.
fn check_constants(args: &Args, arguments: &[Argument], errors: &mut Errors) {
    fn amount(amount: &Option<Quantity<u64>>) -> Option<&Expr> {
        match amount {
            Some(Quantity::Expr(expr)) => Some(expr),
            _ => None,
        }
    }
    let words = [
        ("version", args.version.as_ref()),
        ("max_entries", amount(&args.max_entries)),
        ("max_bytes", amount(&args.max_bytes)),
        ("cost", args.cost.as_ref()),
    ];
    for (word, expr) in words {
        let Some(expr) = expr else { continue };
        if let Some(name) = names_of(arguments).find(|name| walk::mentions(expr, name)) {
            errors.on(
                expr,
                format!("`{word}` is the same for every call, so it cannot depend on `{name}`: write `{}`", words::form(word)),
            );
        }
    }
}

/// Words about time that go together, and those that do not.
fn check_freshness(args: &Args, errors: &mut Errors) {
    if let Some(refresh_at) = &args.refresh_at
        && args.ttl.is_none()
    {
        errors.on(refresh_at, "`refresh_at` is a share of the lifetime: write `ttl = 5m`, too");
    }
    if let Some((span, ..)) = args.adaptive_ttl {
        let others = [
            ("ttl", args.ttl.is_some(), "it is a lifetime by itself"),
            ("refresh_at", args.refresh_at.is_some(), "what is used lives longer instead"),
        ];
        for (word, _, why) in others.into_iter().filter(|(_, is_there, _)| *is_there) {
            errors.at(span, format!("`adaptive_ttl` does not go with `{word}`: {why}"));
        }
    }
    let needs_stale = [
        ("on_err = stale", args.on_err),
        ("soft_timeout", args.soft_timeout.as_ref().map(|(span, _)| *span)),
    ];
    for (word, span) in needs_stale {
        if let Some(span) = span
            && args.stale.is_none()
        {
            errors.at(
                span,
                format!(
                    "`{word}` serves an expired value: say with `stale = 10m` for how long it may"
                ),
            );
        }
    }
    if let (Some((_, Quantity::Literal(hard))), Some((span, Quantity::Literal(soft)))) =
        (&args.timeout, &args.soft_timeout)
        && soft >= hard
    {
        errors.at(*span, "`soft_timeout` comes before `timeout`: make it shorter, or leave it out");
    }
    let in_background = args.refresh_at.is_some() || args.stale.is_some();
    if in_background && let Some(off) = args.single_flight.as_ref().filter(|on| !on.value) {
        errors.on(
            off,
            "a value is reloaded once, however many callers find it old: leave `single_flight = false` out",
        );
    }
}

/// How a load owns its arguments, if it may have to run without its caller.
fn apart(
    args: &Args,
    item: &Function,
    style: Style,
    arguments: &[Argument],
    errors: &mut Errors,
) -> Option<Apart> {
    let revalidates = args.stale.is_some() && args.on_err.is_none();
    let word = [
        ("refresh_at", args.refresh_at.is_some()),
        ("timeout", args.timeout.is_some()),
        ("soft_timeout", args.soft_timeout.is_some()),
        ("stale", revalidates),
    ];
    let (word, _) = word.into_iter().find(|(_, is_there)| *is_there)?;
    if style == Style::Boxed {
        errors.on(
            &item.sig.ident,
            format!("`{word}` lets a load run without its caller, which a boxed future cannot: cache a free `async fn`, and call it here"),
        );
    }
    let (mut lent, mut taken) = (Vec::new(), Vec::new());
    if let Some(receiver) = item.sig.receiver()
        && matches!(receiver.kind, ReceiverKind::Reference(..))
    {
        let name = Ident::new("this", Span::mixed_site());
        lent.push(Lent { name, is_mut: false, ty: parse_quote!(Self) });
    }
    for Argument { pat, ty, bindings } in arguments {
        let referred = match ty {
            Type::Reference(reference)
                if reference.lifetime.as_ref().is_none_or(|it| it.ident != "static") =>
            {
                &*reference.elem
            }
            ty => ty,
        };
        let mut borrows = false;
        walk::types(&mut referred.clone(), &mut |part| {
            borrows |= match part {
                Part::Reference(reference) => {
                    reference.lifetime.as_ref().is_none_or(|it| it.ident != "static")
                }
                Part::Lifetime(lifetime) => lifetime.ident != "static",
                Part::ImplTrait(_) => true,
            };
        });
        let is_lent = !std::ptr::eq(referred, ty);
        let plain = match pat {
            syn::Pat::Ident(binding) if binding.subpat.is_none() && binding.by_ref.is_none() => {
                Some(binding)
            }
            _ => None,
        };
        let name = bindings.first().map_or_else(String::new, |name| format!(" `{name}`"));
        if borrows || has_mut(ty) {
            errors.on(
                ty,
                format!("with `{word}` a load may run without its caller, so it owns its arguments: take{name} as `&T` or as a type that borrows nothing, such as `String`, `Vec<T>` or `Arc<T>`"),
            );
        } else if is_lent {
            match plain {
                Some(binding) => lent.push(Lent {
                    name: binding.ident.clone(),
                    is_mut: binding.mutability.is_some(),
                    ty: referred.clone(),
                }),
                None => errors.on(
                    pat,
                    format!("with `{word}` a load owns its arguments: give this one a plain name, and take it apart in the body"),
                ),
            }
        } else if let Some(binding) = plain.filter(|binding| binding.mutability.is_none()) {
            taken.push((binding.ident.clone(), ty.clone()));
        }
    }
    let waits = [("soft_timeout", &args.soft_timeout), ("timeout", &args.timeout)];
    let patience = waits.into_iter().filter_map(|(word, limit)| {
        Some((
            word,
            match &limit.as_ref()?.1 {
                Quantity::Literal(limit) => Limit::Literal(constructor(*limit)),
                Quantity::Expr(expr) => Limit::Expr(expr.clone()),
            },
        ))
    });
    Some(Apart { lent, taken, patience: patience.collect() })
}

/// The signature, where what the body changes is a copy.
fn without_mut(mut sig: Signature, apart: Option<&Apart>) -> Signature {
    let lent = apart.iter().flat_map(|apart| &apart.lent).filter(|lent| lent.is_mut);
    for lent in lent {
        for input in &mut sig.inputs {
            if let FnArg::Typed(typed) = input
                && let syn::Pat::Ident(binding) = &mut *typed.pat
                && binding.ident == lent.name
            {
                binding.mutability = None;
            }
        }
    }
    sig
}

pub(crate) fn has_mut(ty: &Type) -> bool {
    let mut found = false;
    walk::types(&mut ty.clone(), &mut |part| {
        found |= matches!(part, Part::Reference(reference) if reference.mutability.is_some());
    });
    found
}

fn unknown_argument(name: &Ident, sig: &Signature, arguments: &[Argument]) -> String {
    let known: Vec<String> = sig
        .receiver()
        .map(|_| "self".to_owned())
        .into_iter()
        .chain(names_of(arguments).map(Ident::to_string))
        .collect();
    match words::nearest(&name.to_string(), known.iter().map(String::as_str)) {
        Some(nearest) => format!("there is no argument `{name}`, did you mean `{nearest}`?"),
        None if known.is_empty() => {
            format!("there is no argument `{name}`: `{}` has none", sig.ident)
        }
        None => {
            format!("there is no argument `{name}`: the arguments are `{}`", known.join("`, `"))
        }
    }
}

/// The expressions whose values are the key.
fn key_of(args: &Args, arguments: &[Argument]) -> Vec<TokenStream> {
    match &args.key {
        // One part for each element, so that `key = (self.id, name)` does not move `name`.
        Some(Expr::Tuple(tuple)) => tuple.elems.iter().map(key_part).collect(),
        Some(key) => vec![key_part(key)],
        None => names_of(arguments)
            .filter(|name| !args.skip.contains(name))
            .map(ToTokens::to_token_stream)
            .collect(),
    }
}

/// In parentheses, which are generated code, but stand where the expression does.
fn key_part(part: &Expr) -> TokenStream {
    let span = Span::mixed_site().located_at(part.span());
    quote_spanned!(span=> (#part))
}

fn home_of(
    args: &Args,
    words: &Words,
    item: &Function,
    arguments: &[Argument],
    block: Option<&Impl>,
    errors: &mut Errors,
) -> Home {
    let is_method = block.is_some() || is_method(item);
    let mut has_impl = false;
    for argument in arguments {
        walk::types(&mut argument.ty.clone(), &mut |part| {
            has_impl |= matches!(part, Part::ImplTrait(_))
        });
    }
    let is_generic = is_method
        || has_impl
        || item.sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
    let ident = match &args.handle {
        Some(args::Handle::None) => None,
        Some(args::Handle::Named(ident)) if is_method && block.is_none() => {
            errors.at(
                ident.span(),
                "the handle of a method goes beside the `impl` block: put `#[cached]` on the block too, and keep this one here",
            );
            None
        }
        Some(args::Handle::Named(ident)) => Some(ident.clone()),
        None if is_method => None,
        None => Some(item.sig.ident.clone()),
    };
    match ident {
        Some(ident) => {
            let has_words = args.key.is_some()
                || args.invalidate_on.is_some()
                || args.batch.is_some()
                || !words.before.is_empty()
                || !words.after.is_empty();
            let handle = Handle::new(ident, args, item, arguments, block, has_words, errors);
            Home::Handle(Box::new(handle))
        }
        None => Home::Body { is_generic },
    }
}

/// Whether a function with the attribute on itself stands in an `impl` block or trait, as far as its tokens tell.
fn is_method(item: &Function) -> bool {
    item.sig.receiver().is_some()
        || item.sig.generics.lifetimes().any(|param| param.lifetime.ident == "async_trait")
        || has_self_type(item.sig.to_token_stream())
        || has_self_type(item.body.stream())
}

/// Whether `Self` is written, other than in items inside the body, which have their own.
fn has_self_type(tokens: TokenStream) -> bool {
    let mut in_item = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => {
            in_item |= ["impl", "trait", "struct", "enum"].iter().any(|keyword| ident == keyword);
            ident == "Self" && !in_item
        }
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && in_item => {
            in_item = false;
            false
        }
        TokenTree::Group(group) => !in_item && has_self_type(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn default_name(sig: &Signature, block: Option<&Impl>) -> String {
    let name = sig.ident.unraw().to_string();
    match block.and_then(Impl::type_name) {
        Some(ty) => format!("{ty}::{name}"),
        None => name,
    }
}
