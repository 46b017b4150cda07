//! What is emitted and by whom, what is depended on, and what does not fit together.

use std::collections::BTreeSet;
use std::fmt;

use crate::events::Events;
use crate::function::{Function, registered};

/// A function that emits events, as its attribute declares it: one `static` a site.
#[derive(Debug)]
pub struct Emitter {
    /// Its name.
    pub name: &'static str,
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line of the function's name.
    pub line: u32,
    /// What its events are called, as far as they can be named before the first call.
    pub events: &'static [&'static str],
}

/// A function that emits events, and that the linker collected.
#[derive(Debug)]
pub struct EmitterRegistration(pub &'static Emitter);

inventory::collect!(EmitterRegistration);

fn emitters() -> impl Iterator<Item = &'static Emitter> {
    inventory::iter::<EmitterRegistration>.into_iter().map(|registration| registration.0)
}

/// What does not fit together among the cached functions and the events of a program, as
/// [`Cache::audit`](crate::Cache::audit) finds it.
///
/// Events go by the name of their type, or by the text that they are or begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audit {
    /// Events that results depend on and that nobody emits: no `#[invalidates]` does, nor did a call of `emit` so far.
    pub never_emitted: Vec<Finding>,
    /// Events that are emitted and that no result depends on: no `invalidate_on` names them, nor did a result so far.
    pub never_heard: Vec<Finding>,
    /// Functions whose results may never go: they have no lifetime, and say nothing of events.
    /// `invalidate_on = []` says that nothing changes what the function returns, or only the cached functions it calls.
    pub unbounded: Vec<Finding>,
}

/// What an audit found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What the event is called; `None` where the finding is about the function.
    pub event: Option<String>,
    /// The function.
    pub function: &'static str,
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line of the function's name.
    pub line: u32,
}

impl Audit {
    /// Looks at all functions that the linker collected. `is_mortal` says which of them have a lifetime.
    pub(crate) fn new(events: &Events, is_mortal: impl Fn(&'static Function) -> bool) -> Self {
        let (emitted_so_far, heard_so_far) = events.titles();
        let known = |sites: &[&'static str], so_far: BTreeSet<String>| {
            so_far.into_iter().chain(sites.iter().map(|title| (*title).to_owned())).collect()
        };
        let named = |functions: Vec<&[&'static str]>| functions.concat();
        let emitted: BTreeSet<String> =
            known(&named(emitters().map(|emitter| emitter.events).collect()), emitted_so_far);
        let heard: BTreeSet<String> =
            known(&named(registered().filter_map(|it| it.events).collect()), heard_so_far);

        let of_function = |event: Option<&str>, function: &'static Function| Finding {
            event: event.map(str::to_owned),
            function: function.name,
            file: function.file,
            line: function.line,
        };
        let mut audit = Self::default();
        for function in registered() {
            let titles = function.events.unwrap_or_default().iter();
            audit.never_emitted.extend(
                titles
                    .filter(|title| !emitted.contains(**title))
                    .map(|title| of_function(Some(title), function)),
            );
            if function.events.is_none() && !is_mortal(function) {
                audit.unbounded.push(of_function(None, function));
            }
        }
        for Emitter { name, file, line, events } in emitters() {
            audit.never_heard.extend(events.iter().filter(|title| !heard.contains(**title)).map(
                |title| Finding {
                    event: Some((*title).to_owned()),
                    function: name,
                    file,
                    line: *line,
                },
            ));
        }
        for findings in [&mut audit.never_emitted, &mut audit.never_heard, &mut audit.unbounded] {
            findings.sort_by(|one, other| {
                (one.file, one.line, &one.event).cmp(&(other.file, other.line, &other.event))
            });
        }
        audit
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        [&self.never_emitted, &self.never_heard, &self.unbounded].iter().all(|it| it.is_empty())
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("the audit found nothing");
        }
        let kinds = [
            (&self.never_emitted, "depends on an event that nobody emits"),
            (&self.never_heard, "emits an event that no result depends on"),
            (
                &self.unbounded,
                "has neither `ttl` nor `invalidate_on`: write `invalidate_on = []` if nothing changes what it returns, \
                 or only the cached functions that it calls",
            ),
        ];
        for (findings, problem) in kinds {
            for Finding { event, function, file, line } in findings {
                write!(f, "{file}:{line}: `{function}` {problem}")?;
                match event {
                    Some(event) => writeln!(f, ": `{event}`")?,
                    None => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}
