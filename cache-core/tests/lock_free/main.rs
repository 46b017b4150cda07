//! What is read without a lock, in every order that the memory model allows.
//!
//! `epoch.rs` and `table.rs` are the library's own files, over loom's primitives, and over entries and buckets that
//! notice when they are freed while somebody may be reading them. A pin has its fence, as where there is no
//! `membarrier`.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --package cache-core --test lock_free`
#![cfg(loom)]
#![expect(unsafe_code, reason = "a model finds out whether a reader has the right to read")]

mod entry;
mod identity;
mod sync;

#[allow(dead_code, reason = "a model needs a part of it")]
#[path = "../../src"]
mod library {
    pub(crate) mod epoch;
    pub(crate) mod table;
}
use library::{epoch, table};

use std::mem::ManuallyDrop;
use std::process::Command;
use std::sync::Arc;

use loom::model::Builder;
use loom::thread;

use crate::entry::{EntryRef, Opaque, RawEntry};
use crate::epoch::{is_alone, pin, retire};
use crate::identity::KeyRef;
use crate::sync::{AtomicPtr, Ordering, WITHOUT_FENCES};
use crate::table::{Table, Writer};

/// Runs a model in every order of its steps, and of what each step may see, in which a thread is interrupted at most
/// so many times.
fn check(n_interruptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(n_interruptions);
    builder.max_branches = 100_000;
    builder.check(move || {
        sync::begin_run();
        // What the process shares is there before its threads.
        assert!(is_alone() && retire().is_free(), "no other thread has begun");
        model();
    });
}

/// What was taken out of reach is freed if the epochs say so.
fn give_back<T>(garbage: T) {
    let garbage = ManuallyDrop::new(garbage);
    if is_alone() || retire().is_free() {
        drop(ManuallyDrop::into_inner(garbage));
    }
}

/// One entry where readers find it.
struct Place(AtomicPtr<Opaque>);

impl Place {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicPtr::new(entry(0).into_raw())))
    }

    fn read(&self) {
        let pin = pin().expect("a slot");
        let raw = RawEntry::from_ptr(self.0.load(Ordering::Acquire));
        // SAFETY: the thread is pinned.
        let entry = unsafe { raw.get() }.expect("there is always one");
        entry.hash();
        drop(pin);
    }

    fn replace(&self) {
        let old = self.0.swap(entry(1).into_raw(), Ordering::AcqRel);
        give_back(EntryRef::from_raw(old));
    }
}

/// The entry of a number. Those below 100 all belong into one bucket.
fn entry(number: u64) -> EntryRef {
    EntryRef::new(key(number))
}

fn key(number: u64) -> KeyRef<'static> {
    let bucket = if number < 100 { 0 } else { 1 << 31 };
    KeyRef::new(bucket | number, number)
}

#[test]
fn what_is_freed_is_not_read() {
    check(4, || {
        let place = Place::new();
        let reader = Arc::clone(&place);
        let reader = thread::spawn(move || {
            reader.read();
            reader.read();
        });
        place.replace();
        reader.join().expect("the reader");
    });
}

#[test]
fn a_thread_that_is_pinned_stays_so_while_it_tries_again() {
    check(4, || {
        let place = Place::new();
        let reader = Arc::clone(&place);
        let reader = thread::spawn(move || {
            let outer = pin();
            let raw = RawEntry::from_ptr(reader.0.load(Ordering::Acquire));
            assert!(pin().is_none(), "it is pinned");
            // SAFETY: the thread is still pinned.
            unsafe { raw.get() }.expect("there is always one").hash();
            drop(outer);
        });
        place.replace();
        reader.join().expect("the reader");
    });
}

#[test]
fn a_slot_goes_from_thread_to_thread() {
    check(3, || {
        let place = Place::new();
        let first = Arc::clone(&place);
        let first = thread::spawn(move || {
            first.read();
            first
        });
        let second = thread::spawn(move || first.join().expect("the first reader").read());
        place.replace();
        second.join().expect("the second reader");
    });
}

#[test]
fn two_who_retire_free_no_more_than_one() {
    check(2, || {
        let place = Place::new();
        let others = [0, 1].map(|is_writer| {
            let place = Arc::clone(&place);
            thread::spawn(move || if is_writer == 1 { place.replace() } else { place.read() })
        });
        place.replace();
        others.into_iter().for_each(|other| other.join().expect("a thread"));
    });
}

/// A table, and what it holds.
struct Held {
    table: Arc<Table>,
    writer: Writer,
    entries: Vec<EntryRef>,
}

impl Held {
    fn with(numbers: impl IntoIterator<Item = u64>) -> Self {
        let (table, writer) = Table::new();
        let mut held = Self { table: Arc::new(table), writer, entries: Vec::new() };
        for number in numbers {
            assert!(held.insert(number), "{number} has room");
        }
        held
    }

    /// False if the table became larger.
    fn insert(&mut self, number: u64) -> bool {
        let entry = entry(number);
        let few = self.table.insert(&mut self.writer, &entry);
        self.entries.push(entry);
        let has_room = few.is_none();
        few.map(give_back);
        has_room
    }

    fn remove(&mut self, number: u64) {
        let idx = self.entries.iter().position(|entry| entry.get().is(key(number)));
        let entry = self.entries.swap_remove(idx.expect("it is held"));
        self.table.remove(&mut self.writer, &entry);
        give_back(entry);
    }

    /// What another thread does meanwhile. What it finds it reads until it is not pinned any more.
    fn meanwhile(&self, found: impl Fn(&dyn Fn(u64) -> bool) + Send + 'static) -> Reader {
        let table = Arc::clone(&self.table);
        Reader(thread::spawn(move || {
            found(&|number| {
                let key = key(number);
                let found = table
                    .find_near(pin().expect("a slot"), key.hash, key)
                    .or_else(|| table.find(pin().expect("a slot"), key.hash, key));
                found.is_some_and(|found| found.entry().is(key))
            });
        }))
    }
}

struct Reader(thread::JoinHandle<()>);

impl Reader {
    fn join(self, held: Held) {
        self.0.join().expect("the reader");
        drop(held);
    }
}

#[test]
fn what_is_there_all_the_time_is_found() {
    check(3, || {
        // The eighth had no room in its bucket.
        let mut held = Held::with(1..=8);
        let reader = held.meanwhile(|find| assert!(find(8) && find(3)));
        held.remove(2);
        held.insert(9);
        reader.join(held);
    });
}

#[test]
fn what_is_removed_is_found_or_not_and_never_read_too_late() {
    check(3, || {
        let mut held = Held::with([1, 2]);
        let reader = held.meanwhile(|find| {
            let (was_there, is_there) = (find(1), find(1));
            assert!(was_there || !is_there, "it does not come back");
        });
        held.remove(1);
        held.insert(3);
        reader.join(held);
    });
}

#[test]
fn a_table_that_grows_loses_nothing() {
    check(2, || {
        let mut held = Held::with((1..=8).chain(101..=114));
        let reader = held.meanwhile(|find| assert!(find(8) && find(114)));
        assert!(!held.insert(9), "it grows");
        held.remove(1);
        reader.join(held);
    });
}

#[test]
fn a_table_that_is_cleared_is_read_to_the_end() {
    check(3, || {
        let mut held = Held::with([1, 2]);
        let reader = held.meanwhile(|find| {
            let (was_there, is_there) = (find(1), find(1));
            assert!(was_there || !is_there, "it does not come back");
        });
        let buckets = held.table.clear(&mut held.writer);
        give_back((buckets, std::mem::take(&mut held.entries)));
        reader.join(held);
    });
}

/// The test of the test. A thread that panics within a pin ends the process, so there is one for it.
#[test]
fn a_missing_fence_is_noticed() {
    for model in
        ["what_is_freed_is_not_read", "what_is_removed_is_found_or_not_and_never_read_too_late"]
    {
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", model, "--nocapture"])
            .env(WITHOUT_FENCES, "yes")
            .output()
            .expect("it can be run again");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("Causality violation"), "{model} holds without fences:\n{errors}");
    }
}
