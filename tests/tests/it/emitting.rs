//! I4: who changes something says so when it has happened, and only then.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use async_trait::async_trait;
use cache_core::testing::TestCache;
use cache_core::{Cache, Event, Transaction, cached, emit, invalidates};

use crate::support::{Gate, on_every_executor, pause};

#[derive(Event)]
struct Renamed {
    id: u32,
}

/// Whether the name of `id` is stored, which it is for each case anew.
#[cached(invalidate_on = [Renamed { id }])]
fn name(id: u32) -> u32 {
    id
}

/// Runs `work` and says whether it emitted that 7 was renamed, and only that.
#[track_caller]
fn renames(work: impl FnOnce()) -> bool {
    name(7);
    name(8);
    work();
    assert!(name::peek(&8).is_some(), "8 was not renamed");
    name::peek(&7).is_none()
}

type Fallible = std::io::Result<u32>;

/// An error that cannot be copied.
#[derive(Debug)]
struct Refused;

#[invalidates(Renamed { id })]
fn plain(id: u32) {
    let _ = id;
}

#[invalidates(Renamed { id })]
fn fallible(id: u32, is_fine: bool) -> Result<u32, Refused> {
    if !is_fine {
        return Err(Refused);
    }
    Ok(id)
}

#[invalidates(Renamed { id })]
fn aliased(id: u32, is_fine: bool) -> Fallible {
    let number = if is_fine { "7" } else { "seven" };
    let _ = id;
    number.parse::<u32>().map_err(std::io::Error::other)
}

#[invalidates(Renamed { id })]
fn optional(id: u32, is_there: bool) -> Option<u32> {
    is_there.then_some(id)
}

#[invalidates(Renamed { id })]
fn optional_in_result(id: u32, is_there: bool) -> Result<Option<u32>, Refused> {
    Ok(is_there.then_some(id))
}

#[invalidates(Renamed { id })]
fn panics(id: u32) -> u32 {
    panic!("planned for {id}")
}

#[invalidates(Renamed { id: name.len() as u32 })]
fn consumes(name: String) -> usize {
    drop(name);
    0
}

#[invalidates(Renamed { id: names.len() as u32 })]
fn changes_its_argument<'a>(names: &'a mut Vec<String>, name: &str) -> &'a str {
    names.push(name.to_owned());
    names.last().expect("one was just added")
}

#[invalidates(Renamed { id: *id.borrow() })]
fn returns_something(id: &RefCell<u32>) -> impl fmt::Display + use<> {
    let before = *id.borrow();
    *id.borrow_mut() += 1;
    before
}

#[invalidates(Renamed { id: id.into() })]
fn generic<T: Into<u32> + Copy>(id: T) -> T {
    id
}

#[invalidates(Renamed { id: (id, 0).0 }, ("user", id), "users", Renamed { id })]
fn several(id: u32) {
    let _ = id;
}

#[test]
fn what_a_function_changes_is_emitted_when_it_has_succeeded() {
    let seven = RefCell::new(7);
    let mut names = vec![String::new(); 7];
    TestCache::new().run(|| {
        assert!(renames(|| plain(7)));
        assert!(renames(|| drop(fallible(7, true))));
        assert!(!renames(|| drop(fallible(7, false))));
        assert!(renames(|| drop(aliased(7, true))));
        assert!(!renames(|| drop(aliased(7, false))));
        assert!(renames(|| assert_eq!(optional(7, true), Some(7))));
        assert!(renames(|| assert_eq!(optional(7, false), None)), "that is no error");
        assert!(renames(|| drop(optional_in_result(7, false))));
        assert!(!renames(|| drop(catch_unwind(|| panics(7)))));
        assert!(renames(|| assert_eq!(consumes("seven__".to_owned()), 0)));
        assert!(renames(|| assert_eq!(changes_its_argument(&mut names, "new"), "new")));
        assert!(renames(|| assert_eq!(returns_something(&seven).to_string(), "7")));
        assert!(renames(|| assert_eq!(generic(7_u8), 7)));
        assert!(renames(|| several(7)));
    });
    assert_eq!((names.len(), seven.into_inner()), (8, 8), "they did their work");
}

#[invalidates(Renamed { id })]
async fn plain_async(id: u32) {
    pause().await;
    let _ = id;
}

#[invalidates(Renamed { id: name.len() as u32 })]
async fn fallible_async(name: String, is_fine: bool) -> Result<usize, Box<dyn std::error::Error>> {
    pause().await;
    let number: u32 = if is_fine { "7" } else { "seven" }.parse()?;
    drop(name);
    Ok(number as usize)
}

#[invalidates(Renamed { id })]
async fn returns_something_async(id: u32) -> impl fmt::Display {
    pause().await;
    id
}

#[invalidates(Renamed { id })]
async fn held(gate: &Gate, id: u32) {
    gate.pass().await;
    let _ = id;
}

#[invalidates(Renamed { id })]
async fn panics_async(id: u32) -> u32 {
    pause().await;
    id.checked_add(u32::MAX).expect("planned")
}

#[test]
fn the_same_holds_for_async_functions() {
    /// Polls to the end, wherever that is.
    fn run<F: Future>(future: F) -> F::Output {
        pollster::block_on(future)
    }
    TestCache::new().run(|| {
        assert!(renames(|| run(plain_async(7))));
        assert!(renames(|| drop(run(fallible_async("seven__".to_owned(), true)))));
        assert!(!renames(|| drop(run(fallible_async("seven__".to_owned(), false)))));
        assert!(renames(|| assert_eq!(run(returns_something_async(7)).to_string(), "7")));
        assert!(!renames(|| drop(catch_unwind(AssertUnwindSafe(|| run(panics_async(7)))))));
        let gate = Gate::new();
        let abandoned = renames(|| {
            drop(held(&gate, 7));
            let mut held = pin!(held(&gate, 7));
            assert!(held.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        });
        assert!(!abandoned, "a future that is dropped midway has changed nothing that it says");
        gate.open();
        assert!(renames(|| run(held(&gate, 7))));
    });
}

#[test]
fn events_are_emitted_before_the_caller_goes_on_and_in_its_cache() {
    on_every_executor(|cache| async move {
        name(7);
        let mut writer = pin!(plain_async(7));
        assert!(writer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(name::peek(&7), Some(7), "not yet");
        writer.await;
        assert_eq!(name::peek(&7), None);
        name(7);
        TestCache::new().scope(plain_async(7)).await;
        assert_eq!(name::peek(&7), Some(7), "another cache");
        Cache::global().emit(Renamed { id: 7 });
        assert_eq!(name::peek(&7), Some(7), "another cache");
        cache.emit(Renamed { id: 7 });
        assert_eq!(name::peek(&7), None);
    });
}

struct Directory {
    first: u32,
}

#[async_trait]
trait Writer {
    #[invalidates(Renamed { id })]
    fn by_default(&self, id: u32) -> Result<u32, Refused> {
        Ok(id)
    }

    async fn before_async_trait(&self, id: u32) -> Result<u32, Refused>;
    async fn after_async_trait(&self, id: u32, is_fine: bool) -> Result<u32, Refused>;
}

#[async_trait]
impl Writer for Directory {
    #[invalidates(Renamed { id: self.first + id })]
    async fn before_async_trait(&self, id: u32) -> Result<u32, Refused> {
        pause().await;
        Ok(id)
    }

    async fn after_async_trait(&self, id: u32, is_fine: bool) -> Result<u32, Refused> {
        Boxed { first: self.first }.after_async_trait(id, is_fine).await
    }
}

struct Boxed {
    first: u32,
}

impl Boxed {
    /// As `#[async_trait]` leaves it.
    #[invalidates(Renamed { id: self.first + id })]
    fn after_async_trait<'a>(
        &'a self,
        id: u32,
        is_fine: bool,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<u32, Refused>> + Send + 'a>> {
        Box::pin(async move {
            pause().await;
            if is_fine { Ok(id + self.first) } else { Err(Refused) }
        })
    }
}

impl Directory {
    #[invalidates(Renamed { id: self.first })]
    fn consume(self) -> u32 {
        self.first
    }

    #[invalidates(Renamed { id: self.first })]
    fn change(&mut self) {
        self.first += 1;
    }

    #[invalidates(Renamed { id: Self::FIRST })]
    fn associated() -> Self {
        Self { first: Self::FIRST }
    }

    const FIRST: u32 = 7;
}

#[test]
fn methods_of_any_kind_emit() {
    TestCache::new().run(|| {
        let mut directory = Directory { first: 3 };
        let run = |result: Result<u32, Refused>| drop(result);
        assert!(renames(|| run(directory.by_default(7))));
        assert!(renames(|| run(pollster::block_on(directory.before_async_trait(4)))));
        assert!(renames(|| run(pollster::block_on(directory.after_async_trait(4, true)))));
        assert!(!renames(|| run(pollster::block_on(directory.after_async_trait(4, false)))));
        directory.first = 7;
        assert!(renames(|| directory.change()));
        assert_eq!(directory.first, 8);
        directory.first = 7;
        assert!(renames(|| assert_eq!(directory.consume(), 7)));
        assert!(renames(|| assert_eq!(Directory::associated().first, 7)));
    });
}

#[test]
fn a_transaction_emits_all_or_nothing() {
    #[cached(invalidate_on = ["motd"])]
    fn message() -> String {
        "hello".to_owned()
    }
    #[cached(invalidate_on = [("user", id)])]
    fn user(id: u32) -> u32 {
        id
    }
    let everything = || {
        name(7);
        message();
        user(1);
        user(2);
    };
    let stored = || {
        let users = [user::peek(&1).is_some(), user::peek(&2).is_some()];
        (name::peek(&7).is_some(), message::peek().is_some(), users)
    };
    let fill = |changes: &mut Transaction| {
        changes.emit_all::<Renamed>();
        changes.emit("motd");
        changes.emit(("user", 1));
    };
    let cache = TestCache::new();
    cache.run(|| {
        everything();
        let mut changes = Transaction::new();
        fill(&mut changes);
        assert_eq!(stored(), (true, true, [true, true]), "not before the commit");
        drop(changes);
        assert_eq!(stored(), (true, true, [true, true]), "not without one");
        drop(catch_unwind(|| {
            let mut changes = Transaction::new();
            fill(&mut changes);
            panic!("planned");
        }));
        assert_eq!(stored(), (true, true, [true, true]), "not after a panic");
        let mut changes = Transaction::new();
        fill(&mut changes);
        TestCache::new().run(|| changes.commit());
        assert_eq!(stored(), (false, false, [false, true]), "in the cache that it was made for");
        everything();
        assert_eq!(stored(), (true, true, [true, true]), "once");
        let mut changes = Transaction::new();
        emit(("user", 1));
        changes.emit(("user", 2));
        user(1);
        changes.commit();
        assert_eq!(stored(), (true, true, [true, false]));
    });
}
