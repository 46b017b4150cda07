//! One error type for what a user can do wrong with the cache itself.
//!
//! A cached call never returns it: trouble inside a call is counted and treated as a miss.

use std::fmt;

/// Why a request to configure the cache was refused.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
enum Kind {
    AlreadyInUse,
    NoFunction { name: String, known: Vec<String> },
}

impl Error {
    #[cold]
    pub(crate) fn already_in_use() -> Self {
        Self(Kind::AlreadyInUse)
    }

    #[cold]
    pub(crate) fn no_function(name: &str, known: Vec<String>) -> Self {
        Self(Kind::NoFunction { name: name.to_owned(), known })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::AlreadyInUse => f.write_str(
                "the global cache is already in use: install its configuration at the start of `main`, \
                 before the first cached call and before `Cache::global()`",
            ),
            Kind::NoFunction { name, known } => {
                write!(f, "no cached function is called `{name}`")?;
                match known.as_slice() {
                    [] => f.write_str("; this program has none"),
                    known => write!(f, "; there are: {}", known.join(", ")),
                }
            }
        }
    }
}

impl std::error::Error for Error {}
