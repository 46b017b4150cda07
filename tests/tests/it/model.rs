//! Calls, writes, evictions, expiries and what is abandoned, in any order, against a model that keeps nothing.
//!
//! What is read only ever counts up. So the model is short: a call that begins now must not return less than what is
//! there now, and what may be some seconds old, not less than what was there then.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Event, cached, emit, emit_all};
use futures::future::join;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{pause, watched};

/// How many numbers of each kind there are.
const N: u8 = 3;

/// How long a number of the third kind may be remembered, in seconds.
const TTL: u64 = 5;

/// Numbers that count up, and how one learns that they did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// By events.
    Emitted,
    /// By what is done to the function by hand.
    ByHand,
    /// Not at all; they are asked for again after a while.
    Timed,
}

/// A number as it was read.
#[derive(Clone, Copy, Debug)]
struct Reading {
    kind: Kind,
    idx: u8,
    value: u32,
}

/// What is there.
#[derive(Clone, Default)]
struct Numbers([[u32; N as usize]; 3]);

impl Numbers {
    fn of(&mut self, kind: Kind, idx: u8) -> &mut u32 {
        &mut self.0[kind as usize][idx as usize]
    }
}

thread_local! {
    static NUMBERS: RefCell<Numbers> = RefCell::default();
}

fn read(kind: Kind, idx: u8) -> Reading {
    Reading { kind, idx, value: NUMBERS.with_borrow_mut(|numbers| *numbers.of(kind, idx)) }
}

type Readings = Vec<(u8, u8, u32)>;

fn pack(readings: &[Reading]) -> Readings {
    readings.iter().map(|it| (it.kind as u8, it.idx, it.value)).collect()
}

fn unpack(readings: &Readings) -> Vec<Reading> {
    let kind = |kind| [Kind::Emitted, Kind::ByHand, Kind::Timed][usize::from(kind)];
    readings.iter().map(|&(of, idx, value)| Reading { kind: kind(of), idx, value }).collect()
}

#[derive(Event)]
struct Counted {
    idx: u8,
}

#[cached(invalidate_on = [Counted { idx }])]
async fn emitted(idx: u8) -> Readings {
    let reading = read(Kind::Emitted, idx);
    pause().await;
    pack(&[reading])
}

#[cached(invalidate_on = |found| [Counted { idx: found[0].1 }])]
async fn found(idx: u8) -> Readings {
    let reading = read(Kind::Emitted, idx);
    pause().await;
    pack(&[reading])
}

#[cached(invalidate_on = [Counted])]
async fn all_emitted() -> Readings {
    let mut readings = Vec::new();
    for idx in 0..N {
        readings.push(read(Kind::Emitted, idx));
        pause().await;
    }
    pack(&readings)
}

#[cached(label = "hand:{idx}")]
async fn by_hand(idx: u8) -> Readings {
    let reading = read(Kind::ByHand, idx);
    pause().await;
    pack(&[reading])
}

#[cached(ttl = Duration::from_secs(TTL))]
async fn timed(idx: u8) -> Readings {
    pause().await;
    pack(&[read(Kind::Timed, idx)])
}

#[cached]
async fn mixed(one: u8, other: u8) -> Readings {
    let first = emitted(one).await;
    pause().await;
    let (second, third) = join(by_hand(other), timed(one)).await;
    pause().await;
    [first, second, third, found(other).await].concat()
}

#[cached]
async fn top(idx: u8) -> Readings {
    let (one, other) = join(mixed(idx, (idx + 1) % N), mixed((idx + 1) % N, idx)).await;
    [one, other, all_emitted().await, in_sync(idx)].concat()
}

/// A thread's way of the same.
#[cached]
fn in_sync(idx: u8) -> Readings {
    [pack(&[read(Kind::Emitted, idx)]), emitted_in_sync(idx)].concat()
}

#[cached(invalidate_on = [Counted { idx }])]
fn emitted_in_sync(idx: u8) -> Readings {
    pack(&[read(Kind::Emitted, idx)])
}

/// Wrong on purpose: it does not say what it depends on.
#[cached(inherit = false)]
async fn aloof(idx: u8) -> Readings {
    emitted(idx).await
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Emitted,
    Found,
    AllEmitted,
    ByHand,
    Timed,
    Mixed,
    Top,
    Aloof,
}

const FUNCTIONS: [Function; 7] = [
    Function::Emitted,
    Function::Found,
    Function::AllEmitted,
    Function::ByHand,
    Function::Timed,
    Function::Mixed,
    Function::Top,
];

impl Function {
    fn call(self, idx: u8) -> Pin<Box<dyn Future<Output = Readings>>> {
        match self {
            Self::Emitted => Box::pin(emitted(idx)),
            Self::Found => Box::pin(found(idx)),
            Self::AllEmitted => Box::pin(all_emitted()),
            Self::ByHand => Box::pin(by_hand(idx)),
            Self::Timed => Box::pin(timed(idx)),
            Self::Mixed => Box::pin(mixed(idx, (idx + 1) % N)),
            Self::Top => Box::pin(top(idx)),
            Self::Aloof => Box::pin(aloof(idx)),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Hand {
    Invalidate,
    Put,
    Clear,
    Name,
    Label,
}

const HANDS: [Hand; 5] = [Hand::Invalidate, Hand::Put, Hand::Clear, Hand::Name, Hand::Label];

#[derive(Clone, Debug)]
enum Step {
    Call(Function, u8),
    Begin(Function, u8),
    /// Polls one of the calls that have begun.
    Poll(u8),
    /// Gives one of them up.
    Abandon(u8),
    Emit(u8),
    EmitAll(u8),
    ByHand(Hand, u8),
    /// Begins to read anew what has changed.
    Refresh(u8),
    /// Changes what nobody is told of.
    Count(u8),
    Advance(u8),
    Evict(u8),
    ClearAll,
    Switch(bool),
}

fn step(functions: &'static [Function]) -> impl Strategy<Value = Step> {
    let function = || prop::sample::select(functions);
    prop_oneof![
        8 => (function(), 0..N).prop_map(|(function, idx)| Step::Call(function, idx)),
        6 => (function(), 0..N).prop_map(|(function, idx)| Step::Begin(function, idx)),
        12 => any::<u8>().prop_map(Step::Poll),
        1 => any::<u8>().prop_map(Step::Abandon),
        5 => (0..N).prop_map(Step::Emit),
        1 => (0..N).prop_map(Step::EmitAll),
        4 => (prop::sample::select(&HANDS[..]), 0..N)
            .prop_map(|(hand, idx)| Step::ByHand(hand, idx)),
        1 => (0..N).prop_map(Step::Refresh),
        3 => (0..N).prop_map(Step::Count),
        2 => (1..4_u8).prop_map(Step::Advance),
        1 => (0..4_u8).prop_map(Step::Evict),
        1 => Just(Step::ClearAll),
        1 => any::<bool>().prop_map(Step::Switch),
    ]
}

/// A call that has begun, and what it must not return less than.
struct Call {
    call: Pin<Box<dyn Future<Output = Readings>>>,
    what: String,
    floor: Numbers,
}

struct Model {
    cache: TestCache,
    /// What everybody may be expected to know.
    known: Numbers,
    /// What numbers of the third kind were at the end of each second.
    history: Vec<[u32; N as usize]>,
    calls: Vec<Call>,
    /// Whether events are emitted when something changes.
    is_honest: bool,
}

impl Model {
    fn new(is_honest: bool) -> Self {
        NUMBERS.take();
        Self {
            cache: TestCache::new(),
            known: Numbers::default(),
            history: Vec::new(),
            calls: Vec::new(),
            is_honest,
        }
    }

    fn begin(&mut self, function: Function, idx: u8) -> Call {
        let mut floor = self.known.clone();
        let past = self.history.len().checked_sub(TTL as usize);
        floor.0[Kind::Timed as usize] = past.map(|second| self.history[second]).unwrap_or_default();
        let what = format!("{function:?}({idx})");
        Call { call: function.call(idx), what, floor }
    }

    /// Polls a call once; an error if it returns what it must not.
    fn poll(call: &mut Call) -> Result<bool, String> {
        let Poll::Ready(readings) =
            call.call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            return Ok(false);
        };
        for Reading { kind, idx, value } in unpack(&readings) {
            let (floor, present) = (*call.floor.of(kind, idx), read(kind, idx).value);
            if !(floor..=present).contains(&value) {
                let what = &call.what;
                return Err(format!(
                    "{what} returned {value} for {kind:?} {idx}, not {floor} to {present}"
                ));
            }
        }
        Ok(true)
    }

    fn finish(&mut self, mut call: Call) -> Result<(), String> {
        // It may wait for those that began before.
        for _ in 0..200 {
            if Self::poll(&mut call)? {
                return Ok(());
            }
            self.poll_all()?;
        }
        Err(format!("{} does not return", call.what))
    }

    fn poll_all(&mut self) -> Result<(), String> {
        let mut idx = 0;
        while idx < self.calls.len() {
            if Self::poll(&mut self.calls[idx])? {
                drop(self.calls.swap_remove(idx));
            } else {
                idx += 1;
            }
        }
        Ok(())
    }

    /// Counts one up, of which everybody is told by the caller.
    fn count(&mut self, kind: Kind, idx: u8) -> u32 {
        let value = NUMBERS.with_borrow_mut(|numbers| {
            *numbers.of(kind, idx) += 1;
            *numbers.of(kind, idx)
        });
        *self.known.of(kind, idx) = value;
        value
    }

    fn take(&mut self, step: &Step) -> Result<(), String> {
        match *step {
            Step::Call(function, idx) => {
                let call = self.begin(function, idx);
                return self.finish(call);
            }
            Step::Begin(function, idx) => {
                let mut call = self.begin(function, idx);
                if !Self::poll(&mut call)? {
                    self.calls.push(call);
                }
            }
            Step::Poll(nth) if !self.calls.is_empty() => {
                let nth = usize::from(nth) % self.calls.len();
                if Self::poll(&mut self.calls[nth])? {
                    drop(self.calls.swap_remove(nth));
                }
            }
            Step::Abandon(nth) if !self.calls.is_empty() => {
                let nth = usize::from(nth) % self.calls.len();
                drop(self.calls.swap_remove(nth));
            }
            Step::Poll(_) | Step::Abandon(_) => {}
            Step::Emit(idx) => {
                self.count(Kind::Emitted, idx);
                if self.is_honest || idx != 1 {
                    emit(Counted { idx });
                }
            }
            Step::EmitAll(idx) => {
                self.count(Kind::Emitted, idx);
                emit_all::<Counted>();
            }
            Step::ByHand(hand, idx) => {
                let value = self.count(Kind::ByHand, idx);
                match hand {
                    Hand::Invalidate => drop(by_hand::invalidate(&idx)),
                    Hand::Put => {
                        by_hand::put(idx, pack(&[Reading { kind: Kind::ByHand, idx, value }]));
                    }
                    Hand::Clear => by_hand::clear(),
                    Hand::Name => drop(self.cache.invalidate_matching("by_*")),
                    Hand::Label => drop(self.cache.invalidate_matching(&format!("hand:{idx}"))),
                }
            }
            Step::Refresh(idx) => {
                let value = NUMBERS.with_borrow_mut(|numbers| {
                    *numbers.of(Kind::ByHand, idx) += 1;
                    *numbers.of(Kind::ByHand, idx)
                });
                let refresh = Box::pin(by_hand::refresh(idx));
                let what = format!("refresh of {idx}");
                self.finish(Call { call: refresh, what, floor: self.known.clone() })?;
                // A switched-off cache forgets nothing, and is told nothing.
                if self.cache.config().enabled {
                    *self.known.of(Kind::ByHand, idx) = value;
                }
            }
            Step::Count(idx) => {
                self.count(Kind::Timed, idx);
            }
            Step::Advance(seconds) => {
                for _ in 0..seconds {
                    self.history.push(self.known.0[Kind::Timed as usize]);
                    self.cache.advance(Duration::from_secs(1));
                }
            }
            Step::Evict(n_left) => {
                self.cache.set_max_entries(usize::from(n_left));
                self.cache.set_max_entries(None);
            }
            Step::ClearAll => self.cache.clear(),
            Step::Switch(is_on) => self.cache.set_enabled(is_on),
        }
        Ok(())
    }

    /// Takes all steps, and looks at everything afterwards.
    fn run(mut self, steps: &[Step], functions: &[Function]) -> Result<(), String> {
        let cache = self.cache.clone();
        let _scope = cache.enter();
        for (n, step) in steps.iter().enumerate() {
            self.take(step).map_err(|error| format!("step {n}: {error}"))?;
        }
        for _ in 0..200 {
            self.poll_all()?;
        }
        if let Some(call) = self.calls.first() {
            return Err(format!("{} does not return", call.what));
        }
        for (function, idx) in functions.iter().flat_map(|it| (0..N).map(move |idx| (*it, idx))) {
            let call = self.begin(function, idx);
            self.finish(call)?;
        }
        let stats = cache.stats();
        let held = cache.entries(usize::MAX);
        let charges: usize = held.iter().map(|entry| entry.charge).sum();
        if charges > stats.bytes || held.len() > stats.entries {
            return Err(format!("{} entries of {charges} bytes are held:\n{stats}", held.len()));
        }
        Ok(())
    }
}

/// Runs random steps, of which an error tells those that are wrong.
fn check(
    n_cases: u32,
    functions: &'static [Function],
    is_honest: bool,
) -> Result<(), proptest::test_runner::TestError<Vec<Step>>> {
    let config = Config { cases: n_cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    runner.run(&vec(step(functions), 1..80), |steps| {
        Model::new(is_honest).run(&steps, functions).map_err(TestCaseError::fail)
    })
}

#[test]
fn no_call_returns_what_was_computed_before_it_was_told_otherwise() {
    watched(|| {
        if let Err(error) = check(400, &FUNCTIONS, true) {
            panic!("{error}");
        }
    });
}

#[test]
fn the_model_notices_a_writer_that_forgets_to_emit() {
    watched(|| assert!(check(400, &FUNCTIONS, false).is_err()));
}

#[test]
fn the_model_notices_a_function_that_declines_what_it_depends_on() {
    const WITH_ALOOF: [Function; 2] = [Function::Emitted, Function::Aloof];
    watched(|| assert!(check(400, &WITH_ALOOF, true).is_err()));
}
