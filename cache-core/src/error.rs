//! One error type for what a user can do wrong with the cache itself.
//!
//! A cached call never returns it: trouble inside a call is counted and treated as a miss.

use std::fmt;
use std::time::Duration;

/// Why the cache could not do what it was asked to.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
enum Kind {
    AlreadyInUse,
    NoFunction { name: String, known: Vec<String> },
    Failed { what: String, cause: Box<dyn std::error::Error + Send + Sync> },
}

impl Error {
    /// An error of a slower tier: what failed, at which place, and why.
    ///
    /// ```
    /// use cache_core::Error;
    ///
    /// let cause = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    /// let error = Error::tier("cannot read `/srv/cache/4f2a`", cause);
    /// assert_eq!(error.to_string(), "cannot read `/srv/cache/4f2a`: permission denied");
    /// ```
    #[cold]
    pub fn tier(
        failed: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::failed(failed, cause)
    }

    /// What failed, and why.
    #[cold]
    pub(crate) fn failed(
        what: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self(Kind::Failed { what: what.into(), cause: cause.into() })
    }

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
            Kind::Failed { what, cause } => write!(f, "{what}: {cause}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Failed { cause, .. } => Some(&**cause),
            _ => None,
        }
    }
}

/// A call has taken longer than the `timeout` of its function.
///
/// The load goes on, and its result is stored: a later call finds it, or waits for it.
///
/// ```
/// use cache_core::{TimedOut, cached};
/// use std::time::Duration;
///
/// #[cached(timeout = 5ms)]
/// fn answer() -> Result<u32, TimedOut> {
/// #   #[expect(clippy::disallowed_methods)]
///     std::thread::sleep(Duration::from_secs(1));
///     Ok(42)
/// }
///
/// let error = answer().unwrap_err();
/// assert_eq!(error.to_string(), "`answer` has not returned within 5ms; it goes on, and its result will be cached");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    function: &'static str,
    limit: Duration,
}

impl TimedOut {
    pub(crate) fn new(function: &'static str, limit: Duration) -> Self {
        Self { function, limit }
    }

    /// The name of the function.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// How long the caller has waited.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, limit } = self;
        write!(
            f,
            "`{function}` has not returned within {limit:?}; it goes on, and its result will be cached"
        )
    }
}

impl std::error::Error for TimedOut {}
