//! The macros behind `cache_core`: use them through that crate, which documents what they do.
//!
//! An attribute is read in `args`, joined with its function in `model`, and written out in `expand` and `verbs`.
//! Where there are mistakes, `fallback` emits them beside the function as it would be without the attribute.

mod args;
mod batch;
mod errors;
mod event;
mod events;
mod expand;
mod fallback;
mod fingerprint;
mod handle;
mod heap_size;
mod invalidates;
mod item;
mod model;
mod quantity;
#[cfg(test)]
mod snapshots;
mod verbs;
mod walk;
mod words;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Meta, Path};

use crate::args::Args;
use crate::errors::Errors;
use crate::expand::Expansion;
use crate::item::{Function, Impl, ImplItem};
use crate::model::Model;

/// Caches what a function returns.
///
/// ```text
/// #[cached(ttl = 10m, skip(db))]
/// async fn profile(db: &Db, user: u64) -> Result<Profile, DbError> { … }
///
/// profile(&db, 7).await?;              // runs the body once, however many callers arrive
/// profile(&db, 7).await?;              // a hit
/// profile::invalidate(&7);             // drops user 7's entry
/// println!("{}", profile::stats());
/// ```
///
/// The arguments are the key: every one of them, unless `skip` or `key` says otherwise. Of a `Result` only `Ok` is
/// stored, of an `Option` only `Some`. One body runs at a time for each key; others wait for it and share its result.
///
/// # Words
///
/// | word | what it does |
/// | --- | --- |
/// | `skip(a, b)` | leaves arguments out of the key |
/// | `key = EXPR` | makes an expression over the arguments the key; each element of a tuple is a part of it |
/// | `version = N` | is raised when what the function computes has changed |
/// | `name = "…"` | names the function in statistics and in the environment |
/// | `label = "img:{model}"` | names an entry, in the words of its arguments |
/// | `ttl = DUR` | how long a value lives; `0` stores nothing |
/// | `idle = DUR` | how long a value lives without being used |
/// | `ttl = \|value\| DUR`, `idle = \|value\| DUR` | the same, chosen by the value |
/// | `jitter = 10%` | lengthens each life by a random share of up to that much, so that entries do not expire together |
/// | `adaptive_ttl = DUR..DUR` | lets a value live for the first duration, and for as much longer with each use, up to the second |
/// | `refresh_at = 80%` | reloads a value in the background, once it is used past that share of its `ttl` |
/// | `stale = DUR` | serves a value so much longer, while it is reloaded in the background |
/// | `on_err = stale` | has callers wait for the reload, and serves what has expired only where that fails |
/// | `soft_timeout = DUR` | has callers wait for the reload no longer than that, then serves what has expired |
/// | `timeout = DUR` | has no caller wait longer than that for a load: it returns `TimedOut`, and the load goes on |
/// | `err_ttl = DUR` | stores `Err`, for that long |
/// | `none_ttl = DUR` | stores `None`, for that long |
/// | `cache_if = \|value\| BOOL` | stores only values for which that holds |
/// | `validate = \|value\| BOOL` | checks a value each time it is found; one that is refused is dropped and computed anew |
/// | `cache_err` | stores `Err` like any value |
/// | `cache_none` | stores `None` like any value |
/// | `single_flight = false` | lets bodies of one key run at the same time |
/// | `single_flight = cluster` | runs one body of a key among all processes that share a tier |
/// | `refresh_if = EXPR` | makes a call reload where that is true |
/// | `enabled = EXPR` | makes a call ignore the cache where that is false |
/// | `max_entries = N` | limits the entries of this function |
/// | `max_bytes = SIZE` | limits the bytes of this function |
/// | `size = \|value\| USIZE` | says what a value costs, instead of its type |
/// | `cost = NUMBER` | says what a run of the body costs in money, for statistics |
/// | `invalidate_on = [EVENT, …]` | drops entries when one of these events is emitted |
/// | `invalidate_on = \|value\| [EVENT, …]` | the same, for events that only the value tells |
/// | `inherit = false` | declines the events and lifetimes of the cached functions that the body calls |
/// | `batch = load_users` | has `get_many` load what is missing with one call of that function |
/// | `depends_on = [area]` | has what tiers keep go with edits of those cached functions as well |
/// | `disk`, `redis` | keeps results in files or in Redis as well; takes the feature `tiers` or `redis` |
/// | `disk(ttl = DUR)` | the same, for so long at the most |
/// | `disk(codec = NAME)` | writes values with `bincode` or `messagepack` |
/// | `disk(compress = NAME)` | compresses them with `lz4`, `zstd` or `none` |
/// | `handle = Ident` | names the handle; a method has one only where this word is |
/// | `handle = none` | makes no handle |
/// | `crate = path` | where `cache_core` is, if it is not `::cache_core` |
///
/// ```text
/// DUR   250ms 5s 5m 1h30m 7d | "5m" | 600 (whole seconds) | EXPR of type Duration
/// SIZE  512KiB 64MiB 2GB     | "64MiB" | a number of bytes | EXPR, a constant usize
/// ```
///
/// Expressions are tokens, not code in strings, and may use the arguments. `ttl` and the other durations may depend on
/// the arguments of the call; they are evaluated before the body runs. Where `ttl` or `idle` is a closure, or a path to
/// a function, it is asked after the body and gets the value that is stored, as `cache_if` does: `ttl = Offer::validity`.
/// A path to an argument, or to a constant in capitals, is the duration itself.
///
/// # Events
///
/// `EVENT` is an expression whose type is an `Event`: `UserUpdated { user_id }` of a type that derives it, a text like
/// `"POST"`, a tuple like `("user", user_id)`. A bare type means any event of it; a path in `CamelCase` is taken for one.
/// `#[invalidates(EVENT)]` on the functions that write, or a call of `emit`, says that it happened.
///
/// Events are evaluated for each load, before the body, and never for a hit. When an event has been emitted, no later
/// call is served what was computed before, not even by a body that still runs. In the form `|value|`, the value is what
/// is stored, as for `cache_if`. `invalidate_on = []` says that nothing changes what the function returns, or
/// only what it calls.
///
/// A cached function also depends on the cached functions that it calls: it inherits their events, what remains of
/// their lifetimes, and what is done to them by hand. Up to 32 events and calls of a result are told apart; beyond,
/// those of one type or function count as any of it. `inherit = false` on the outer function declines all of that.
///
/// What only the body finds out of its result, such as a lifetime or an event, it says by `cache_core::current()`.
///
/// # Loads that run without their callers
///
/// With `refresh_at`, `timeout`, `soft_timeout`, or `stale` without `on_err`, a load may run without its caller, so it owns
/// its arguments, on a miss: those that are references are cloned, `&str` as a `String`, `&[T]` as a `Vec<T>`, `&self` as a
/// clone of it; all must be `Send + 'static`. A database handle is best passed as an `Arc`, or as a pool that is one.
///
/// The body of a sync function then runs on a thread of the cache's own. That of an async one runs on the tokio runtime of
/// its caller, for which `cache_core` needs the feature `tokio`, or, outside of one, on a thread of the cache's own. With the feature `tracing` it runs in the span of its caller.
///
/// After a load in the background has failed, the next one begins a second later, or after `err_ttl`, whatever the
/// traffic; that holds for `on_err = stale` as well. Failures are `Err`s, and panics, which are reported and do not reach
/// who is served an older value.
///
/// `timeout` needs an error that can say so: `TimedOut` itself, or one that has `From<TimedOut>`.
///
/// # The handle
///
/// A function's handle is a type without values, of the function's own name and visibility:
///
/// | verb | what it does |
/// | --- | --- |
/// | `f::stats()` | what happened so far |
/// | `f::clear()` | drops every entry |
/// | `f::expire(&a, &b)` | has the entry of a call expire now: with `stale` it is served a while longer |
/// | `f::invalidate(&a, &b)` | drops the entry of a call; its parameters are the arguments that are in the key |
/// | `f::peek(&a, &b)` | what is stored for a call |
/// | `f::put(a, b, value)` | stores a result for a call |
/// | `f::refresh(a, b)` | calls the function and replaces what is stored |
/// | `f::uncached(a, b)` | calls the function and leaves what is stored alone |
/// | `f::warm([(a, b), …])` | calls the function for each tuple of all arguments, several at a time |
/// | `f::get_many(keys)` | with `batch`: the results of many calls, in the order of the keys |
///
/// A type or module of that name in the same scope is in its way: `handle = Other` gives it another name.
/// A generic function's verbs take its parameters: `f::peek::<String>(&a)`. An `impl Trait` argument is one more.
///
/// # Many at a time
///
/// ```text
/// async fn load_users(ids: Vec<u64>) -> Vec<Option<User>> { … }
///
/// #[cached(batch = load_users)]
/// async fn user(id: u64) -> Option<User> { … }
///
/// user::get_many([7, 8, 9]).await;     // what is missing is loaded by one call
/// ```
///
/// The function of `batch` gets the keys that are missing: a `Vec` of the argument that is in the key, or of the tuple
/// of them. It returns a `Vec` with a result for each, in their order, and is async where the cached function is. Skipped
/// arguments come first, by reference. Each key is a call of its own: others wait for it, and it for others.
///
/// # Methods
///
/// The attribute works on a method, on a trait's default method and, with `#[async_trait]`, in either order.
/// `self` must be named in `key` or in `skip`. For a handle, write the attribute on the `impl` block as well:
///
/// ```text
/// #[cached]
/// impl Catalog {
///     #[cached(key = (self.id, name), handle = Find)]
///     pub fn find(&self, name: &str) -> Option<Product> { … }
/// }
///
/// Find::invalidate(&catalog, "pen");
/// ```
///
/// A lone associated function without `self` and without `Self` in it cannot be told from a free function, and what a free
/// function's handle is made of cannot stand in an `impl` block. It needs `handle = none`, or the attribute on the block:
///
/// ```text
/// impl Catalog {
///     #[cached(handle = none)]
///     pub fn open(path: &str) -> Arc<Catalog> { … }
/// }
/// ```
///
/// # What is refused
///
/// - `&mut` arguments that are not skipped: a hit does not run the body, so their changes would be lost.
/// - Results that borrow, other than `&'static`: what is cached outlives the call.
/// - `impl Trait` results, which hide the type to store.
/// - `const`, `unsafe` and variadic functions.
#[proc_macro_attribute]
pub fn cached(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    on_item(args.into(), item.into()).into()
}

/// Emits events after a function has changed what results depend on.
///
/// ```text
/// #[invalidates(UserUpdated { user_id })]
/// async fn rename(db: &Db, user_id: u64, name: String) -> Result<(), DbError> { … }
/// ```
///
/// The events are emitted when the body has returned, and before the caller goes on. If it returns the `Err` of a
/// `Result`, panics, or is a future that is dropped before it is done, nothing is emitted. What a `Result` is goes by the
/// type, so aliases count.
///
/// So where a caller may go away midway, by a timeout, a `select!` or a client that hangs up, what the body has changed by
/// then is not told: spawn the call as a task of its own, or call `cache_core::emit` where it is changed.
///
/// An event is an expression over the arguments, whose type is an `Event`; several are separated by commas. It is
/// evaluated before the body, which may consume the arguments. A bare type emits all events of it: a path in
/// `CamelCase` is taken for a type. `crate = path` says where `cache_core` is, if it is not `::cache_core`.
///
/// It goes on functions and methods, sync and async, on a trait's default method and, with `#[async_trait]`, in either
/// order. A function that returns a future without being `async` is refused: it has not done its work when it returns.
#[proc_macro_attribute]
pub fn invalidates(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    invalidates::on_item(args.into(), item.into()).into()
}

/// Makes a struct or an enum an event, which its fields tell from others of its type.
///
/// ```text
/// #[derive(Event)]
/// struct UserUpdated { user_id: u64 }
///
/// #[derive(Event)]
/// enum CatalogChanged { Article(u64), Prices }
/// ```
///
/// The fields are `serde::Serialize`. A unit struct is one event; what is generic is an event for each type that it is
/// made with. `#[event(crate = path)]` says where `cache_core` is, if it is not `::cache_core`.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    event::derive(input.into()).into()
}

/// Says what a value costs by what its fields cost.
///
/// `#[heap_size(skip)]` on a field counts nothing for it; `#[heap_size(with = path)]` asks a function
/// `fn(&Field) -> usize`.
///
/// ```text
/// #[derive(Clone, HeapSize)]
/// struct Page {
///     html: String,
///     #[heap_size(skip)]
///     template: Arc<Template>,
/// }
/// ```
#[proc_macro_derive(HeapSize, attributes(heap_size))]
pub fn derive_heap_size(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    heap_size::derive(input.into()).into()
}

/// The attribute on whatever it stands on.
fn on_item(args: TokenStream, item: TokenStream) -> TokenStream {
    let no_function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => return on_function(args, function, None).into_token_stream(),
        Err(error) => error,
    };
    match syn::parse2::<Impl>(item.clone()) {
        Ok(block) => on_block(args, &block),
        Err(no_block) => {
            let is_block = |token| matches!(token, TokenTree::Ident(ident) if ident == "impl");
            let error = if item.clone().into_iter().any(is_block) { no_block } else { no_function };
            fallback::not_a_function("cached", item, &error)
        }
    }
}

/// `#[cached(..)] fn …`, by itself or in a block that has the attribute, too.
fn on_function(
    words: TokenStream,
    function: Function,
    block: Option<(&Impl, Option<&Path>)>,
) -> Expansion {
    let mut errors = Errors::new();
    let mut args = Args::parse(words, &mut errors);
    if let Some((_, Some(krate))) = block {
        args.krate.get_or_insert_with(|| krate.clone());
    }
    let model = Model::new(args, function.clone(), block.map(|(block, _)| block), &mut errors);
    match errors.read() {
        Some(errors) => Expansion {
            function: fallback::with_errors(errors, function),
            handle: TokenStream::new(),
        },
        None => expand::expand(&model),
    }
}

/// `#[cached] impl X { #[cached(..)] fn … }`: handles go beside the block.
fn on_block(args: TokenStream, block: &Impl) -> TokenStream {
    let mut errors = Errors::new();
    let krate = args::of_block(args, &mut errors);
    let (mut items, mut handles, mut n_cached) = (TokenStream::new(), TokenStream::new(), 0);
    for item in &block.items {
        match item {
            ImplItem::Function(function) if function.has_attr("cached") => {
                n_cached += 1;
                let mut function = (**function).clone();
                let words = match function.take_attr("cached").map(|attr| attr.meta) {
                    Some(Meta::List(list)) => list.tokens,
                    _ => TokenStream::new(),
                };
                let expansion = on_function(words, function, Some((block, krate.as_ref())));
                items.extend(expansion.function);
                handles.extend(expansion.handle);
            }
            ImplItem::Function(function) => function.to_tokens(&mut items),
            ImplItem::Other(tokens) => items.extend(tokens.clone()),
        }
    }
    if n_cached == 0 {
        errors.on(
            &block.self_ty,
            "nothing in this block is cached: write `#[cached]` on its methods, too",
        );
    }
    let (errors, block) = (errors.read(), block.with_items(items));
    quote!(#errors #block #handles)
}
