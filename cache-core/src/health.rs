//! Whether all is well.

use std::fmt;

use crate::serialize::{serialize_display, serialize_fields};

/// How a cache is doing, as [`Cache::health`](crate::Cache::health) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The verdict.
    pub status: Status,
    /// What it is due to, each in a sentence; empty where all is well.
    pub reasons: Vec<String>,
}

serialize_fields!(Health { status, reasons });

/// A verdict on a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// All is well.
    Healthy,
    /// It works, but not as it should.
    Degraded,
    /// It is switched off: every call runs its body.
    Disabled,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Disabled => "disabled",
        })
    }
}

serialize_display!(Status);
