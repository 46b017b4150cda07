//! The house stays in order: modules use only modules below them, and the promises name tests that exist.

use std::fs;
use std::path::Path;

/// From the ground up, as the map in `lib.rs` lists them.
const ORDER: [&str; 75] = [
    "sync",
    "clock",
    "error",
    "worker",
    "time",
    "task",
    "timer",
    "runtime",
    "no_runtime",
    "span",
    "no_span",
    "executor",
    "background",
    "glob",
    "key",
    "codec",
    "backend",
    "instance",
    "event",
    "events",
    "sources",
    "size",
    "epoch",
    "serialize",
    "latency",
    "stats",
    "labels",
    "budget",
    "curve",
    "health",
    "verify",
    "waits",
    "function",
    "advice",
    "metrics",
    "observer",
    "audit",
    "identity",
    "usage",
    "lifetime",
    "entry",
    "outcome",
    "table",
    "order",
    "ghosts",
    "resistant",
    "ranking",
    "half",
    "recency",
    "departures",
    "shadow",
    "limbo",
    "flight",
    "loads",
    "memory",
    "config",
    "outer",
    "tiers",
    "cache",
    "opentelemetry",
    "context",
    "spare",
    "emit",
    "endpoint",
    "lead",
    "current",
    "call",
    "apart",
    "batch",
    "warm",
    "handle",
    "http",
    "admin",
    "testing",
    "lib",
];

#[test]
fn a_module_uses_only_modules_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cache-core/src");
    let rank = |module: &str| ORDER.iter().position(|known| *known == module);
    let mut n_files = 0;
    for file in fs::read_dir(src).expect("the sources").map(|file| file.expect("a file").path()) {
        let module = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        if file.is_dir() || module == "lib" {
            continue;
        }
        let own = rank(&module).unwrap_or_else(|| panic!("`{module}` has no place in the order"));
        let text = fs::read_to_string(&file).expect("a source file");
        for used in
            text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| {
                line.split("crate::")
                    .skip(1)
                    .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
            })
        {
            let Some(used) = used.filter(|used| rank(used).is_some()) else { continue };
            assert!(rank(used) < Some(own), "`{module}` uses `{used}`, which is above it");
        }
        n_files += 1;
    }
    assert_eq!(n_files, ORDER.len() - 1);
}

/// The modules that may be unsafe. Each has its reason where it is declared, and a safe surface.
const UNSAFE: [&str; 5] = [
    "cache-core/src/clock.rs",
    "cache-core/src/entry.rs",
    "cache-core/src/epoch.rs",
    "cache-core/src/key/buffer.rs",
    "cache-core/src/table.rs",
];

#[test]
fn time_is_read_in_one_place_and_nothing_else_is_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["cache-core/src", "cache-macros/src"] {
        sources(&root, Path::new(folder), &mut files);
    }
    for file in UNSAFE {
        assert!(files.iter().any(|(known, _)| known == file), "{file} is no source file");
    }
    for (file, text) in files {
        let code = || text.lines().filter(|line| !line.trim_start().starts_with("//"));
        assert!(
            file.ends_with("/clock.rs") || !code().any(|line| line.contains("Instant::now()")),
            "{file} reads the time"
        );
        let is_unsafe = code().any(|line| {
            ["unsafe {", "unsafe fn ", "unsafe impl "].iter().any(|word| line.contains(word))
        });
        assert_eq!(is_unsafe, UNSAFE.contains(&&*file), "is {file} unsafe?");
    }
}

#[test]
fn every_promise_of_the_readme_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let promises = readme.split("\n## ").find_map(|part| part.strip_prefix("Promises\n"));
    let mut n_tests = 0;
    for place in promises.expect("the promises").split('`').skip(1).step_by(2) {
        let (file, test) = place.split_once("::").unwrap_or((place, ""));
        if !file.ends_with(".rs") {
            continue;
        }
        let folder = if file.contains('/') { "" } else { "tests/tests/it" };
        let text = fs::read_to_string(root.join(folder).join(file));
        let text = text.unwrap_or_else(|error| panic!("cannot read `{file}`: {error}"));
        assert!(test.is_empty() || text.contains(&format!("fn {test}(")), "`{place}` is not there");
        n_tests += usize::from(!test.is_empty());
    }
    assert!(n_tests >= 20, "{n_tests} tests stand behind the promises");
}

/// All source files below `folder`, by their paths from `root`.
fn sources(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for file in fs::read_dir(root.join(folder)).expect("the sources") {
        let file = folder.join(file.expect("a file").file_name());
        if root.join(&file).is_dir() {
            sources(root, &file, files);
        } else {
            let text = fs::read_to_string(root.join(&file)).expect("a source file");
            files.push((file.to_string_lossy().replace('\\', "/"), text));
        }
    }
}
