//! F2, F3: values that are reloaded before they expire, and served for a while when they have.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{TimedOut, cached, emit, emit_soft};

use crate::support::{Gate, Runs, eventually, on_every_executor, pause, watched};

const SECOND: Duration = Duration::from_secs(1);

/// What the body of a load comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mood {
    Fine,
    Failing,
    Slow,
    Panicking,
}

/// What callers get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Got {
    Old,
    New,
    Error,
    TimedOut,
    Panic,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
enum Failure {
    Upstream,
    Late,
}

impl From<TimedOut> for Failure {
    fn from(_: TimedOut) -> Self {
        Self::Late
    }
}

/// Where values come from, with a version that each load raises.
struct Upstream {
    mood: Mutex<Mood>,
    runs: Runs,
    gate: Gate,
}

impl Upstream {
    const fn new() -> Self {
        Self { mood: Mutex::new(Mood::Fine), runs: Runs::new(), gate: Gate::new() }
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().expect("nobody panics with it") = mood;
    }

    fn answer(&self) -> Result<usize, Failure> {
        let mood = *self.mood.lock().expect("nobody panics with it");
        let n_before = self.runs.note();
        match mood {
            Mood::Fine => Ok(n_before),
            Mood::Failing => Err(Failure::Upstream),
            Mood::Slow => {
                self.gate.pass_blocking();
                Ok(n_before)
            }
            Mood::Panicking => panic!("the body's own"),
        }
    }
}

/// One set of words, on a function of its own.
struct Case {
    words: &'static str,
    upstream: &'static Upstream,
    call: fn(u32) -> Result<usize, Failure>,
    peek: fn(u32) -> Option<Result<usize, Failure>>,
    invalidate: fn(u32),
    expire: fn(u32),
    refresh_at: Option<u64>,
    stale: Option<u64>,
    on_err: bool,
    soft: Option<Duration>,
    hard: Option<Duration>,
}

macro_rules! case {
    ($words:literal, [$($attr:tt)*], $refresh_at:expr, $stale:expr, $on_err:expr, $soft:expr, $hard:expr) => {{
        static UPSTREAM: Upstream = Upstream::new();
        #[cached(ttl = 10s, invalidate_on = [("case", id)], $($attr)*)]
        fn value(id: u32) -> Result<usize, Failure> {
            UPSTREAM.answer()
        }
        Case {
            words: $words,
            upstream: &UPSTREAM,
            call: value,
            peek: |id| value::peek(&id),
            invalidate: |id| _ = value::invalidate(&id),
            expire: |id| _ = value::expire(&id),
            refresh_at: $refresh_at,
            stale: $stale,
            on_err: $on_err,
            soft: $soft,
            hard: $hard,
        }
    }};
}

fn cases() -> Vec<Case> {
    let (soft, hard) = (Some(Duration::from_millis(50)), Some(2 * SECOND));
    vec![
        case!("none", [], None, None, false, None, None),
        case!("refresh_at", [refresh_at = 80%], Some(8), None, false, None, None),
        case!("stale", [stale = 20s], None, Some(20), false, None, None),
        case!("stale, on_err", [stale = 20s, on_err = stale], None, Some(20), true, None, None),
        case!("stale, soft", [stale = 20s, soft_timeout = 50ms], None, Some(20), false, soft, None),
        case!("timeout", [timeout = 2s], None, None, false, None, hard),
        case!(
            "all",
            [refresh_at = 80%, stale = 20s, on_err = stale, soft_timeout = 50ms, timeout = 2s],
            Some(8), Some(20), true, soft, hard
        ),
    ]
}

/// What is done to the entry before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Invalidate,
    EmitHard,
    Expire,
    EmitSoft,
}

/// What the words say is to come of a call: what the caller gets, and what a call finds later without a load.
fn expected(case: &Case, age: u64, mood: Mood, before: Before) -> Outcome {
    let is_hard = matches!(before, Before::Invalidate | Before::EmitHard);
    let is_soft = matches!(before, Before::Expire | Before::EmitSoft);
    let grace = case.stale.unwrap_or(0);
    let is_there = !is_hard && if is_soft && age < 10 { grace > 0 } else { age < 10 + grace };
    let is_fresh = is_there && age < 10 && !is_soft;
    // What is left in the end, by what the body comes to.
    let loaded = |kept: Option<Got>| match mood {
        Mood::Fine | Mood::Slow => Some(Got::New),
        Mood::Failing | Mood::Panicking => kept,
    };
    if is_fresh {
        return match case.refresh_at {
            Some(refresh_at) if age >= refresh_at => (Got::Old, loaded(Some(Got::Old)), 1),
            _ => (Got::Old, Some(Got::Old), 0),
        };
    }
    let waits = case.on_err || case.soft.is_some();
    if is_there && !waits {
        // Stale while it is revalidated: what is there is no hit, but is served.
        return (Got::Old, loaded(None), 1);
    }
    let is_needed = is_there;
    let got = match mood {
        Mood::Fine => Got::New,
        Mood::Failing if is_needed && case.on_err => Got::Old,
        Mood::Failing => Got::Error,
        Mood::Panicking => Got::Panic,
        Mood::Slow if is_needed && case.soft.is_some() => Got::Old,
        Mood::Slow if case.hard.is_some() => Got::TimedOut,
        Mood::Slow => Got::New,
    };
    (got, loaded(None), 1)
}

#[test]
fn each_word_means_the_same_at_each_age_whatever_the_body_comes_to() {
    let mut n_rows = 0;
    let mut counts: BTreeMap<Got, usize> = BTreeMap::new();
    for case in cases() {
        for age in [0, 5, 8, 9, 10, 15, 29, 30, 100] {
            for mood in [Mood::Fine, Mood::Failing, Mood::Slow, Mood::Panicking] {
                for before in [
                    Before::Nothing,
                    Before::Invalidate,
                    Before::EmitHard,
                    Before::Expire,
                    Before::EmitSoft,
                ] {
                    let wanted = expected(&case, age, mood, before);
                    let found = play(&case, age, mood, before, wanted);
                    assert_eq!(found, wanted, "{}, age {age}, {mood:?}, {before:?}", case.words);
                    *counts.entry(found.0).or_default() += 1;
                    n_rows += 1;
                }
            }
        }
    }
    println!("{n_rows} rows: {counts:?}");
    assert_eq!(counts.len(), 5, "every outcome is there: {counts:?}");
}

/// What the caller got, what a call finds later without a load, and how many bodies have run.
type Outcome = (Got, Option<Got>, usize);

/// Plays one row of the table, in a cache of its own.
fn play(case: &Case, age: u64, mood: Mood, before: Before, wanted: Outcome) -> Outcome {
    let cache = TestCache::new();
    let (call, upstream) = (case.call, case.upstream);
    upstream.set(Mood::Fine);
    let old = cache.run(|| call(7)).expect("it is fine");
    cache.advance(age as u32 * SECOND);
    cache.run(|| match before {
        Before::Nothing => {}
        Before::Invalidate => (case.invalidate)(7),
        Before::EmitHard => emit(("case", 7)),
        Before::Expire => (case.expire)(7),
        Before::EmitSoft => emit_soft(("case", 7)),
    });
    upstream.set(mood);
    let n_before = upstream.runs.count();
    let (got_wanted, _, n_runs) = wanted;
    let is_slow = mood == Mood::Slow && n_runs == 1;
    if is_slow && got_wanted == Got::New {
        upstream.gate.open();
    }
    let caller = thread::spawn({
        let cache = cache.clone();
        move || catch_unwind(AssertUnwindSafe(|| cache.run(|| call(7))))
    });
    eventually("the call returns", || {
        if is_slow && got_wanted != Got::New && upstream.runs.count() > n_before {
            // It waits for the clock, or for nothing.
            cache.advance(Duration::from_millis(1));
        }
        caller.is_finished()
    });
    let got = match caller.join().expect("it is caught") {
        Ok(Ok(value)) if value == old => Got::Old,
        Ok(Ok(_)) => Got::New,
        Ok(Err(Failure::Upstream)) => Got::Error,
        Ok(Err(Failure::Late)) => Got::TimedOut,
        Err(_) => Got::Panic,
    };
    if is_slow && got_wanted != Got::New {
        upstream.gate.open();
    }
    watched({
        let cache = cache.clone();
        move || cache.run_background()
    });
    let left = cache.run(|| (case.peek)(7));
    let left = left.map(|value| if value == Ok(old) { Got::Old } else { Got::New });
    (got, left, upstream.runs.count() - n_before)
}

#[test]
fn a_body_that_fails_is_run_once_an_interval_whatever_the_traffic() {
    struct Traffic {
        words: &'static str,
        call: fn(u32) -> Result<usize, Failure>,
        upstream: &'static Upstream,
        runs_a_second: f64,
    }
    macro_rules! traffic {
        ([$($attr:tt)*], $runs_a_second:expr) => {{
            static UPSTREAM: Upstream = Upstream::new();
            #[cached(ttl = 10s, $($attr)*)]
            fn value(_id: u32) -> Result<usize, Failure> {
                UPSTREAM.answer()
            }
            let words = stringify!($($attr)*);
            Traffic { words, call: value, upstream: &UPSTREAM, runs_a_second: $runs_a_second }
        }};
    }
    let all = [
        traffic!([refresh_at = 10%, stale = 1h], 1.0),
        traffic!([stale = 1h], 1.0),
        traffic!([stale = 1h, on_err = stale], 1.0),
        traffic!([stale = 1h, on_err = stale, err_ttl = 5s], 0.2),
        traffic!([stale = 1h, on_err = stale, timeout = 1s], 1.0),
    ];
    for Traffic { words, call, upstream, runs_a_second } in all {
        let cache = TestCache::new();
        let old = cache.run(|| call(1)).expect("it is fine");
        cache.advance(10 * SECOND);
        upstream.set(Mood::Failing);
        let n_before = upstream.runs.count();
        // Two seconds of ten thousand calls each, and two of ten.
        let calls = (0..20_000).map(|_| SECOND / 10_000).chain((0..20).map(|_| SECOND / 10));
        for step in calls {
            assert_eq!(cache.run(|| call(1)), Ok(old), "{words}");
            cache.run_background();
            cache.advance(step);
        }
        let n_runs = upstream.runs.count() - n_before;
        println!("{words}: {n_runs} bodies for 20,020 calls in 4 seconds");
        let most = (4.0 * runs_a_second).ceil() as usize;
        assert!((1..=most).contains(&n_runs), "{words}: {n_runs} bodies in 4 seconds");
        cache.function("value").loads(1 + n_runs as u64);
    }
}

#[test]
fn what_has_expired_stands_in_for_errors_until_its_time_is_over_and_not_longer() {
    static UPSTREAM: Upstream = Upstream::new();
    #[cached(ttl = 1s, stale = 5s, on_err = stale)]
    fn value() -> Result<usize, Failure> {
        UPSTREAM.answer()
    }
    let cache = TestCache::new();
    cache.run(|| {
        let old = value().expect("it is fine");
        UPSTREAM.set(Mood::Failing);
        for half in 0..20 {
            let is_served = half < 12;
            assert_eq!(value().ok(), is_served.then_some(old), "after {half} half seconds");
            cache.advance(SECOND / 2);
        }
        UPSTREAM.set(Mood::Fine);
        assert!(value().expect("it is fine again") > old);
    });
}

#[test]
fn all_who_wait_for_a_failing_body_are_served_though_its_error_cannot_be_shared() {
    struct Unshared;
    static FAILS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    static GATE: Gate = Gate::new();
    static RUNS: Runs = Runs::new();
    #[cached(ttl = 10s, stale = 1h, on_err = stale)]
    fn value() -> Result<u32, Unshared> {
        RUNS.note();
        if FAILS.load(std::sync::atomic::Ordering::SeqCst) {
            GATE.pass_blocking();
            return Err(Unshared);
        }
        Ok(7)
    }
    let cache = TestCache::new();
    assert!(cache.run(value).is_ok());
    cache.advance(10 * SECOND);
    FAILS.store(true, std::sync::atomic::Ordering::SeqCst);
    watched(move || {
        thread::scope(|scope| {
            let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| cache.run(value).ok())).collect();
            eventually("all have missed", || cache.run(value::stats).misses == 9);
            GATE.open_for_all();
            for caller in callers {
                assert_eq!(caller.join().expect("no panic"), Some(7));
            }
        });
        assert_eq!(RUNS.count(), 2);
        assert_eq!(cache.run(value::stats).stale, 8);
    });
}

#[test]
fn an_entry_without_a_lifetime_is_served_for_so_long_after_it_was_said_to_be_stale() {
    static UPSTREAM: Upstream = Upstream::new();
    #[cached(stale = 10s, on_err = stale, invalidate_on = ["all"])]
    fn value() -> Result<usize, Failure> {
        UPSTREAM.answer()
    }
    let cache = TestCache::new();
    cache.run(|| {
        let old = value().expect("it is fine");
        UPSTREAM.set(Mood::Failing);
        cache.advance(1_000_000 * SECOND);
        assert_eq!(value(), Ok(old));
        cache.function("value").hits(1);
        emit_soft("all");
        cache.advance(10 * SECOND - Duration::from_nanos(1));
        assert_eq!(value(), Ok(old));
        cache.advance(Duration::from_nanos(1));
        assert_eq!(value(), Err(Failure::Upstream));
        cache.run_background();
        assert_eq!((value::stats().entries, value::stats().invalidations), (0, 1));
    });
}

#[test]
fn a_load_that_runs_when_something_goes_stale_is_not_stored() {
    static GATE: Gate = Gate::new();
    static RUNS: Runs = Runs::new();
    #[cached(ttl = 10s, stale = 10s, invalidate_on = [("stock", id)])]
    fn value(id: u32) -> usize {
        let run = RUNS.note();
        if run % 2 == 1 {
            GATE.pass_blocking();
        }
        run
    }
    type Verb = fn();
    let verbs: [(&str, Verb); 4] = [
        ("emit", || emit(("stock", 1))),
        ("emit_soft", || emit_soft(("stock", 1))),
        ("expire", || _ = value::expire(&1)),
        ("invalidate", || _ = value::invalidate(&1)),
    ];
    watched(move || {
        for (name, verb) in verbs {
            let cache = TestCache::new();
            let n_before = RUNS.count();
            cache.run(|| {
                assert_eq!(value(1), n_before);
                cache.advance(15 * SECOND);
                assert_eq!(value(1), n_before, "at once");
                eventually("it is being reloaded", || RUNS.count() == n_before + 2);
                verb();
                GATE.open();
                cache.run_background();
                // What was loaded before that is neither stored nor served.
                let served = value(1);
                let is_soft = name == "emit_soft" || name == "expire";
                let wanted = if is_soft { n_before } else { n_before + 2 };
                assert_eq!(served, wanted, "{name}");
                cache.run_background();
                assert_eq!(value::peek(&1), Some(n_before + 2), "{name}");
                if RUNS.count() % 2 == 1 {
                    RUNS.note();
                }
            });
        }
    });
}

#[test]
fn what_is_computed_from_a_stale_result_is_not_kept() {
    static RUNS: Runs = Runs::new();
    #[cached(ttl = 10s, stale = 1h)]
    fn inner() -> usize {
        RUNS.note()
    }
    #[cached]
    fn outer() -> usize {
        inner() + 100
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(outer(), 100);
        cache.advance(20 * SECOND);
        assert_eq!(outer(), 100, "from the old one, for its lifetime is over as well");
        cache.run_background();
        assert_eq!(outer(), 101, "not kept");
        assert_eq!(outer(), 101);
        cache.function("outer").loads(3).hits(1);
    });
}

#[test]
fn so_many_results_are_reloaded_at_once_and_no_more() {
    static GATE: Gate = Gate::new();
    static RUNS: Runs = Runs::new();
    #[cached(ttl = 10s, refresh_at = 50%)]
    fn value(id: u32) -> u32 {
        if RUNS.note() >= 20 {
            GATE.pass_blocking();
        }
        id
    }
    let cache = TestCache::from_builder(cache_core::Cache::builder().max_reloads(3));
    watched(move || {
        cache.run(|| {
            (0..20).map(value).for_each(drop);
            cache.advance(6 * SECOND);
            (0..20).map(value).for_each(drop);
            eventually("three are being reloaded", || RUNS.count() == 23);
            (0..20).map(value).for_each(drop);
            assert_eq!(cache.stats().reloads, 3);
            GATE.open_for_all();
            cache.run_background();
            assert_eq!(RUNS.count(), 23);
            cache.advance(SECOND);
            (0..20).map(value).for_each(drop);
            cache.run_background();
            assert!(RUNS.count() > 23, "there is room again");
            cache.function("value").misses(20);
        });
    });
}

#[test]
fn a_load_in_the_background_owns_its_arguments() {
    #[derive(Clone)]
    struct Config {
        factor: usize,
    }
    #[derive(Clone)]
    struct Shop {
        name: String,
    }
    impl Shop {
        #[cached(key = (&self.name, id), ttl = 10s, refresh_at = 10%)]
        fn offer(&self, id: u32) -> String {
            let name = &self.name;
            format!("{name}:{id}:{}", Self::suffix())
        }
        #[cached(key = (&self.name, id), ttl = 10s, refresh_at = 10%)]
        fn shared(self: std::sync::Arc<Self>, id: u32) -> String {
            format!("{}:{id}", self.name)
        }
        fn suffix() -> &'static str {
            "!"
        }
    }
    static RUNS: Runs = Runs::new();
    #[cached(skip(config), ttl = 10s, stale = 10s)]
    fn all<'a>(
        config: &'a Config,
        mut name: &str,
        numbers: &[usize],
        (one, other): (usize, usize),
        owned: String,
        mut count: usize,
    ) -> usize {
        RUNS.note();
        name = &name[1..];
        count += 1;
        config.factor * (name.len() + numbers.len() + one + other + owned.len() + count)
    }
    let cache = TestCache::new();
    cache.run(|| {
        let call = || all(&Config { factor: 2 }, "abc", &[1, 2], (3, 4), "xyz".to_owned(), 5);
        let shop = Shop { name: "corner".to_owned() };
        let offer = || (shop.offer(3), std::sync::Arc::new(shop.clone()).shared(4));
        assert_eq!(call(), 40);
        assert_eq!(offer(), ("corner:3:!".to_owned(), "corner:4".to_owned()));
        cache.advance(5 * SECOND);
        assert_eq!(offer(), ("corner:3:!".to_owned(), "corner:4".to_owned()));
        cache.advance(6 * SECOND);
        assert_eq!(call(), 40);
        cache.run_background();
        assert_eq!(RUNS.count(), 2);
        assert_eq!(cache.stats().reloads, 3);
        assert_eq!(cache.stats().errors, 0);
    });
}

#[test]
fn calls_of_limited_patience_within_each_other_end() {
    #[cached(timeout = 2s)]
    fn fibonacci(n: u64) -> Result<u64, TimedOut> {
        Ok(if n < 2 { n } else { fibonacci(n - 1)? + fibonacci(n - 2)? })
    }
    #[cached(timeout = 2s)]
    fn ping(n: u32) -> Result<u32, TimedOut> {
        if n == 0 { Ok(0) } else { pong(n) }
    }
    #[cached(timeout = 2s)]
    fn pong(n: u32) -> Result<u32, TimedOut> {
        // The same call as the one around.
        if n == 3 { Ok(ping(n - 1)? + 1) } else { ping(n - 1).map(|n| n + 1) }
    }
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| {
            assert_eq!(fibonacci(40), Ok(102_334_155));
            assert_eq!(ping(20), Ok(20));
            cache.function("fibonacci").loads(41);
        });
    });
}

#[test]
fn a_call_has_its_limit_also_where_nothing_is_cached() {
    static UPSTREAM: Upstream = Upstream::new();
    #[cached(timeout = 2s)]
    fn value() -> Result<usize, Failure> {
        UPSTREAM.answer()
    }
    let cache = TestCache::new();
    UPSTREAM.set(Mood::Slow);
    watched(move || {
        thread::scope(|scope| {
            let caller = scope.spawn(|| cache.run(value::uncached));
            eventually("the body runs", || UPSTREAM.runs.count() == 1);
            eventually("the call returns", || {
                cache.advance(SECOND / 100);
                caller.is_finished()
            });
            assert_eq!(caller.join().expect("no panic"), Err(Failure::Late));
        });
        UPSTREAM.gate.open();
        cache.run_background();
        let stats = cache.run(value::stats);
        assert_eq!((stats.hits, stats.misses, stats.entries), (0, 0, 0));
    });
}

#[test]
fn a_value_that_was_put_while_a_slow_load_ran_stays() {
    static UPSTREAM: Upstream = Upstream::new();
    #[cached(ttl = 10s, stale = 10s, soft_timeout = 50ms)]
    fn value() -> Result<usize, Failure> {
        UPSTREAM.answer()
    }
    let cache = TestCache::new();
    watched(move || {
        let old = cache.run(value).expect("it is fine");
        cache.advance(11 * SECOND);
        UPSTREAM.set(Mood::Slow);
        thread::scope(|scope| {
            let caller = scope.spawn(|| cache.run(value));
            eventually("the body runs", || UPSTREAM.runs.count() == 2);
            eventually("the call returns", || {
                cache.advance(SECOND / 100);
                caller.is_finished()
            });
            assert_eq!(caller.join().expect("no panic"), Ok(old));
        });
        cache.run(|| {
            assert!(value::put(Ok(1_000)));
            UPSTREAM.gate.open();
            cache.run_background();
            assert_eq!(value(), Ok(1_000));
        });
    });
}

#[test]
fn async_functions_are_reloaded_on_their_runtime_or_on_a_thread() {
    static RUNS: Runs = Runs::new();
    #[cached(ttl = 10s, refresh_at = 80%, stale = 10s)]
    async fn value(id: &str) -> String {
        pause().await;
        RUNS.note();
        id.to_uppercase()
    }
    on_every_executor(|cache| async move {
        let n_before = RUNS.count();
        assert_eq!(value("a").await, "A");
        for advance in [9, 9, 15] {
            cache.advance(advance * SECOND);
            assert_eq!(value("a").await, "A");
            cache.run_background_async().await;
        }
        assert_eq!(RUNS.count() - n_before, 4);
        cache.function("value").hits(3).misses(1).loads(4);
    });
}

#[test]
fn async_callers_lose_their_patience_and_the_load_goes_on() {
    static GATE: Gate = Gate::new();
    static RUNS: Runs = Runs::new();
    #[cached(ttl = 10s, timeout = 2s)]
    async fn value(id: u32) -> Result<u32, TimedOut> {
        RUNS.note();
        GATE.pass().await;
        Ok(id)
    }
    on_every_executor(|cache| async move {
        let n_before = RUNS.count();
        let mut calls = Box::pin(futures::future::join(value(1), value(1)));
        while futures::poll!(&mut calls).is_pending() {
            if RUNS.count() > n_before {
                cache.advance(SECOND / 100);
            }
            pause().await;
        }
        assert_eq!(RUNS.count() - n_before, 1, "one load for both");
        GATE.open();
        cache.run_background_async().await;
        assert_eq!(value(1).await, Ok(1));
        cache.function("value").hits(1).misses(2).loads(1);
    });
}

#[test]
fn a_load_that_nobody_wants_any_more_is_dropped() {
    struct Dropped;
    static DROPS: Runs = Runs::new();
    static RUNS: Runs = Runs::new();
    impl Drop for Dropped {
        fn drop(&mut self) {
            DROPS.note();
        }
    }
    #[cached(timeout = 2s)]
    async fn value(id: u32) -> Result<u32, TimedOut> {
        let _dropped = Dropped;
        RUNS.note();
        std::future::pending::<()>().await;
        Ok(id)
    }
    on_every_executor(|_cache| async move {
        let (n_before, n_drops) = (RUNS.count(), DROPS.count());
        let (mut one, mut other) = (Box::pin(value(1)), Box::pin(value(1)));
        while RUNS.count() == n_before {
            assert!(futures::poll!(&mut one).is_pending());
            pause().await;
        }
        while value::stats().misses < 2 {
            assert!(futures::poll!(&mut other).is_pending());
            pause().await;
        }
        drop(one);
        for _ in 0..100 {
            assert!(futures::poll!(&mut other).is_pending());
            pause().await;
        }
        assert_eq!(DROPS.count(), n_drops, "the other one wants it");
        drop(other);
        while DROPS.count() == n_drops {
            pause().await;
        }
        assert_eq!(RUNS.count() - n_before, 1);
    });
}

#[test]
fn a_reload_ends_with_the_cache_that_it_is_for() {
    struct Dropped;
    static DROPS: Runs = Runs::new();
    static RUNS: Runs = Runs::new();
    impl Drop for Dropped {
        fn drop(&mut self) {
            DROPS.note();
        }
    }
    #[cached(ttl = 10s, refresh_at = 10%)]
    async fn value(id: u32) -> u32 {
        if RUNS.note() > 0 {
            let _dropped = Dropped;
            std::future::pending::<()>().await;
        }
        id
    }
    watched(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let cache = TestCache::new();
        runtime.block_on(cache.scope(async {
            value(1).await;
            cache.advance(5 * SECOND);
            assert_eq!(value(1).await, 1);
        }));
        eventually("it is being reloaded", || RUNS.count() == 2);
        assert_eq!(DROPS.count(), 0);
        drop(cache);
        eventually("the reload is dropped", || DROPS.count() == 1);
    });
}
