//! The key of a value outside of the process.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

use crate::sync::Arc;

/// Names a value in a slower tier: `namespace:function:version:digest`.
///
/// The digest is the SHA-256 of the canonical bytes of the arguments, so no argument appears in clear.
/// The other parts are escaped, so that two different keys are two different texts whatever is in the parts:
/// letters, digits, `_`, `-` and `.` stand for themselves, any other byte of the UTF-8 is `%` and two hex digits.
///
/// ```
/// use cache_core::backend::BackendKey;
///
/// let key = BackendKey::new("shop", "prices::price", "3f", b"arguments");
/// assert!(key.as_str().starts_with("shop:prices%3A%3Aprice:3f:"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendKey(Arc<str>);

impl BackendKey {
    /// The key of a call, whose arguments are given as canonical bytes.
    #[must_use]
    pub fn new(namespace: &str, function: &str, version: &str, arguments: &[u8]) -> Self {
        let mut text = Scope::function(namespace, function).text;
        escape(&mut text, version);
        text.push(':');
        hex(&mut text, &Sha256::digest(arguments));
        Self(text.into())
    }

    /// A key that was written down.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The whole key: printable ASCII, without spaces and slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All keys of the same function.
    #[must_use]
    pub fn function_scope(&self) -> Scope {
        self.scope(2)
    }

    /// All keys of the same namespace.
    #[must_use]
    pub fn namespace_scope(&self) -> Scope {
        self.scope(1)
    }

    /// What the key shares with others: so many of its parts.
    fn scope(&self, n_parts: usize) -> Scope {
        let text = self.0.split_inclusive(':').take(n_parts).collect();
        Scope { text }
    }
}

impl fmt::Display for BackendKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BackendKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of keys: those of a function, or of a whole namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The beginning of the keys, up to and with a colon.
    text: String,
}

impl Scope {
    /// All keys of a namespace.
    #[must_use]
    pub fn namespace(namespace: &str) -> Self {
        // Room for a whole key, in most cases.
        let mut text = String::with_capacity(256);
        escape(&mut text, namespace);
        text.push(':');
        Self { text }
    }

    /// All keys of a function, whatever their version.
    #[must_use]
    pub fn function(namespace: &str, function: &str) -> Self {
        let Self { mut text } = Self::namespace(namespace);
        escape(&mut text, function);
        text.push(':');
        Self { text }
    }

    /// What all its keys begin with, and no other key does.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is one of its keys.
    #[must_use]
    pub fn contains(&self, key: &BackendKey) -> bool {
        key.as_str().starts_with(&self.text)
    }
}

fn escape(text: &mut String, part: &str) {
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
                text.push(char::from(byte));
            }
            _ => write!(text, "%{byte:02X}").expect("a string takes everything"),
        }
    }
}

/// Appends bytes as hex digits.
pub(super) fn hex(text: &mut String, bytes: &[u8]) {
    let digit = |n: u8| char::from(b"0123456789abcdef"[usize::from(n)]);
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_parts_are_different_keys() {
        let parts = [
            "", ":", "%", "%3A", "a", "A", "a:", ":a", "a:b", "..", "/", "\0", "é", "e\u{301}",
            "*", " ",
        ];
        let mut texts = HashSet::new();
        for namespace in parts {
            for function in parts {
                for version in parts {
                    let key = BackendKey::new(namespace, function, version, b"");
                    let is_tame = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '\\' | '*');
                    assert!(key.as_str().chars().all(is_tame), "{key}");
                    assert!(texts.insert(key.as_str().to_owned()), "{key} occurs twice");
                }
            }
        }
        assert_eq!(texts.len(), parts.len().pow(3));
    }

    #[test]
    fn a_scope_holds_its_own_keys_only() {
        let key = BackendKey::new("shop", "price", "1", b"7");
        assert!(Scope::namespace("shop").contains(&key));
        assert!(Scope::function("shop", "price").contains(&key));
        for other in [
            Scope::namespace(""),
            Scope::namespace("sho"),
            Scope::namespace("shop:price"),
            Scope::function("shop", ""),
            Scope::function("shop", "pric"),
            Scope::function("", "price"),
        ] {
            assert!(!other.contains(&key), "{other:?}");
        }
        assert_eq!(key.function_scope(), Scope::function("shop", "price"));
        assert_eq!(key.namespace_scope(), Scope::namespace("shop"));
    }

    #[test]
    fn the_digest_is_that_of_the_arguments() {
        // `printf 7 | sha256sum`
        let digest = "7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451";
        let key = BackendKey::new("shop", "price", "1", b"7");
        assert_eq!(key.as_str(), format!("shop:price:1:{digest}"));
    }
}
