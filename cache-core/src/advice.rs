//! What to change, in words.

use std::fmt;

use crate::serialize::{serialize_display, serialize_fields};

/// Something that could be better, as [`Cache::advice`](crate::Cache::advice) finds it. It is displayed as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// The name of the function that it is about, or `cache` for all together.
    pub function: &'static str,
    /// The module of the function; empty for all together.
    pub module: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// The sentence, without the name.
    pub text: String,
}

serialize_fields!(Advice { function, module, topic, text });

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.function, self.text)
    }
}

/// What an [`Advice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topic {
    /// More memory would make many more hits.
    MoreMemory,
    /// Half the memory would make about as many hits.
    LessMemory,
    /// Most misses are expiries.
    Expired,
    /// Most misses are invalidations.
    Invalidated,
    /// Most misses are of results that are not stored.
    Refused,
    /// Most misses are of calls that were never made before.
    Cold,
    /// The body is as fast as a hit.
    Fast,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MoreMemory => "more_memory",
            Self::LessMemory => "less_memory",
            Self::Expired => "expired",
            Self::Invalidated => "invalidated",
            Self::Refused => "refused",
            Self::Cold => "cold",
            Self::Fast => "fast",
        })
    }
}

serialize_display!(Topic);
