//! F2, F3: values that are reloaded before they expire, and served for a while when they have.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{TimedOut, cached, emit, emit_soft};

use crate::support::{Gate, Runs, eventually, watched};

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

#[derive(Clone, Debug, PartialEq, Eq)]
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
