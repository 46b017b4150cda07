//! The house stays in order: a module of the library uses only modules below it.

use std::fs;
use std::path::Path;

/// From the ground up, as the map in `lib.rs` lists them.
const ORDER: [&str; 28] = [
    "sync", "clock", "error", "worker", "key", "size", "epoch", "stats", "budget", "waits",
    "function", "entry", "table", "order", "limbo", "flight", "loads", "memory", "config", "cache",
    "context", "outcome", "lead", "call", "warm", "handle", "testing", "lib",
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

/// Where the bench shows that it is worth it: see "Unsafe code" in ARCHITECTURE.md.
const UNSAFE: [&str; 3] = ["epoch.rs", "entry.rs", "table.rs"];

#[test]
fn time_is_read_in_one_place_and_little_is_unsafe() {
    for folder in ["../cache-core/src", "../cache-macros/src"] {
        for file in
            fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("the sources")
        {
            let path = file.expect("a file").path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let name = path.file_name().expect("a name");
            let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            assert!(
                name == "clock.rs" || !code.any(|line| line.contains("Instant::now()")),
                "{} reads the time",
                path.display()
            );
            let is_unsafe = text.lines().any(|line| {
                let code = line.trim_start();
                !code.starts_with("//")
                    && (code.starts_with("unsafe ") || code.contains(" unsafe "))
            });
            let may_be = UNSAFE.iter().any(|module| name == *module);
            assert!(may_be || !is_unsafe, "{} is unsafe", path.display());
        }
    }
}
