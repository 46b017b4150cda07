//! What is measured, and what it has to come to.

use crate::contestants::{Class, Contestant, Function, HUGE, LARGE, MEMORY, SMALL, ZIPF};

/// One question, put to every contestant that has an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) group: Group,
    pub(crate) shape: Shape,
    pub(crate) function: Function,
    pub(crate) capacity: usize,
}

/// Workloads that belong into one plot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Group {
    Hits,
    Replacement,
    Threads,
    Async,
    Stampede,
    Memory,
    Events,
}

/// What the calls are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// All calls find what they ask for, among so many keys.
    Hits { n_keys: u32, n_threads: usize },
    /// No call finds what it asks for, and each one evicts.
    Misses,
    /// One call in twenty is for a key that was never asked for.
    Mixed { n_threads: usize },
    /// Keys by Zipf's law with an exponent of 0.99, ten times as many as there is room for.
    Zipf { n_threads: usize },
    /// All calls of tasks on one thread, or on two, find what they ask for.
    AsyncHits { runtime: Runtime },
    /// Ten thousand tasks ask for one key that is not there.
    Stampede { runtime: Runtime },
    /// A million entries, and nothing timed.
    Memory,
    /// Emits an event that one entry names, while so many name another one.
    Emits { n_entries: u32 },
}

/// Which of tokio's runtimes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Runtime {
    CurrentThread,
    TwoWorkers,
}

/// What a number is measured in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unit {
    Nanoseconds,
    Milliseconds,
    Bytes,
}

/// A figure of a workload that a bar can be set for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Figure {
    /// Time, or bytes.
    Main,
    Instructions,
    Allocations,
    Bodies,
}

/// What this project has to come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    pub(crate) workload: &'static str,
    pub(crate) figure: Figure,
    pub(crate) limit: Limit,
}

/// The most that is allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// So much.
    Absolute(f64),
    /// So many times what a peer comes to.
    Times(f64, &'static str),
}

impl Workload {
    pub(crate) fn named(name: &str) -> Option<&'static Workload> {
        WORKLOADS.iter().find(|workload| workload.name == name)
    }

    pub(crate) fn unit(&self) -> Unit {
        match self.shape {
            Shape::Memory => Unit::Bytes,
            Shape::Stampede { .. } => Unit::Milliseconds,
            _ => Unit::Nanoseconds,
        }
    }

    /// Why a contestant is left out, if it is.
    pub(crate) fn leaves_out<C: Contestant>(&self) -> Option<&'static str> {
        let needs_bound = matches!(self.shape, Shape::Misses | Shape::Zipf { .. });
        if needs_bound && matches!(C::CLASS, Class::Unbounded | Class::Floor) {
            return Some("has no bound");
        }
        let needs_events =
            matches!(self.function, Function::Depending | Function::DependingOnThree);
        if needs_events && C::CLASS != Class::Ours {
            return Some("has no events");
        }
        C::lacks(self.function).or_else(|| C::refuses(self.capacity))
    }

    /// Whether instructions are counted: where a call is one thing, on one thread.
    pub(crate) fn counts_instructions(&self) -> bool {
        let is_hot = matches!(self.shape, Shape::Hits { n_keys: 1_000, n_threads: 1 });
        is_hot || matches!(self.shape, Shape::Misses)
    }
}

impl Group {
    pub(crate) const ALL: [Group; 7] = [
        Group::Hits,
        Group::Replacement,
        Group::Threads,
        Group::Async,
        Group::Stampede,
        Group::Memory,
        Group::Events,
    ];

    /// The name of the plot's file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Group::Hits => "hits",
            Group::Replacement => "replacement",
            Group::Threads => "threads",
            Group::Async => "async",
            Group::Stampede => "stampede",
            Group::Memory => "memory",
            Group::Events => "events",
        }
    }

    /// The heading of the plot.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Group::Hits => "A hit on one thread",
            Group::Replacement => "Misses, and a skewed workload with its hit rates",
            Group::Threads => "Several threads at once: time by calls of all threads",
            Group::Async => "A hit of an async function",
            Group::Stampede => "10,000 tasks on one cold key: time, and bodies run",
            Group::Memory => "Bytes an entry takes beyond its key and value",
            Group::Events => "A hit that depends on events, and an emit",
        }
    }
}

impl Unit {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Unit::Nanoseconds => "ns",
            Unit::Milliseconds => "ms",
            Unit::Bytes => "B",
        }
    }
}

impl Figure {
    /// What an absolute bar counts.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Figure::Main => "",
            Figure::Instructions => "instructions",
            Figure::Allocations => "allocations",
            Figure::Bodies => "bodies",
        }
    }
}

const fn hits(
    name: &'static str,
    about: &'static str,
    n_keys: u32,
    capacity: usize,
    function: Function,
) -> Workload {
    let shape = Shape::Hits { n_keys, n_threads: 1 };
    Workload { name, about, group: Group::Hits, shape, function, capacity }
}

const fn hits_of_dependents(
    name: &'static str,
    about: &'static str,
    function: Function,
) -> Workload {
    Workload { group: Group::Events, ..hits(name, about, 1_000, SMALL, function) }
}

const fn emits(
    name: &'static str,
    about: &'static str,
    n_entries: u32,
    capacity: usize,
) -> Workload {
    let (shape, function) = (Shape::Emits { n_entries }, Function::Depending);
    Workload { name, about, group: Group::Events, shape, function, capacity }
}

const fn on_threads(name: &'static str, about: &'static str, shape: Shape) -> Workload {
    let function = Function::Number;
    Workload { name, about, group: Group::Threads, shape, function, capacity: SMALL }
}

/// All workloads, in the order of the report.
pub(crate) const WORKLOADS: &[Workload] = &[
    hits("u64-1", "u64 to u64, one hot key", 1, SMALL, Function::Number),
    hits("u64-1k", "u64 to u64, 1,000 keys", 1_000, SMALL, Function::Number),
    hits("u64-100k", "u64 to u64, 100,000 keys", 100_000, LARGE, Function::Number),
    hits("u64-1m", "u64 to u64, 1,000,000 keys", 1_000_000, HUGE, Function::Number),
    hits("str-string", "(&str, u32) to String, 1,000 keys", 1_000, SMALL, Function::Text),
    hits("str-arc", "(&str, u32) to Arc<str>, 1,000 keys", 1_000, SMALL, Function::SharedText),
    hits("struct", "a struct of five fields, 1,000 keys", 1_000, SMALL, Function::Price),
    hits(
        "ttl",
        "u64 to u64 with a lifetime and an event, 1,000 keys",
        1_000,
        SMALL,
        Function::Expiring,
    ),
    Workload {
        name: "miss",
        about: "misses that evict, 10,000 entries",
        group: Group::Replacement,
        shape: Shape::Misses,
        function: Function::Number,
        capacity: SMALL,
    },
    Workload {
        name: "zipf-1t",
        about: "Zipf 0.99 over 1,000,000 keys, 100,000 entries",
        group: Group::Replacement,
        shape: Shape::Zipf { n_threads: 1 },
        function: Function::Number,
        capacity: ZIPF,
    },
    Workload {
        name: "zipf-2t",
        about: "the same on 2 threads",
        group: Group::Replacement,
        shape: Shape::Zipf { n_threads: 2 },
        function: Function::Number,
        capacity: ZIPF,
    },
    on_threads(
        "hits-2t",
        "u64 to u64, 1,000 keys, 2 threads",
        Shape::Hits { n_keys: 1_000, n_threads: 2 },
    ),
    on_threads(
        "hits-4t",
        "u64 to u64, 1,000 keys, 4 threads",
        Shape::Hits { n_keys: 1_000, n_threads: 4 },
    ),
    on_threads(
        "hits-8t",
        "u64 to u64, 1,000 keys, 8 threads",
        Shape::Hits { n_keys: 1_000, n_threads: 8 },
    ),
    on_threads("mixed-2t", "95 % hits, 5 % inserts, 2 threads", Shape::Mixed { n_threads: 2 }),
    Workload {
        name: "async-ct",
        about: "async u64 to u64, 1,000 keys, current_thread",
        group: Group::Async,
        shape: Shape::AsyncHits { runtime: Runtime::CurrentThread },
        function: Function::NumberAsync,
        capacity: SMALL,
    },
    Workload {
        name: "async-mt",
        about: "async u64 to u64, 1,000 keys, 2 workers",
        group: Group::Async,
        shape: Shape::AsyncHits { runtime: Runtime::TwoWorkers },
        function: Function::NumberAsync,
        capacity: SMALL,
    },
    Workload {
        name: "stampede-ct",
        about: "10,000 tasks on a cold key of 5 ms, current_thread",
        group: Group::Stampede,
        shape: Shape::Stampede { runtime: Runtime::CurrentThread },
        function: Function::Slow,
        capacity: SMALL,
    },
    Workload {
        name: "stampede-mt",
        about: "10,000 tasks on a cold key of 5 ms, 2 workers",
        group: Group::Stampede,
        shape: Shape::Stampede { runtime: Runtime::TwoWorkers },
        function: Function::Slow,
        capacity: SMALL,
    },
    Workload {
        name: "bytes-u64",
        about: "bytes an entry beyond its u64 and u64, 1,000,000 entries",
        group: Group::Memory,
        shape: Shape::Memory,
        function: Function::Number,
        capacity: MEMORY,
    },
    Workload {
        name: "bytes-str",
        about: "bytes an entry beyond its texts, 1,000,000 entries",
        group: Group::Memory,
        shape: Shape::Memory,
        function: Function::Text,
        capacity: MEMORY,
    },
    hits_of_dependents("event-1", "u64 to u64, one event, 1,000 keys", Function::Depending),
    hits_of_dependents("event-3", "the same, three events", Function::DependingOnThree),
    emits("emit-1k", "an emit for one user, another has 1,000 entries", 1_000, SMALL),
    emits("emit-1m", "an emit for one user, another has 1,000,000 entries", 1_000_000, HUGE),
];

const fn times(workload: &'static str, limit: f64, peer: &'static str) -> Bar {
    Bar { workload, figure: Figure::Main, limit: Limit::Times(limit, peer) }
}

const fn at_most(workload: &'static str, limit: f64, figure: Figure) -> Bar {
    Bar { workload, figure, limit: Limit::Absolute(limit) }
}

/// What this project has to come to, each in one run together with the peer it names.
pub(crate) const BARS: &[Bar] = &[
    times("u64-1", 0.75, "quick_cache"),
    times("u64-1k", 0.75, "quick_cache"),
    times("u64-100k", 0.80, "quick_cache"),
    times("u64-1m", 0.80, "quick_cache"),
    times("str-string", 1.0, "quick_cache"),
    times("str-arc", 0.95, "quick_cache"),
    times("struct", 1.0, "quick_cache"),
    times("ttl", 0.45, "cached"),
    times("miss", 1.2, "mutex-lru"),
    times("miss", 0.45, "quick_cache"),
    times("zipf-1t", 1.1, "mutex-lru"),
    times("zipf-2t", 0.6, "quick_cache"),
    times("hits-2t", 0.50, "quick_cache"),
    times("hits-4t", 0.50, "quick_cache"),
    times("hits-8t", 0.50, "quick_cache"),
    times("mixed-2t", 0.60, "quick_cache"),
    times("async-ct", 0.75, "concurrent"),
    times("async-mt", 0.75, "concurrent"),
    times("stampede-ct", 1.0, "quick_cache"),
    times("stampede-mt", 1.0, "quick_cache"),
    at_most("stampede-ct", 1.0, Figure::Bodies),
    at_most("stampede-mt", 1.0, Figure::Bodies),
    times("bytes-u64", 1.8, "quick_cache"),
    times("bytes-str", 1.0, "quick_cache"),
    at_most("u64-1k", 120.0, Figure::Instructions),
    // The clone of the value, which a caller asked for.
    at_most("str-string", 1.0, Figure::Allocations),
    at_most("u64-1k", 0.0, Figure::Allocations),
    at_most("str-arc", 0.0, Figure::Allocations),
    at_most("struct", 0.0, Figure::Allocations),
    at_most("ttl", 0.0, Figure::Allocations),
    at_most("event-1", 0.0, Figure::Allocations),
    at_most("event-3", 0.0, Figure::Allocations),
    at_most("async-ct", 0.0, Figure::Allocations),
];
