//! Where a system keeps caches.

use std::ffi::OsString;
use std::path::PathBuf;

/// The directory for caches on an operating system with these variables.
///
/// A relative path in a variable is not one, as the XDG specification has it.
pub(super) fn default_root(
    os: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    let path = |name| variable(name).map(PathBuf::from).filter(|path: &PathBuf| path.has_root());
    let caches = match os {
        "windows" => path("LOCALAPPDATA"),
        "macos" | "ios" => path("HOME").map(|home| home.join("Library/Caches")),
        _ => path("XDG_CACHE_HOME").or_else(|| path("HOME").map(|home| home.join(".cache"))),
    };
    caches.map(|caches| caches.join("cache-core"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_place_for_caches() {
        for (os, variables, expected) in [
            ("linux", &[("HOME", "/home/ada")][..], Some("/home/ada/.cache/cache-core")),
            (
                "linux",
                &[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "/var/ada")],
                Some("/var/ada/cache-core"),
            ),
            (
                "linux",
                &[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "here")],
                Some("/home/ada/.cache/cache-core"),
            ),
            (
                "linux",
                &[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "")],
                Some("/home/ada/.cache/cache-core"),
            ),
            ("freebsd", &[("HOME", "/home/ada")], Some("/home/ada/.cache/cache-core")),
            ("macos", &[("HOME", "/Users/ada")], Some("/Users/ada/Library/Caches/cache-core")),
            (
                "windows",
                &[("LOCALAPPDATA", "/Users/ada/Local"), ("HOME", "/x")],
                Some("/Users/ada/Local/cache-core"),
            ),
            ("linux", &[], None),
            ("windows", &[], None),
        ] {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            assert_eq!(
                default_root(os, variable),
                expected.map(PathBuf::from),
                "{os} {variables:?}"
            );
        }
    }
}
