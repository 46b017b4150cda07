//! I1 and I2 for events: what a result was computed from decides when it goes, whatever moment that happens at.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::thread;

use cache_core::testing::TestCache;
use cache_core::{
    Event, HeapSize, Stats, Transaction, cached, emit, emit_all, emit_soft, invalidates,
};
use futures::future::join;
use serde::Serialize;

use crate::support::{Gate, Runs, eventually, on_every_executor, watched};

/// The moments of a call at which something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The key is not written yet.
    BeforeLookup,
    /// Some of the events are noted.
    BeforeBody,
    /// The body has read what changes.
    InBody,
    /// The result is copied for its entry.
    BeforeInsert,
    /// A cached function around has got the result.
    InOuterBody,
    /// All is over.
    Afterwards,
}

const MOMENTS: [Moment; 6] = [
    Moment::BeforeLookup,
    Moment::BeforeBody,
    Moment::InBody,
    Moment::BeforeInsert,
    Moment::InOuterBody,
    Moment::Afterwards,
];

type Hook = (Moment, Box<dyn FnOnce()>);

thread_local! {
    /// What is to happen on this thread, once.
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

fn arm(moment: Moment, what: impl FnOnce() + 'static) {
    HOOK.set(Some((moment, Box::new(what))));
}

fn reach(moment: Moment) {
    let hook = HOOK.with_borrow_mut(|hook| hook.take_if(|(armed, _)| *armed == moment));
    if let Some((_, what)) = hook {
        what();
    }
}

/// What is read, and changes.
static ROW: AtomicU64 = AtomicU64::new(0);

fn row() -> u64 {
    ROW.load(Ordering::SeqCst)
}

/// An argument that notices when its key is written.
#[derive(Clone, Copy)]
struct Id(u32);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        reach(Moment::BeforeLookup);
        self.0.serialize(serializer)
    }
}

/// A result that notices when it is copied.
#[derive(Debug, PartialEq, Eq, HeapSize)]
struct Row(u64);

impl Clone for Row {
    fn clone(&self) -> Self {
        reach(Moment::BeforeInsert);
        Self(self.0)
    }
}

#[derive(Event)]
struct RowChanged {
    id: u32,
}

#[derive(Event)]
enum TableChanged {
    Emptied,
    Loaded(&'static str),
}

/// An event, noted late enough for something to happen before.
fn late(id: Id) -> (&'static str, u32) {
    reach(Moment::BeforeBody);
    ("row", id.0)
}

/// All ways to say that row 7 has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Emit,
    EmitName,
    EmitReference,
    EmitOnHandle,
    EmitByAttribute,
    EmitInTransaction,
    EmitToType,
    EmitAll,
    EmitSoft,
    Invalidate,
    Expire,
    Put,
    Refresh,
    Clear,
    ClearAll,
    MatchName,
    MatchLabel,
}

const VERBS: [Verb; 17] = [
    Verb::Emit,
    Verb::EmitName,
    Verb::EmitReference,
    Verb::EmitOnHandle,
    Verb::EmitByAttribute,
    Verb::EmitInTransaction,
    Verb::EmitToType,
    Verb::EmitAll,
    Verb::EmitSoft,
    Verb::Invalidate,
    Verb::Expire,
    Verb::Put,
    Verb::Refresh,
    Verb::Clear,
    Verb::ClearAll,
    Verb::MatchName,
    Verb::MatchLabel,
];

impl Verb {
    /// Whether it leaves other rows alone.
    fn is_precise(self) -> bool {
        matches!(
            self,
            Self::Emit
                | Self::EmitName
                | Self::EmitReference
                | Self::EmitOnHandle
                | Self::EmitByAttribute
                | Self::EmitInTransaction
                | Self::EmitSoft
                | Self::Invalidate
                | Self::Expire
                | Self::Put
                | Self::Refresh
        )
    }
}

/// The same functions as threads and as tasks call them.
macro_rules! functions {
    ($module:ident, $($asyncness:ident)?, $($wait:ident)?, $run:path) => {
        // Not every test needs every verb.
        #[allow(dead_code)]
        mod $module {
            use super::*;

            /// Depends on one event, on any of a type, and on a name.
            #[cached(
                label = "row:{id}",
                invalidate_on = [RowChanged { id: id.0 }, TableChanged, late(id)]
            )]
            pub(super) $($asyncness)? fn read(id: Id) -> Row {
                let row = Row(row());
                reach(Moment::InBody);
                row
            }

            /// Depends on what it calls.
            #[cached]
            pub(super) $($asyncness)? fn outer(id: Id) -> Row {
                let row = read(id)$(.$wait)?;
                reach(Moment::InOuterBody);
                row
            }

            #[invalidates(RowChanged { id })]
            $($asyncness)? fn write(id: u32) -> u64 {
                ROW.fetch_add(1, Ordering::SeqCst)
            }

            /// Changes row 7 and says so.
            pub(super) fn change(verb: Verb, cache: &TestCache) {
                if verb == Verb::EmitByAttribute {
                    $run(write(7));
                    return;
                }
                let new = ROW.fetch_add(1, Ordering::SeqCst) + 1;
                match verb {
                    Verb::Emit => emit(RowChanged { id: 7 }),
                    Verb::EmitName => emit(("row", 7_u8)),
                    Verb::EmitReference => emit(&RowChanged { id: 7 }),
                    Verb::EmitOnHandle => cache.emit(RowChanged { id: 7 }),
                    Verb::EmitByAttribute => unreachable!(),
                    Verb::EmitInTransaction => {
                        let mut changes = Transaction::new();
                        changes.emit(RowChanged { id: 7 });
                        changes.commit();
                    }
                    Verb::EmitToType => emit(TableChanged::Loaded("rows")),
                    Verb::EmitAll => emit_all::<RowChanged>(),
                    Verb::EmitSoft => emit_soft(RowChanged { id: 7 }),
                    Verb::Invalidate => drop(read::invalidate(&Id(7))),
                    Verb::Expire => drop(read::expire(&Id(7))),
                    Verb::Put => drop(read::put(Id(7), Row(new))),
                    Verb::Refresh => drop($run(read::refresh(Id(7)))),
                    Verb::Clear => read::clear(),
                    Verb::ClearAll => cache.clear(),
                    Verb::MatchName => assert!(cache.invalidate_matching("re?d") <= 3),
                    Verb::MatchLabel => assert!(cache.invalidate_matching("row:*") <= 3),
                }
            }

            pub(super) fn call_read(id: u32) -> Row {
                $run(read(Id(id)))
            }

            pub(super) fn call_outer(id: u32) -> Row {
                $run(outer(Id(id)))
            }
        }
    };
}

functions!(threads, , , std::convert::identity);
functions!(tasks, async, await, pollster::block_on);

/// One of the functions of a module.
#[derive(Clone, Copy)]
struct Subject {
    name: &'static str,
    call: fn(u32) -> Row,
    peek: fn(&Id) -> Option<Row>,
    change: fn(Verb, &TestCache),
}

const SUBJECTS: [Subject; 4] = [
    Subject {
        name: "read",
        call: threads::call_read,
        peek: threads::read::peek,
        change: threads::change,
    },
    Subject {
        name: "outer",
        call: threads::call_outer,
        peek: threads::outer::peek,
        change: threads::change,
    },
    Subject {
        name: "async read",
        call: tasks::call_read,
        peek: tasks::read::peek,
        change: tasks::change,
    },
    Subject {
        name: "async outer",
        call: tasks::call_outer,
        peek: tasks::outer::peek,
        change: tasks::change,
    },
];

#[test]
fn what_happens_at_any_moment_of_a_call_is_seen_by_the_next() {
    watched(|| {
        for subject in SUBJECTS {
            for (verb, moment) in
                VERBS.into_iter().flat_map(|verb| MOMENTS.map(|moment| (verb, moment)))
            {
                let case = format!("{verb:?} at {moment:?} of {}", subject.name);
                let cache = TestCache::new();
                let _scope = cache.enter();
                let other = (subject.call)(8);
                let handle = cache.clone();
                arm(moment, move || (subject.change)(verb, &handle));
                (subject.call)(7);
                reach(Moment::Afterwards);
                let is_reached = HOOK.take().is_none();
                assert!(is_reached || moment == Moment::InOuterBody, "{case}: it was not reached");
                let stored = (subject.peek)(&Id(7));
                assert!(stored.is_none_or(|stored| stored == Row(row())), "{case}: it is stored");
                assert_eq!((subject.call)(7), Row(row()), "{case}: it is served");
                assert_eq!((subject.call)(7), Row(row()), "{case}: it is served again");
                if verb.is_precise() {
                    assert_eq!((subject.peek)(&Id(8)), Some(other), "{case}: others stay");
                }
            }
        }
    });
}

/// A row whose readers are held up, those of versions that are odd.
struct Slow {
    version: AtomicU64,
    n_reads: Runs,
    gates: [Gate; 1024],
    /// One test at a time.
    turn: Mutex<()>,
}

impl Slow {
    const fn new() -> Self {
        let gates = [const { Gate::new() }; 1024];
        Self { version: AtomicU64::new(0), n_reads: Runs::new(), gates, turn: Mutex::new(()) }
    }

    /// Goes on to the next version that holds its readers up.
    fn hold(&self) -> u64 {
        let version = self.version.load(Ordering::SeqCst) / 2 * 2 + 3;
        self.version.store(version, Ordering::SeqCst);
        version
    }

    fn read(&self) -> u64 {
        let version = self.version.load(Ordering::SeqCst);
        self.n_reads.note();
        version
    }

    /// Goes on to a version that holds nobody up.
    fn change(&self) -> u64 {
        self.version.fetch_add(1, Ordering::SeqCst) + 1
    }
}

static SLOW: Slow = Slow::new();
static SLOW_ASYNC: Slow = Slow::new();

#[cached(label = "slow", invalidate_on = [RowChanged { id }, TableChanged])]
fn slow(id: u32) -> u64 {
    let version = SLOW.read();
    if version % 2 == 1 {
        SLOW.gates[version as usize].pass_blocking();
    }
    version
}

#[cached]
fn outer_of_slow(id: u32) -> u64 {
    slow(id)
}

#[cached(label = "slow", invalidate_on = [RowChanged { id }, TableChanged])]
async fn slow_async(id: u32) -> u64 {
    let version = SLOW_ASYNC.read();
    if version % 2 == 1 {
        SLOW_ASYNC.gates[version as usize].pass().await;
    }
    version
}

#[cached]
async fn outer_of_slow_async(id: u32) -> u64 {
    slow_async(id).await
}

type Happen = fn(&TestCache);

/// Ways to outdate a load of row 7 that need not wait for it.
const SUDDEN: [(&str, Happen); 9] = [
    ("emit", |_| emit(RowChanged { id: 7 })),
    ("emit to the type", |_| emit(TableChanged::Emptied)),
    ("emit_all", |_| emit_all::<RowChanged>()),
    ("invalidate", |_| {
        slow::invalidate(&7);
        slow_async::invalidate(&7);
    }),
    ("put", |_| {
        slow::put(7, SLOW.version.load(Ordering::SeqCst));
        slow_async::put(7, SLOW_ASYNC.version.load(Ordering::SeqCst));
    }),
    ("clear", |_| {
        slow::clear();
        slow_async::clear();
    }),
    ("clear all", |cache| cache.clear()),
    ("name", |cache| {
        cache.invalidate_matching("slow*");
    }),
    ("label", |cache| {
        cache.invalidate_matching("s?ow");
    }),
];

#[test]
fn a_load_in_flight_is_neither_stored_nor_joined_after_what_it_depends_on() {
    watched(|| {
        let _turn = SLOW.turn.lock();
        type Function = (fn(u32) -> u64, fn(&u32) -> Option<u64>, fn() -> Stats);
        let functions: [(&str, Function); 2] = [
            ("slow", (slow, slow::peek, slow::stats)),
            ("outer", (outer_of_slow, outer_of_slow::peek, outer_of_slow::stats)),
        ];
        for (name, (call, peek, stats)) in functions {
            for (verb, happen) in SUDDEN {
                let case = format!("{verb}, {name}");
                let cache = TestCache::new();
                let old = SLOW.hold();
                let n_reads = SLOW.n_reads.count();
                thread::scope(|scope| {
                    let leader = scope.spawn(|| cache.run(|| call(7)));
                    eventually("the old load has read", || SLOW.n_reads.count() > n_reads);
                    let follower = scope.spawn(|| cache.run(|| call(7)));
                    eventually("somebody follows it", || cache.run(stats).misses == 2);
                    // Asks for the lock under which it was counted, and joins.
                    drop(cache.entries(0));
                    let new = SLOW.change();
                    cache.run(|| happen(&cache));
                    assert_eq!(cache.run(|| call(7)), new, "{case}: a later caller starts anew");
                    SLOW.gates[old as usize].open_for_all();
                    assert_eq!(leader.join().expect("no panic"), old, "{case}: its caller");
                    assert_eq!(follower.join().expect("no panic"), old, "{case}: its follower");
                    assert_eq!(cache.run(|| peek(&7)), Some(new), "{case}: the old one is stored");
                });
            }
        }
    });
}

#[test]
fn an_async_load_in_flight_is_neither_stored_nor_joined_after_what_it_depends_on() {
    on_every_executor(|cache| async move {
        for (verb, happen) in SUDDEN {
            for is_outer in [false, true] {
                let case = format!("{verb}, outer: {is_outer}");
                let call = move || async move {
                    if is_outer { outer_of_slow_async(7).await } else { slow_async(7).await }
                };
                cache.clear();
                let old = SLOW_ASYNC.hold();
                let (mut leader, mut follower) = (pin!(call()), pin!(call()));
                let mut cx = Context::from_waker(Waker::noop());
                assert!(leader.as_mut().poll(&mut cx).is_pending());
                assert!(follower.as_mut().poll(&mut cx).is_pending());
                let new = SLOW_ASYNC.change();
                happen(&cache);
                assert_eq!(call().await, new, "{case}: a later caller starts anew");
                SLOW_ASYNC.gates[old as usize].open_for_all();
                assert_eq!(join(leader, follower).await, (old, old), "{case}");
                let stored =
                    if is_outer { outer_of_slow_async::peek(&7) } else { slow_async::peek(&7) };
                assert_eq!(stored, Some(new), "{case}: the old one is stored");
            }
        }
    });
}

#[test]
fn a_load_that_waits_for_an_outdated_one_is_not_joined_either() {
    watched(|| {
        let _turn = SLOW.turn.lock();
        for (verb, happen) in SUDDEN {
            let cache = TestCache::new();
            let old = SLOW.hold();
            let n_reads = SLOW.n_reads.count();
            thread::scope(|scope| {
                let inner = scope.spawn(|| cache.run(|| slow(7)));
                eventually("the old load has read", || SLOW.n_reads.count() > n_reads);
                let outer = scope.spawn(|| cache.run(|| outer_of_slow(7)));
                eventually("another waits for it", || cache.run(slow::stats).misses == 2);
                let new = SLOW.change();
                cache.run(|| happen(&cache));
                assert_eq!(cache.run(|| outer_of_slow(7)), new, "{verb}: a later caller");
                SLOW.gates[old as usize].open_for_all();
                assert_eq!(inner.join().expect("no panic"), old, "{verb}");
                // It may have noticed before it began to wait.
                let waited = outer.join().expect("no panic");
                assert!([old, new].contains(&waited), "{verb}: {waited}");
                assert_eq!(cache.run(|| outer_of_slow::peek(&7)), Some(new), "{verb}");
            });
        }
    });
}

/// Several authors, which only the value tells.
#[derive(Clone, HeapSize)]
struct Book {
    authors: Vec<u32>,
}

#[derive(Event)]
struct AuthorChanged(u32);

#[derive(Event)]
struct ShelfChanged;

#[test]
fn events_that_only_the_value_tells_are_heard_from_the_beginning_of_the_body() {
    static AUTHORS: AtomicU64 = AtomicU64::new(0);
    #[cached(invalidate_on = |book| book.authors.iter().map(|author| AuthorChanged(*author)))]
    fn book(_id: u32) -> Option<Book> {
        let author = AUTHORS.load(Ordering::SeqCst) as u32;
        reach(Moment::InBody);
        Some(Book { authors: vec![author, 1000] })
    }
    #[cached(invalidate_on = |book| [AuthorChanged(book.authors[0]), ("shelf", id), ShelfChanged])]
    async fn shelved(id: u32) -> Result<Book, String> {
        let author = AUTHORS.load(Ordering::SeqCst) as u32;
        reach(Moment::InBody);
        Ok(Book { authors: vec![author] })
    }
    let cache = TestCache::new();
    cache.run(|| {
        book(1);
        emit(AuthorChanged(2));
        assert!(book::peek(&1).is_some(), "another author");
        emit(AuthorChanged(1000));
        assert!(book::peek(&1).is_none(), "the second author");
        arm(Moment::InBody, || emit(AuthorChanged(2)));
        book(2);
        assert!(book::peek(&2).is_some(), "another author, meanwhile");
        arm(Moment::InBody, || emit(AuthorChanged(0)));
        book(3);
        assert!(book::peek(&3).is_none(), "the author, meanwhile");
        arm(Moment::InBody, emit_all::<AuthorChanged>);
        book(4);
        assert!(book::peek(&4).is_none(), "all authors, meanwhile");

        let happenings: [fn(); 3] =
            [|| emit(AuthorChanged(0)), || emit(("shelf", 7)), || emit(ShelfChanged)];
        for happen in happenings {
            pollster::block_on(shelved(7)).expect("a book");
            assert!(shelved::peek(&7).is_some());
            happen();
            assert!(shelved::peek(&7).is_none(), "afterwards");
            arm(Moment::InBody, happen);
            pollster::block_on(shelved(7)).expect("a book");
            assert!(shelved::peek(&7).is_none(), "meanwhile");
        }
        assert!(shelved::put(7, Ok(Book { authors: vec![3] })));
        emit(AuthorChanged(3));
        assert!(shelved::peek(&7).is_none(), "what was put in depends on its value, too");
    });
}

#[test]
fn a_load_that_does_not_know_yet_what_it_depends_on_is_not_joined_after_any_event() {
    static GATE: Gate = Gate::new();
    static VERSION: AtomicU64 = AtomicU64::new(1);
    static READS: Runs = Runs::new();
    #[cached(invalidate_on = |version| [("version", *version)])]
    fn version(_id: u32) -> u64 {
        let version = VERSION.load(Ordering::SeqCst);
        READS.note();
        if version == 1 {
            GATE.pass_blocking();
        }
        version
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let old = scope.spawn(|| cache.run(|| version(0)));
            eventually("the old load has read", || READS.count() == 1);
            VERSION.store(2, Ordering::SeqCst);
            cache.emit(("version", 1));
            assert_eq!(cache.run(|| version(0)), 2);
            GATE.open();
            assert_eq!(old.join().expect("no panic"), 1);
            assert_eq!(cache.run(|| version::peek(&0)), Some(2));
        });
    });
}

#[test]
fn too_many_events_during_a_load_are_all_taken_to_concern_it() {
    #[cached(invalidate_on = |value| [("n", *value)])]
    fn number(n: u64) -> u64 {
        reach(Moment::InBody);
        n
    }
    let cache = TestCache::new();
    cache.run(|| {
        arm(Moment::InBody, || (0..10_000).for_each(|n| emit(("other", n))));
        number(1);
        assert_eq!(number::peek(&1), Some(1), "so many are remembered");
        arm(Moment::InBody, || {
            emit(("n", 2));
            (0..100_000).for_each(|n| emit(("other", n)));
        });
        number(2);
        assert_eq!(number::peek(&2), None, "more are not, and none is lost");
    });
}

#[test]
fn only_what_named_an_event_goes() {
    #[derive(Event)]
    struct Renamed<T> {
        what: T,
    }
    #[derive(Event)]
    struct Moved {
        what: u32,
    }
    #[cached(invalidate_on = [Renamed { what: id }])]
    fn renamed(id: u32) -> u32 {
        id
    }
    #[cached(invalidate_on = [Renamed::<u32>])]
    fn any_renamed(id: u32) -> u32 {
        id
    }
    #[cached(invalidate_on = [Renamed<String>])]
    fn any_text_renamed(id: u32) -> u32 {
        id
    }
    #[cached(invalidate_on = [Moved { what: id }])]
    fn moved(id: u32) -> u32 {
        id
    }
    #[cached(invalidate_on = [("user", id)])]
    fn user(id: u64) -> u64 {
        id
    }
    #[cached(invalidate_on = [name])]
    fn name(name: &str) -> usize {
        name.len()
    }
    #[cached(invalidate_on = [("user", "7"), ("user",), "user"])]
    fn near() -> u32 {
        7
    }
    let everything = || {
        renamed(7);
        renamed(8);
        any_renamed(7);
        any_text_renamed(7);
        moved(7);
        user(7);
        user(8);
        name("POST");
        near();
    };
    let stored = || {
        let all = [
            ("renamed 7", renamed::peek(&7).is_some()),
            ("renamed 8", renamed::peek(&8).is_some()),
            ("any renamed", any_renamed::peek(&7).is_some()),
            ("any text renamed", any_text_renamed::peek(&7).is_some()),
            ("moved 7", moved::peek(&7).is_some()),
            ("user 7", user::peek(&7).is_some()),
            ("user 8", user::peek(&8).is_some()),
            ("name", name::peek("POST").is_some()),
            ("near", near::peek().is_some()),
        ];
        all.into_iter().filter(|(_, is_stored)| !is_stored).map(|(it, _)| it).collect::<Vec<_>>()
    };
    type Gone = &'static [&'static str];
    let cases: [(fn(), Gone); 12] = [
        (|| emit(Renamed { what: 7_u32 }), &["renamed 7", "any renamed"]),
        (|| emit(Renamed { what: 9_u32 }), &["any renamed"]),
        (|| emit(Renamed { what: 7_u64 }), &[]),
        (|| emit(Renamed { what: "7".to_owned() }), &["any text renamed"]),
        (emit_all::<Renamed<u32>>, &["renamed 7", "renamed 8", "any renamed"]),
        (|| emit(Moved { what: 7 }), &["moved 7"]),
        (|| emit(("user", 7)), &["user 7"]),
        (|| emit((String::from("user"), 7_u8)), &["user 7"]),
        (|| emit(("user", 7, 7)), &[]),
        (|| emit(std::borrow::Cow::Borrowed("POST")), &["name"]),
        (|| emit("post"), &[]),
        (emit_all::<str>, &["user 7", "user 8", "name", "near"]),
    ];
    let cache = TestCache::new();
    cache.run(|| {
        for (idx, (happen, gone)) in cases.into_iter().enumerate() {
            everything();
            happen();
            assert_eq!(stored(), gone, "case {idx}");
        }
    });
}

#[test]
fn events_are_built_for_loads_only() {
    static BUILT: Runs = Runs::new();
    fn built(id: u32) -> RowChanged {
        BUILT.note();
        RowChanged { id }
    }
    #[cached(invalidate_on = [built(id)])]
    fn number(id: u32) -> u32 {
        id
    }
    TestCache::new().run(|| {
        for _ in 0..5 {
            number(1);
        }
        assert_eq!(BUILT.count(), 1);
        emit(RowChanged { id: 1 });
        number(1);
        assert_eq!(BUILT.count(), 2);
    });
}

#[test]
fn what_is_outdated_goes_by_itself_and_before_anything_else() {
    #[cached(max_entries = 3, invalidate_on = [RowChanged { id }])]
    fn few(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        (1..=3).map(few).for_each(drop);
        emit(RowChanged { id: 3 });
        cache.function("few").entries(2).invalidations(1).evictions(0);
        few(4);
        assert_eq!(few::peek(&1), Some(1), "the oldest stays");
        cache.function("few").entries(3).evictions(0);
        emit(RowChanged { id: 4 });
        few(4);
        cache.function("few").loads(5).invalidations(2).misses(5).hits(0);
    });
}

#[test]
fn an_event_that_cannot_be_written_down_is_all_of_its_type() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("planned"))
        }
    }
    #[derive(Event)]
    enum Changed {
        Known(u32),
        Unknown(Broken),
    }
    #[cached(invalidate_on = [Changed::Known(id)])]
    fn known(id: u32) -> u32 {
        id
    }
    #[cached(invalidate_on = [Changed::Unknown(Broken)])]
    fn unknown(id: u32) -> u32 {
        id
    }
    TestCache::new().run(|| {
        known(1);
        emit(Changed::Unknown(Broken));
        assert_eq!(known::peek(&1), None);
        assert_eq!(unknown(1), 1);
        assert_eq!(unknown::peek(&1), None, "nothing could outdate it");
    });
}

#[test]
fn a_result_is_put_in_under_the_events_that_are_known_or_not_at_all() {
    #[cached(invalidate_on = [RowChanged { id }])]
    fn known(id: u32) -> u32 {
        id
    }
    #[cached(skip(tenant), invalidate_on = [("tenant", tenant)])]
    fn unknown(id: u32, tenant: u32) -> u32 {
        id + tenant
    }
    TestCache::new().run(|| {
        assert!(known::put(1, 10));
        emit(RowChanged { id: 1 });
        assert_eq!(known::peek(&1), None);
        arm(Moment::BeforeInsert, || emit(RowChanged { id: 7 }));
        assert!(!threads::read::put(Id(7), Row(0)), "what it depends on changes meanwhile");
        unknown(1, 1);
        assert!(!unknown::put(1, 10));
        assert_eq!(unknown::peek(&1), None, "and what was there is gone");
    });
}

#[test]
fn an_event_may_call_the_cache_while_it_is_written_down() {
    #[cached(invalidate_on = ["greedy"])]
    fn helper(id: u32) -> u32 {
        id
    }
    struct Greedy(u32);
    impl Serialize for Greedy {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            emit("another");
            helper(self.0).serialize(serializer)
        }
    }
    #[derive(Event)]
    struct Changed(Greedy);
    #[cached(invalidate_on = [Changed(Greedy(id))])]
    fn before(id: u32) -> u32 {
        id
    }
    #[cached(invalidate_on = |value| [Changed(Greedy(*value))])]
    fn after(id: u32) -> u32 {
        id
    }
    #[cached]
    fn both(id: u32) -> u32 {
        before(id) + after(id)
    }
    watched(|| {
        TestCache::new().run(|| {
            both(1);
            assert_eq!((before::peek(&1), after::peek(&1)), (Some(1), Some(1)));
            emit(Changed(Greedy(1)));
            assert_eq!((before::peek(&1), after::peek(&1), both::peek(&1)), (None, None, None));
        });
    });
}
