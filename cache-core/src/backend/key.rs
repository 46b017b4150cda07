//! The key of a value outside of the process.

use std::fmt;

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
        Self::within(&Self::version_scope(namespace, function, version), arguments)
    }

    /// What the keys of one version of a function begin with.
    pub(crate) fn version_scope(namespace: &str, function: &str, version: &str) -> Scope {
        let mut scope = Scope::function(namespace, function);
        scope.push(version);
        scope
    }

    /// The key of a call, where what it begins with is known.
    pub(crate) fn within(scope: &Scope, arguments: &[u8]) -> Self {
        let mut text = String::with_capacity(scope.text.len() + 64);
        text.push_str(&scope.text);
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
        Scope { text: self.parts(2).to_owned() }
    }

    /// All keys of the same namespace.
    #[must_use]
    pub fn namespace_scope(&self) -> Scope {
        Scope { text: self.parts(1).to_owned() }
    }

    /// The first of its parts, with their colons: the text of a scope.
    pub(crate) fn parts(&self, n: usize) -> &str {
        let is_colon = |(_, byte): &(usize, u8)| *byte == b':';
        let colon = self.0.bytes().enumerate().filter(is_colon).nth(n - 1);
        colon.map_or(&self.0, |(idx, _)| &self.0[..=idx])
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
        let mut scope = Self { text: String::new() };
        scope.push(namespace);
        scope
    }

    /// All keys of a function, whatever their version.
    #[must_use]
    pub fn function(namespace: &str, function: &str) -> Self {
        let mut scope = Self::namespace(namespace);
        scope.push(function);
        scope
    }

    /// Adds a part.
    fn push(&mut self, part: &str) {
        escape(&mut self.text, part);
        self.text.push(':');
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
    text.reserve(part.len() + 1);
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
                text.push(char::from(byte));
            }
            _ => {
                text.push('%');
                digits(text, byte, b"0123456789ABCDEF");
            }
        }
    }
}

/// Appends bytes as hex digits.
pub(super) fn hex(text: &mut String, bytes: &[u8]) {
    bytes.iter().for_each(|byte| digits(text, *byte, b"0123456789abcdef"));
}

fn digits(text: &mut String, byte: u8, digits: &[u8; 16]) {
    text.push(char::from(digits[usize::from(byte >> 4)]));
    text.push(char::from(digits[usize::from(byte & 15)]));
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
