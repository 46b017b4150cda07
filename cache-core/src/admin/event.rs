//! Events that a request names: texts and tuples. Those of a type of the program's own are its own to make.

use std::borrow::Cow;

use serde::Deserialize;

use crate::event::{Event, EventPart, Family};
use crate::key::KeyWriter;

/// `"prices"`, or `["user", 7]` for `("user", 7)`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    Text(String),
    Tuple(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Part {
    Bool(bool),
    Number(i64),
    LargeNumber(u64),
    Text(String),
}

impl Named {
    /// How many parts a tuple has at the most.
    const MAX_PARTS: usize = 8;

    /// Whether there can be such an event.
    pub(super) fn is_event(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Tuple(parts) => (1..=Self::MAX_PARTS).contains(&parts.len()),
        }
    }
}

impl Event for Named {
    const TITLE: Option<&'static str> = None;

    fn family() -> Family {
        <str as Event>::family()
    }

    fn title(&self) -> Cow<'static, str> {
        match self {
            Self::Text(text) => Event::title(text),
            Self::Tuple(parts) => {
                let first = parts.first().map(|part| part.as_part().title()).unwrap_or_default();
                Cow::Owned(format!("({first}{})", ", _".repeat(parts.len().saturating_sub(1))))
            }
        }
    }

    fn write_to(&self, key: &mut KeyWriter) {
        match self {
            Self::Text(text) => Event::write_to(text, key),
            Self::Tuple(parts) => {
                // As a tuple of the program does.
                key.arg(&());
                parts.iter().for_each(|part| part.as_part().write_to(key));
            }
        }
    }
}

impl Part {
    fn as_part(&self) -> &dyn EventPart {
        match self {
            Self::Bool(it) => it,
            Self::Number(it) => it,
            Self::LargeNumber(it) => it,
            Self::Text(it) => it,
        }
    }
}
