//! Marks: how a stored result knows that an event was emitted, by whatever process.
//!
//! A mark is a random number that a tier holds under the name of an event. An entry lists the marks of the events that
//! it depends on, and counts only while each of them is there and is the same. Emitting removes the mark, so whatever
//! becomes of a mark, an entry can only be found too seldom: a removal is never forgotten (see [`Guarded`]), and a tier
//! may drop marks as it may drop values.
//!
//! Whatever is done to calls by hand is an event as well, of the *part* of the calls of a function that they are in.
//! Its mark is looked up before the body runs: an older result that is written after its removal by another process has
//! a mark that has gone.
//!
//! What else an entry depends on is known only when its body has run, and then a mark that is not there may have been
//! removed meanwhile. So there is the *clock*, a mark that goes before any other does: it is looked up before the body
//! runs, and if it is another one after the marks were, nothing is stored.
//!
//! [`Guarded`]: crate::backend::Guarded

use twox_hash::XxHash3_64;

use crate::backend::{BackendKey, Scope};
use crate::events::Mark;

/// The mark that goes before any other does.
pub(super) fn clock(namespace: &str) -> BackendKey {
    BackendKey::new(namespace, "clock", "", b"")
}

/// What says that somebody computes the result of a call.
pub(super) fn claim(namespace: &str, call: &BackendKey) -> BackendKey {
    BackendKey::new(namespace, "claim", "", call.as_str().as_bytes())
}

/// The mark of an event, or of any of a family.
pub(super) fn key(namespace: &str, mark: &Mark) -> BackendKey {
    key_of(namespace, &mark.family, mark.bytes.as_deref())
}

fn key_of(namespace: &str, family: &str, event: Option<&[u8]>) -> BackendKey {
    match event {
        Some(bytes) => BackendKey::new(namespace, &function(family), "one", bytes),
        None => BackendKey::new(namespace, &function(family), "any", b""),
    }
}

/// What the marks of the calls of a function begin with, by their family.
pub(super) fn parts(namespace: &str, family: &str) -> Scope {
    BackendKey::version_scope(namespace, &function(family), "part")
}

/// The mark of a call, which it may share with others: one of 65,536 that the function has.
pub(super) fn part(parts: &Scope, call: &BackendKey) -> BackendKey {
    // The digest of the arguments ends the key.
    let digits = &call.as_str()[call.as_str().len() - 4..];
    BackendKey::of_text(&[parts.as_str(), digits].concat())
}

/// What processes call an event when they tell each other of it: it follows from the name of its mark.
pub(super) fn digest(family: &str, event: Option<&[u8]>) -> u64 {
    digest_of(name(&key_of("", family, event)))
}

/// What they call the events that a value goes with, or what is done to its call.
pub(super) fn digests(call: &BackendKey, marks: &Marks) -> Vec<u64> {
    let all_of = BackendKey::new("", "", "any", b"");
    let all_of = name(&all_of).trim_start_matches(':');
    let digests = marks.iter().flat_map(|(mark, _)| {
        let mut parts = name(mark).splitn(3, ':');
        let (family, kind) = (parts.next().unwrap_or_default(), parts.next());
        let all = !digest_of(&format!("{family}:{all_of}"));
        let arguments = call.as_str().rsplit(':').next().unwrap_or_default();
        match kind {
            // That is no event, but the call is one of those that it is the mark of.
            Some("part") => [digest_of(&format!("{family}:one:{arguments}")), all],
            _ => [digest_of(name(mark)), all],
        }
    });
    digests.collect()
}

/// A key without its namespace.
fn name(key: &BackendKey) -> &str {
    key.as_str().split_once(':').map_or("", |(_, name)| name)
}

// Two names of one digest are outdated together, which is no harm.
fn digest_of(name: &str) -> u64 {
    XxHash3_64::oneshot(name.as_bytes())
}

/// The marks of all events of a family.
pub(super) fn family(namespace: &str, mark: &Mark) -> Scope {
    Scope::function(namespace, &function(&mark.family))
}

/// What the marks of a family have in place of a function, which no function is called.
pub(super) fn function(family: &str) -> String {
    format!("mark {family}")
}

/// The marks that an entry depends on.
pub(super) type Marks = Vec<(BackendKey, u64)>;

/// Whether an entry hears of the writes to an endpoint, if of those to any: see `is_heard` in `call.rs`.
pub(super) fn hear(namespace: &str, marks: &Marks, endpoint: &str) -> bool {
    let any = Scope::function(namespace, &function("endpoint "));
    let this = Scope::function(namespace, &function(endpoint));
    let is_write = |key: &BackendKey| key.as_str().starts_with(any.as_str().trim_end_matches(':'));
    let mut writes = marks.iter().map(|(key, _)| key).filter(|key| is_write(key)).peekable();
    writes.peek().is_none() || writes.any(|key| this.contains(key))
}

/// The marks of an entry, as they are written before its bytes.
pub(super) fn written(marks: &Marks) -> Vec<u8> {
    let mut written = number(marks.len()).to_vec();
    for (key, mark) in marks {
        written.extend_from_slice(&number(key.as_str().len()));
        written.extend_from_slice(key.as_str().as_bytes());
        written.extend_from_slice(&mark.to_le_bytes());
    }
    written
}

/// The marks of an entry, and its bytes.
pub(super) fn split(mut payload: &[u8]) -> Option<(Marks, &[u8])> {
    let n_marks = u32::from_le_bytes(*take(&mut payload)?);
    let mut marks = Vec::new();
    for _ in 0..n_marks {
        let len = u32::from_le_bytes(*take(&mut payload)?);
        let (key, rest) = payload.split_at_checked(usize::try_from(len).ok()?)?;
        payload = rest;
        let key = BackendKey::of_text(std::str::from_utf8(key).ok()?);
        marks.push((key, u64::from_le_bytes(*take(&mut payload)?)));
    }
    Some((marks, payload))
}

fn number(len: usize) -> [u8; 4] {
    u32::try_from(len).expect("there are few marks, and their names are short").to_le_bytes()
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}
