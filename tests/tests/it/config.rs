//! A8: configuration from the environment, from code, and at run time. The global cache needs processes of its own.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cache_core::{Cache, cached, current};

#[cached(ttl = 1h)]
fn configured(id: u32) -> u32 {
    id
}

#[cached(ttl = Duration::ZERO)]
fn passing(id: u32) -> u32 {
    current().ttl(Duration::ZERO);
    id
}

#[cached]
fn counting(id: u32) -> u32 {
    static N_BODIES: AtomicU32 = AtomicU32::new(0);
    id + N_BODIES.fetch_add(1, Ordering::SeqCst)
}

/// Runs one of the tests below that are only meant for a process of their own.
fn in_process(name: &str, variables: &[(&str, &str)]) -> Output {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("config::child::{name}"), "--nocapture"])
        .envs(variables.iter().copied())
        .env("CACHE_TEST_CHILD", "1")
        .output()
        .expect("a child process");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

mod child {
    use super::*;

    fn is_child() -> bool {
        std::env::var_os("CACHE_TEST_CHILD").is_some()
    }

    #[test]
    fn shows_its_configuration() {
        if is_child() {
            configured(1);
            configured(1);
            passing(1);
            println!("{:?}\n{:?}", Cache::global().config(), configured::stats());
            let ttl = Cache::global()
                .functions()
                .into_iter()
                .find(|function| function.name == "configured");
            println!("ttl {:?}", ttl.and_then(|function| function.ttl));
            println!("passing {:?}", passing::stats().entries);
        }
    }

    #[test]
    fn calls_twice() {
        if is_child() {
            let has_panicked = std::panic::catch_unwind(|| [0; 3].map(counting)).is_err();
            println!("{has_panicked} {:?}", counting::stats());
        }
    }

    #[test]
    fn installs_from_code() {
        if is_child() {
            let builder = Cache::builder().max_entries(5).max_bytes(1 << 20);
            builder.clone().install().expect("the first use");
            let error = builder.install().expect_err("it is in use");
            println!("{error}\n{:?}", Cache::global().config());
        }
    }
}

fn shown(name: &str, variables: &[(&str, &str)]) -> (String, String) {
    let output = in_process(name, variables);
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn the_environment_configures_the_global_cache() {
    let (out, err) = shown(
        "shows_its_configuration",
        &[
            ("CACHE_EVICTION", "scan_resistant"),
            ("CACHE_MAX_ENTRIES", "7"),
            ("CACHE_MAX_MEMORY_MB", "2"),
            ("CACHE_TTL_SECONDS", "60"),
            ("CACHE_FN_CONFIGURED_TTL", "5m"),
        ],
    );
    assert!(
        out.contains("max_bytes: Some(2097152), max_entries: Some(7), ttl: Some(60s)"),
        "{out}"
    );
    assert!(out.contains("hits: 1, misses: 1") && out.contains("ttl Some(300s)"), "{out}");
    assert!(out.contains("eviction: ScanResistant"), "{out}");
    assert!(!err.contains("warning"), "{err}");
}

#[test]
fn a_lifetime_from_the_environment_comes_before_what_functions_say_at_a_call() {
    for (variables, shows) in
        [(&[][..], "passing 0"), (&[("CACHE_FN_PASSING_TTL", "5m")], "passing 1")]
    {
        let (out, _) = shown("shows_its_configuration", variables);
        assert!(out.contains(shows), "{out}");
    }
}

#[test]
fn one_switch_turns_everything_off() {
    let (out, _) = shown("shows_its_configuration", &[("CACHE_ENABLED", "false")]);
    assert!(out.contains("enabled: false") && out.contains("hits: 0, misses: 2"), "{out}");
    let (out, _) = shown("shows_its_configuration", &[("CACHE_FN_CONFIGURED_ENABLED", "0")]);
    assert!(out.contains("enabled: true") && out.contains("hits: 0, misses: 2"), "{out}");
}

#[test]
fn hits_of_the_global_cache_are_compared_where_the_environment_says_so() {
    let warning = "warning: `counting` at ";
    let (out, err) = shown("calls_twice", &[]);
    assert!(out.contains("false Stats { hits: 2, misses: 1"), "{out}");
    assert!(!err.contains(warning), "{err}");
    let (out, err) = shown("calls_twice", &[("CACHE_VERIFY", "100%")]);
    assert!(out.contains("false Stats { hits: 2, misses: 1"), "{out}");
    assert!(out.contains("verified: 2, divergences: 2"), "{out}");
    assert_eq!(err.matches(warning).count(), 1, "{err}");
    let (out, err) = shown("calls_twice", &[("CACHE_VERIFY", "100%,fail")]);
    assert!(out.contains("true Stats { hits: 1, misses: 1"), "{out}");
    assert!(err.contains("has returned another result than is stored"), "{err}");
}

#[test]
fn bad_values_and_unknown_functions_are_reported_and_ignored() {
    let (out, err) = shown(
        "shows_its_configuration",
        &[
            ("CACHE_MAX_MEMORY_MB", "lots"),
            ("CACHE_FN_CONFIGURD_TTL", "5m"),
            ("CACHE_FN_CONFIGURED_TTL", "soon"),
        ],
    );
    assert!(out.contains("max_bytes: Some(268435456)") && out.contains("ttl Some(3600s)"), "{out}");
    for part in [
        "CACHE_MAX_MEMORY_MB=\"lots\" is ignored",
        "CACHE_FN_CONFIGURED_TTL=\"soon\" is ignored",
        "no cached function has that name",
    ] {
        assert!(err.contains(part), "{part} in\n{err}");
    }
}

#[test]
fn code_configures_before_first_use_and_the_environment_wins() {
    let (out, _) = shown("installs_from_code", &[("CACHE_MAX_ENTRIES", "9")]);
    assert!(
        out.contains("already in use")
            && out.contains("max_bytes: Some(1048576), max_entries: Some(9)"),
        "{out}"
    );
}
