use quote::quote;

use super::*;

/// The messages for an attribute, joined.
fn mistakes(tokens: TokenStream) -> String {
    let mut errors = Errors::new();
    Args::parse(tokens, &mut errors);
    errors.read().map(|errors| errors.to_string()).unwrap_or_default()
}

fn n_mistakes(tokens: TokenStream) -> usize {
    mistakes(tokens).matches("compile_error").count()
}

#[test]
fn every_word_is_read() {
    let all = quote! {
        skip(a, self), key = (self.id, b), version = 2, name = "profile", label = "img:{a}", ttl = 5m, idle = "1h 30m",
        jitter = 10%, err_ttl = 5s, none_ttl = LIFE, cache_if = |value| value.is_ok(), cache_err, cache_none,
        single_flight = false, refresh_if = force, enabled = cfg!(test), max_entries = 1_000, max_bytes = 64MiB,
        size = Vec::len, handle = Profile, crate = crate::cache,
    };
    assert_eq!(mistakes(all), "");
}

#[test]
fn durations_are_literals_or_expressions() {
    let mut errors = Errors::new();
    let args = Args::parse(quote!(ttl = 1h30m, idle = Duration::from_secs(5)), &mut errors);
    assert!(errors.read().is_none());
    assert!(matches!(args.ttl, Some(Quantity::Literal(ttl)) if ttl == Duration::from_secs(5400)));
    assert!(matches!(args.idle, Some(Quantity::Expr(_))));
}

#[test]
fn a_ttl_of_zero_is_legal_and_other_zeros_are_not() {
    assert_eq!(n_mistakes(quote!(ttl = 0)), 0);
    assert_eq!(
        n_mistakes(
            quote!(idle = 0, err_ttl = 0s, none_ttl = "0ms", max_entries = 0, max_bytes = 0B, jitter = 0%)
        ),
        6
    );
}

#[test]
fn one_mistake_does_not_hide_the_next_word() {
    assert_eq!(
        n_mistakes(quote!(frobnicate = |a, b| f::<A, B>(a), ttl = -5, skip(), ttl, key = "a")),
        5
    );
    assert_eq!(n_mistakes(quote!(ttl = 5m idle = 5m, cache_err(true), 300)), 3);
}

#[test]
fn half_typed_words_are_answered_with_their_form() {
    for (tokens, form) in [
        (quote!(ttl), "ttl = 5m"),
        (quote!(ttl =), "ttl = 5m"),
        (quote!(skip), "skip(db, span)"),
        (quote!(key = ), "key = (self.id, name)"),
        (quote!(jitter = 10), "jitter = 10%"),
        (quote!(label = img), "label ="),
        (quote!(single_flight), "single_flight = false"),
        (quote!(size = 100), "max_entries = 1000"),
        (quote!(ttl = 1.5h), "`1h30m`"),
        (quote!(ttl = 5 m), "ttl = 5m"),
        (quote!(skip(a b)), "skip(db, span)"),
        (quote!(version = -1), "version = 2"),
        (quote!(enabled = "a && b"), "enabled = !cfg!(test)"),
        (quote!(depends_on = area), "depends_on = [area]"),
        (quote!(depends_on = (area, price)), "depends_on = [area]"),
        (quote!(depends_on = []), "depends_on = [area]"),
        (quote!(depends_on = [area()]), "depends_on = [area]"),
    ] {
        assert!(mistakes(tokens.clone()).contains(form), "{}", mistakes(tokens));
    }
}

#[test]
fn one_body_runs_among_several_processes_where_that_is_wanted() {
    assert_eq!(mistakes(quote!(single_flight = cluster)), "");
    assert!(mistakes(quote!(single_flight = clusters)).contains("`single_flight = cluster`"));
}
