//! The grammar of the attribute, as typed syntax.
//!
//! A mistake in one word is noted and the next word is read, so that all of them are reported together. Here is what a
//! word must look like; what it means for the function at hand is decided in `model`.

use std::collections::BTreeSet;
use std::time::Duration;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Error, Expr, ExprLit, ExprPath, ExprUnary, Ident, Lit, LitBool, LitFloat, LitInt, LitStr, Path,
    Result, Token, UnOp, parse_quote,
};

use crate::errors::Errors;
use crate::events::EventArg;
use crate::{quantity, words};

/// What is written in `#[cached(..)]`.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) skip: Vec<Ident>,
    pub(crate) key: Option<Expr>,
    pub(crate) version: Option<Expr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) label: Option<LitStr>,
    pub(crate) ttl: Option<Quantity<Duration>>,
    pub(crate) idle: Option<Quantity<Duration>>,
    pub(crate) jitter: Option<LitInt>,
    /// With the place of the word.
    pub(crate) err_ttl: Option<(Span, Quantity<Duration>)>,
    pub(crate) none_ttl: Option<(Span, Quantity<Duration>)>,
    /// With the place of the word.
    pub(crate) adaptive_ttl: Option<(Span, Duration, Duration)>,
    /// Checks of a stored value, and what they are called.
    pub(crate) validate: Vec<(String, Expr)>,
    pub(crate) refresh_at: Option<LitInt>,
    /// With the place of the word.
    pub(crate) stale: Option<(Span, Quantity<Duration>)>,
    pub(crate) on_err: Option<Span>,
    pub(crate) timeout: Option<(Span, Quantity<Duration>)>,
    pub(crate) soft_timeout: Option<(Span, Quantity<Duration>)>,
    pub(crate) cache_if: Option<Expr>,
    pub(crate) cache_err: Option<Span>,
    pub(crate) cache_none: Option<Span>,
    pub(crate) single_flight: Option<LitBool>,
    /// `single_flight = cluster`.
    pub(crate) is_cluster: bool,
    pub(crate) refresh_if: Option<Expr>,
    pub(crate) enabled: Option<Expr>,
    pub(crate) max_entries: Option<Quantity<u64>>,
    pub(crate) max_bytes: Option<Quantity<u64>>,
    pub(crate) size: Option<Expr>,
    pub(crate) cost: Option<Expr>,
    pub(crate) invalidate_on: Option<Dependence>,
    pub(crate) inherit: Option<LitBool>,
    pub(crate) batch: Option<ExprPath>,
    pub(crate) depends_on: Vec<Path>,
    pub(crate) disk: Option<Tier>,
    pub(crate) redis: Option<Tier>,
    pub(crate) handle: Option<Handle>,
    pub(crate) krate: Option<Path>,
}

/// A duration or a size.
pub(crate) enum Quantity<T> {
    /// Known when the attribute is expanded.
    Literal(T),
    /// Known to the compiler, or when the function is called.
    Expr(Expr),
}

/// `invalidate_on = [EVENT, …]`, or a function of the value.
pub(crate) enum Dependence {
    Events(Vec<EventArg>),
    OfValue(Expr),
}

/// `disk`, `disk(ttl = DUR, codec = NAME, compress = NAME)`, and `redis` likewise.
pub(crate) struct Tier {
    pub(crate) span: Span,
    pub(crate) ttl: Option<Duration>,
    pub(crate) codec: Option<String>,
    pub(crate) compress: Option<String>,
}

/// `handle = Ident | none`.
pub(crate) enum Handle {
    Named(Ident),
    None,
}

impl Args {
    /// Reads all words; mistakes go to `errors`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let mut seen = BTreeSet::new();
        let words = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let result = args.word(input, &mut seen);
                if errors.take(result).is_none() {
                    skip_word(input);
                }
                if errors.take(input.parse::<Option<Token![,]>>()).flatten().is_none()
                    && !input.is_empty()
                {
                    errors.at(input.span(), "expected `,` before the next word");
                    skip_word(input);
                    let _: Option<Token![,]> = input.parse()?;
                }
            }
            Ok(())
        };
        let result = words.parse2(tokens);
        errors.take(result);
        args
    }

    /// Reads one word and its value.
    fn word(&mut self, input: ParseStream<'_>, seen: &mut BTreeSet<String>) -> Result<()> {
        if let Ok(literal) = input.fork().parse::<Lit>() {
            return Err(Error::new(literal.span(), "a value needs its word: write `ttl = 5m`"));
        }
        let word = input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), "expected a word of the attribute, like `ttl = 5m`")
        })?;
        let name = word.unraw().to_string();
        // The one rule for duplicates.
        if !seen.insert(name.clone()) {
            return Err(Error::new(word.span(), format!("`{name}` is written twice: keep one")));
        }
        match name.as_str() {
            "skip" => self.skip = skipped(&word, input)?,
            "key" => self.key = Some(key(&word, input)?),
            "version" => self.version = Some(version(&word, input)?),
            "name" => self.name = Some(text(&word, input)?),
            "label" => self.label = Some(text(&word, input)?),
            "ttl" => self.ttl = Some(of_value(&word, duration(&word, input)?)?),
            "idle" => self.idle = Some(of_value(&word, lasting(&word, input)?)?),
            "jitter" => self.jitter = Some(percent(&word, input, 100)?),
            "err_ttl" => {
                self.err_ttl = Some((word.span(), of_call(&word, lasting(&word, input)?)?))
            }
            "none_ttl" => {
                self.none_ttl = Some((word.span(), of_call(&word, lasting(&word, input)?)?))
            }
            "adaptive_ttl" => self.adaptive_ttl = Some(adaptive_ttl(&word, input)?),
            "validate" => self.validate = validate(&word, input)?,
            "refresh_at" => self.refresh_at = Some(percent(&word, input, 99)?),
            "stale" => self.stale = Some((word.span(), of_call(&word, lasting(&word, input)?)?)),
            "on_err" => self.on_err = Some(on_err(&word, input)?),
            "timeout" => {
                self.timeout = Some((word.span(), of_call(&word, lasting(&word, input)?)?))
            }
            "soft_timeout" => {
                self.soft_timeout = Some((word.span(), of_call(&word, lasting(&word, input)?)?))
            }
            "cache_if" => self.cache_if = Some(function(&word, input)?),
            "cache_err" => self.cache_err = Some(flag(&word, input)?),
            "cache_none" => self.cache_none = Some(flag(&word, input)?),
            "single_flight" => match single_flight(&word, input)? {
                Flight::Cluster => self.is_cluster = true,
                Flight::Here(on) => self.single_flight = Some(on),
            },
            "refresh_if" => self.refresh_if = Some(condition(&word, input)?),
            "enabled" => self.enabled = Some(condition(&word, input)?),
            "max_entries" => self.max_entries = Some(limit(&word, input, quantity::count)?),
            "max_bytes" => self.max_bytes = Some(limit(&word, input, quantity::size)?),
            "size" => self.size = Some(size(&word, input)?),
            "cost" => self.cost = Some(cost(&word, input)?),
            "invalidate_on" => self.invalidate_on = Some(dependence(&word, input)?),
            "inherit" => self.inherit = Some(inherit(&word, input)?),
            "batch" => self.batch = Some(loader(&word, input)?),
            "depends_on" => self.depends_on = functions(&word, input)?,
            "disk" => self.disk = Some(tier(&word, input)?),
            "redis" => self.redis = Some(tier(&word, input)?),
            "handle" => self.handle = Some(handle(&word, input)?),
            "crate" => self.krate = Some(path(&word, input)?),
            other => return Err(Error::new(word.span(), words::refusal(other))),
        }
        Ok(())
    }
}

/// Goes to the comma that ends a word with a mistake in it.
///
/// A value that is an expression is read as one: a closure and a generic path have commas of their own.
fn skip_word(input: ParseStream<'_>) {
    let ahead = input.fork();
    if ahead.parse::<Option<Token![=]>>().is_ok_and(|eq| eq.is_some())
        && ahead.parse::<Expr>().is_ok()
        && (ahead.is_empty() || ahead.peek(Token![,]))
    {
        let _ = input.parse::<Token![=]>().and_then(|_| input.parse::<Expr>());
    }
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<TokenTree>();
    }
}

/// `word = VALUE`, with the value read by `parse`.
fn value_with<T>(
    word: &Ident,
    input: ParseStream<'_>,
    parse: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    let missing =
        || Error::new(word.span(), format!("`{word}` needs a value: write `{}`", form(word)));
    if !input.peek(Token![=]) {
        return Err(missing());
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(missing());
    }
    parse(input)
}

fn value<T: Parse>(word: &Ident, input: ParseStream<'_>) -> Result<T> {
    value_with(word, input, T::parse)
}

fn form(word: &Ident) -> &'static str {
    words::form(&word.unraw().to_string())
}

/// `skip(a, b)`.
fn skipped(word: &Ident, input: ParseStream<'_>) -> Result<Vec<Ident>> {
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(
            word.span(),
            format!("write `{}`, the arguments in parentheses", form(word)),
        ));
    }
    // As one token: a mistake inside is not also one for what is left over.
    let group: Group = input.parse()?;
    if group.stream().is_empty() {
        return Err(Error::new(
            group.span(),
            "`skip()` names no argument: name one, or leave it out",
        ));
    }
    let names = |input: ParseStream<'_>| {
        let mut names = Vec::new();
        while !input.is_empty() {
            let expected =
                |what| Error::new(input.span(), format!("expected {what}: write `{}`", form(word)));
            names.push(
                input.call(Ident::parse_any).map_err(|_| expected("the name of an argument"))?,
            );
            if !input.is_empty() {
                input
                    .parse::<Token![,]>()
                    .map_err(|_| expected("`,` after the name of an argument"))?;
            }
        }
        Ok(names)
    };
    names.parse2(group.stream())
}

/// `key = EXPR`. A literal would be one entry for all calls, and is mostly code in a string.
fn key(word: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    let expr = value(word, input)?;
    let message = match &expr {
        Expr::Lit(_) => {
            "this would be the same key for every call: write an expression over the arguments, like `key = (a, b)`"
        }
        Expr::Tuple(tuple) if tuple.elems.is_empty() => {
            "this would be the same key for every call: name what it is made of, like `key = (a, b)`, or `skip` the arguments"
        }
        Expr::Closure(_) => {
            "the arguments are in scope here: write `key = (a, b)`, without a closure"
        }
        _ => return Ok(expr),
    };
    Err(Error::new_spanned(&expr, message))
}

/// `version = N`, or a constant.
fn version(word: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    let expr = value(word, input)?;
    let is_refused = match &expr {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse::<u64>().is_err(),
        Expr::Lit(_) | Expr::Closure(_) => true,
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => matches!(**expr, Expr::Lit(_)),
        _ => false,
    };
    if is_refused {
        return Err(Error::new_spanned(
            &expr,
            format!("expected a whole number: write `{}`", form(word)),
        ));
    }
    Ok(expr)
}

/// `word = BOOL`, of the arguments.
fn condition(word: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    let expr = value(word, input)?;
    let message = match &expr {
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => "code is written without quotes",
        Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) => return Ok(expr),
        Expr::Lit(_) => "expected a condition",
        Expr::Closure(_) => "the arguments are in scope here, without a closure",
        _ => return Ok(expr),
    };
    Err(Error::new_spanned(&expr, format!("{message}: write `{}`", form(word))))
}

/// `crate = path`.
pub(crate) fn path(word: &Ident, input: ParseStream<'_>) -> Result<Path> {
    value_with(word, input, |input| {
        let expected = |error: Error| {
            Error::new(error.span(), format!("expected a path: write `{}`", form(word)))
        };
        input.call(Path::parse_mod_style).map_err(expected)
    })
}

/// `word = "text"`.
fn text(word: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    let expected =
        |span| Error::new(span, format!("expected text in quotes: write `{}`", form(word)));
    let text: LitStr = value_with(word, input, |input| {
        input.parse().map_err(|error: Error| expected(error.span()))
    })?;
    if text.value().trim().is_empty() {
        return Err(Error::new(text.span(), format!("`{word}` is empty: write `{}`", form(word))));
    }
    Ok(text)
}

/// `word = DUR`.
fn duration(word: &Ident, input: ParseStream<'_>) -> Result<Quantity<Duration>> {
    quantity_with(word, input, quantity::duration)
}

/// `word = DUR` for a word that says nothing when it is zero.
fn lasting(word: &Ident, input: ParseStream<'_>) -> Result<Quantity<Duration>> {
    quantity_with(word, input, |text| {
        match quantity::duration(text)? {
        Duration::ZERO if word.to_string().ends_with("timeout") => {
            Err("no body returns in no time: write `enabled = false` to switch the cache off, or leave it out".to_owned())
        }
        Duration::ZERO => Err(format!("a lifetime of zero keeps nothing: leave `{word}` out")),
        duration => Ok(duration),
    }
    })
}

/// A duration that may be chosen by the value: `word = |value| DUR`.
fn of_value(word: &Ident, duration: Quantity<Duration>) -> Result<Quantity<Duration>> {
    match &duration {
        Quantity::Expr(Expr::Closure(closure)) if closure.inputs.len() != 1 => {
            let message = format!(
                "`{word}` takes one argument, the value: write `{word} = |value| DUR`, or `{}`",
                form(word)
            );
            Err(Error::new_spanned(closure, message))
        }
        _ => Ok(duration),
    }
}

/// A duration of results that hold no value.
fn of_call(word: &Ident, duration: Quantity<Duration>) -> Result<Quantity<Duration>> {
    match &duration {
        Quantity::Expr(closure @ Expr::Closure(_)) => {
            let message = format!(
                "`{word}` is for results without a value to choose by: write `{}`, or an expression over the arguments",
                form(word)
            );
            Err(Error::new_spanned(closure, message))
        }
        _ => Ok(duration),
    }
}

/// A literal that is checked at once, or an expression.
fn quantity_with<T>(
    word: &Ident,
    input: ParseStream<'_>,
    read: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<Quantity<T>> {
    let expr: Expr = value(word, input)?;
    let lit = match &expr {
        Expr::Lit(ExprLit { lit, .. }) => lit,
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr: inner, .. })
            if matches!(**inner, Expr::Lit(_)) =>
        {
            return Err(Error::new_spanned(
                &expr,
                format!("`{word}` cannot be negative: write `{}`", form(word)),
            ));
        }
        _ => return Ok(Quantity::Expr(expr)),
    };
    if let Ok(unit) = input.fork().parse::<Ident>()
        && read(&format!("{}{unit}", lit.to_token_stream())).is_ok()
    {
        return Err(Error::new(
            unit.span(),
            format!(
                "the unit belongs to its number: write `{word} = {}{unit}`",
                lit.to_token_stream()
            ),
        ));
    }
    let read = match lit {
        Lit::Int(int) => read(&format!("{}{}", int.base10_digits(), int.suffix())),
        Lit::Float(float) => read(&float.to_string()),
        Lit::Str(text) if text.value().contains('(') => {
            Err(format!("code is written without quotes: `{word} = {}`", text.value()))
        }
        Lit::Str(text) => read(&text.value()),
        _ => Err(format!("expected a number: write `{}`", form(word))),
    };
    read.map(Quantity::Literal).map_err(|message| Error::new(lit.span(), message))
}

/// A limit that leaves room for something.
fn limit(
    word: &Ident,
    input: ParseStream<'_>,
    read: fn(&str) -> std::result::Result<u64, String>,
) -> Result<Quantity<u64>> {
    quantity_with(word, input, |text| match read(text)? {
        0 => Err("a limit of zero stores nothing: write `enabled = false` to switch the cache off"
            .to_owned()),
        limit => Ok(limit),
    })
}

/// `word = 10%`.
fn percent(word: &Ident, input: ParseStream<'_>, most: u32) -> Result<LitInt> {
    let expected =
        |span| Error::new(span, format!("expected a percentage: write `{}`", form(word)));
    let number: LitInt = value_with(word, input, |input| {
        input.parse().map_err(|error: Error| expected(error.span()))
    })?;
    if !input.peek(Token![%]) {
        return Err(expected(number.span()));
    }
    input.parse::<Token![%]>()?;
    match number.base10_parse::<u32>() {
        Ok(percent) if (1..=most).contains(&percent) && number.suffix().is_empty() => Ok(number),
        _ => Err(Error::new(
            number.span(),
            format!("`{word}` is between `1%` and `{most}%` of the lifetime"),
        )),
    }
}

/// `word = |value| …`, or a path to a function.
fn function(word: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    let expr: Expr = value(word, input)?;
    let message = match &expr {
        Expr::Closure(closure) if closure.inputs.len() == 1 => return Ok(expr),
        Expr::Closure(_) => "takes one argument, the value",
        Expr::Path(_) => return Ok(expr),
        _ => "is a function of the value",
    };
    Err(Error::new_spanned(&expr, format!("`{word}` {message}: write `{}`", form(word))))
}

/// `size = |value| USIZE`; a number is somebody else's limit.
fn size(word: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    let ahead = input.fork();
    if let Ok(Expr::Lit(ExprLit { lit: lit @ Lit::Int(_), .. })) = value::<Expr>(word, &ahead) {
        return Err(Error::new(
            lit.span(),
            "`size` says what a value costs: write `max_entries = 1000` or `max_bytes = 64MiB` for a limit",
        ));
    }
    function(word, input)
}

/// `cost = NUMBER`, a literal or a constant.
fn cost(word: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    let expr: Expr = value(word, input)?;
    let refused = |message: &str| {
        let message = format!("{message}: write `{}`, or a constant of type `f64`", form(word));
        Err(Error::new_spanned(&expr, message))
    };
    match &expr {
        Expr::Lit(ExprLit { lit: Lit::Float(_), .. }) => Ok(expr),
        // As people write whole numbers.
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if int.suffix().is_empty() => {
            let float = LitFloat::new(&format!("{int}.0"), int.span());
            Ok(parse_quote!(#float))
        }
        Expr::Lit(_) => refused("`cost` is a number"),
        Expr::Closure(_) => refused("`cost` is that of any call"),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) => refused("`cost` cannot be negative"),
        _ => Ok(expr),
    }
}

/// `cache_err` and `cache_none`, which have no value.
fn flag(word: &Ident, input: ParseStream<'_>) -> Result<Span> {
    if input.peek(Token![=]) || input.peek(syn::token::Paren) {
        return Err(Error::new(
            word.span(),
            format!("`{word}` has no value: write just `{word}`, or leave it out"),
        ));
    }
    Ok(word.span())
}

/// Among whom one body runs for a key.
enum Flight {
    /// The calls of this process, or not even those.
    Here(LitBool),
    /// All processes that share a tier.
    Cluster,
}

/// `single_flight = BOOL` or `single_flight = cluster`.
fn single_flight(word: &Ident, input: ParseStream<'_>) -> Result<Flight> {
    value_with(word, input, |input| {
        if let Ok(mode) = input.fork().parse::<Ident>()
            && mode == "cluster"
        {
            return input.parse::<Ident>().map(|_| Flight::Cluster);
        }
        input.parse().map(Flight::Here).map_err(|error: Error| {
            Error::new(
                error.span(),
                "write `single_flight = false` or `single_flight = cluster`; `true` is the default",
            )
        })
    })
}

/// `invalidate_on = [EVENT, …]`, or a function of the value.
fn dependence(word: &Ident, input: ParseStream<'_>) -> Result<Dependence> {
    value_with(word, input, |input| {
        if input.peek(syn::token::Bracket) {
            let group: Group = input.parse()?;
            let events = Punctuated::<EventArg, Token![,]>::parse_terminated;
            return Ok(Dependence::Events(events.parse2(group.stream())?.into_iter().collect()));
        }
        let expr: Expr = input.parse()?;
        let message = match &expr {
            Expr::Closure(closure) if closure.inputs.len() == 1 => {
                return Ok(Dependence::OfValue(expr));
            }
            Expr::Closure(_) => "the closure takes one argument, the value".to_owned(),
            _ => format!("events are written in brackets: write `{}`", form(word)),
        };
        Err(Error::new_spanned(&expr, message))
    })
}

/// `adaptive_ttl = DUR..DUR`.
fn adaptive_ttl(word: &Ident, input: ParseStream<'_>) -> Result<(Span, Duration, Duration)> {
    let expr: Expr = value(word, input)?;
    let expected = |tokens: &dyn ToTokens| {
        Error::new_spanned(tokens, format!("expected two durations: write `{}`", form(word)))
    };
    let bound = |bound: &Option<Box<Expr>>| match bound.as_deref() {
        Some(Expr::Lit(ExprLit { lit: lit @ (Lit::Int(_) | Lit::Str(_)), .. })) => {
            let text = match lit {
                Lit::Str(text) => text.value(),
                lit => lit.to_token_stream().to_string(),
            };
            quantity::duration(&text).map_err(|message| Error::new(lit.span(), message))
        }
        Some(other) => Err(expected(other)),
        None => Err(expected(&expr)),
    };
    let Expr::Range(range) = &expr else { return Err(expected(&expr)) };
    let (least, most) = (bound(&range.start)?, bound(&range.end)?);
    if least.is_zero() || least >= most {
        let message = "a lifetime grows from the first duration to the second";
        return Err(Error::new_spanned(range, format!("{message}: write `{}`", form(word))));
    }
    Ok((word.span(), least, most))
}

/// `validate = |value| BOOL`, or several with names: `validate(shape = |value| BOOL, owner = |value| BOOL)`.
fn validate(word: &Ident, input: ParseStream<'_>) -> Result<Vec<(String, Expr)>> {
    if !input.peek(syn::token::Paren) {
        return Ok(vec![(word.unraw().to_string(), function(word, input)?)]);
    }
    let group: Group = input.parse()?;
    let layers = |input: ParseStream<'_>| {
        let mut layers: Vec<(String, Expr)> = Vec::new();
        while !input.is_empty() {
            let expected = |span| {
                Error::new(
                    span,
                    "a layer has a name and looks at the value: write `shape = |value| …`",
                )
            };
            let name = input.call(Ident::parse_any).map_err(|error| expected(error.span()))?;
            let layer = name.unraw().to_string();
            if layers.iter().any(|(known, _)| *known == layer) {
                let message = format!("there are two layers `{layer}`: give one another name");
                return Err(Error::new(name.span(), message));
            }
            let check = function(&name, input).map_err(|error| expected(error.span()))?;
            layers.push((layer, check));
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(layers)
    };
    let layers = layers.parse2(group.stream())?;
    if layers.is_empty() {
        let message = format!("`validate()` checks nothing: write `{}`", form(word));
        return Err(Error::new(group.span(), message));
    }
    Ok(layers)
}

/// `on_err = stale`.
fn on_err(word: &Ident, input: ParseStream<'_>) -> Result<Span> {
    let answer: Ident = value_with(word, input, |input| {
        input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), "write `on_err = stale`, to serve the last good value")
        })
    })?;
    if answer != "stale" {
        return Err(Error::new(
            answer.span(),
            format!(
                "there is no answer `{answer}`: write `on_err = stale`, to serve the last good value"
            ),
        ));
    }
    Ok(word.span())
}

/// `inherit = BOOL`.
fn inherit(word: &Ident, input: ParseStream<'_>) -> Result<LitBool> {
    value_with(word, input, |input| {
        input.parse().map_err(|error: Error| {
            Error::new(error.span(), "write `inherit = false`; `true` is the default")
        })
    })
}

/// `batch = path::to::a_function`.
fn loader(word: &Ident, input: ParseStream<'_>) -> Result<ExprPath> {
    match value(word, input)? {
        Expr::Path(path) => Ok(path),
        other => {
            let message = format!("`{word}` names a function: write `{}`", form(word));
            Err(Error::new_spanned(other, message))
        }
    }
}

/// `depends_on = [path::to::a_function, …]`.
fn functions(word: &Ident, input: ParseStream<'_>) -> Result<Vec<Path>> {
    value_with(word, input, |input| {
        let expected = |span| {
            let message = format!("functions are written in brackets: write `{}`", form(word));
            Error::new(span, message)
        };
        let group: Group = input.parse().map_err(|error: Error| expected(error.span()))?;
        let paths = |input: ParseStream<'_>| {
            Punctuated::<Path, Token![,]>::parse_terminated_with(input, Path::parse_mod_style)
        };
        let paths = paths.parse2(group.stream()).map_err(|error| expected(error.span()))?;
        if group.delimiter() != Delimiter::Bracket || paths.is_empty() {
            return Err(expected(group.span()));
        }
        Ok(paths.into_iter().collect())
    })
}

/// `disk`, or `disk(ttl = DUR, codec = NAME, compress = NAME)`.
fn tier(word: &Ident, input: ParseStream<'_>) -> Result<Tier> {
    let mut tier = Tier { span: word.span(), ttl: None, codec: None, compress: None };
    if input.peek(Token![=]) {
        let message = format!("write `{word}`, or `{word}(ttl = 7d)`");
        return Err(Error::new(word.span(), message));
    }
    if !input.peek(syn::token::Paren) {
        return Ok(tier);
    }
    let group: Group = input.parse()?;
    let options = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let option = input.call(Ident::parse_any)?;
            match option.to_string().as_str() {
                "ttl" if tier.ttl.is_none() => tier.ttl = Some(fixed(&option, input)?),
                "codec" if tier.codec.is_none() => {
                    tier.codec = Some(choice(&option, input, &["bincode", "messagepack"])?);
                }
                "compress" if tier.compress.is_none() => {
                    tier.compress = Some(choice(&option, input, &["none", "lz4", "zstd"])?);
                }
                "ttl" | "codec" | "compress" => {
                    let message = format!("`{option}` is written twice: keep one");
                    return Err(Error::new(option.span(), message));
                }
                _ => {
                    let message = format!(
                        "unknown word `{option}` in `{word}(..)`\nthe words are: ttl codec compress"
                    );
                    return Err(Error::new(option.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    options.parse2(group.stream())?;
    Ok(tier)
}

/// `ttl = DUR` that is known when the attribute is expanded.
fn fixed(word: &Ident, input: ParseStream<'_>) -> Result<Duration> {
    match lasting(word, input)? {
        Quantity::Literal(duration) => Ok(duration),
        Quantity::Expr(expr) => {
            Err(Error::new_spanned(expr, "in a tier this is a literal: write `ttl = 7d`"))
        }
    }
}

/// `word = NAME`, one of some names.
fn choice(word: &Ident, input: ParseStream<'_>, names: &[&str]) -> Result<String> {
    let name: Ident = value(word, input)?;
    let text = name.to_string();
    if names.contains(&text.as_str()) {
        return Ok(text);
    }
    let why = match text.as_str() {
        "json" => "; `messagepack` keeps the names of fields as JSON does, and takes fewer bytes",
        _ => "",
    };
    let names = names.join(", ");
    let message = format!("there is no `{word} = {name}`: write one of {names}{why}");
    Err(Error::new(name.span(), message))
}

/// `handle = Ident | none`.
fn handle(word: &Ident, input: ParseStream<'_>) -> Result<Handle> {
    let name: Ident = value_with(word, input, |input| {
        input.parse().map_err(|error: Error| {
            Error::new(
                error.span(),
                "expected the name of the handle: write `handle = Profile`, or `handle = none`",
            )
        })
    })?;
    Ok(if name == "none" { Handle::None } else { Handle::Named(name) })
}

/// `crate = path`, the only word of an attribute on an `impl` block.
pub(crate) fn of_block(tokens: TokenStream, errors: &mut Errors) -> Option<Path> {
    let path = |input: ParseStream<'_>| -> Result<Option<Path>> {
        if input.is_empty() {
            return Ok(None);
        }
        if !input.peek(Token![crate]) {
            let message = "on an `impl` block only `crate = path` is written here: the other words go on its methods";
            return Err(input.error(message));
        }
        let path = path(&input.call(Ident::parse_any)?, input)?;
        input.parse::<Option<Token![,]>>()?;
        Ok(Some(path))
    };
    errors.take(path.parse2(tokens)).flatten()
}

#[cfg(test)]
mod tests;
