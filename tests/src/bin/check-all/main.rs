//! Checks everything that must hold before a change lands: `cargo check-all`.
//!
//! Steps run in order and the first one that fails ends the run with the command that failed and
//! the end of what it printed. The last line counts the tests that passed.

mod policy;
mod run;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result};
use lexopt::prelude::*;

use crate::{
    policy::Metadata,
    run::{Run, Step},
};

const HELP: &str = "\
Checks everything that must hold before a change lands.

Usage: cargo check-all [--quick]

  --quick   leave out the fixture crate, the sets of features, models and the sanitizer
  --help    print this";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a member");
    let outcome = quick().and_then(|quick| match quick {
        Some(quick) => check(&mut Run::new(root), quick),
        None => {
            println!("{HELP}");
            Ok(())
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the slow steps are left out; `None` where the user asked for help.
fn quick() -> Result<Option<bool>> {
    let mut quick = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("quick") => quick = true,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(quick))
}

fn check(run: &mut Run<'_>, quick: bool) -> Result<()> {
    run.step(Step::new("formatting", "cargo fmt --all --check"))?;
    // They stand outside the workspace, and building them takes minutes.
    run.step(Step::new(
        "benches formatting",
        "cargo fmt --manifest-path benches/Cargo.toml --all --check",
    ))?;
    run.step(Step::new(
        "lints",
        "cargo clippy --workspace --all-features --all-targets -- -D warnings",
    ))?;
    run.step(
        Step::new("documentation", "cargo doc --workspace --all-features --no-deps")
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    servers(run)?;
    run.tests(Step::new("tests", "cargo test --workspace --all-features --no-fail-fast"))?;
    let metadata = Metadata::read(run.root())?;
    if !quick {
        guest(run)?;
        features(run, &metadata)?;
        models(run)?;
        address_sanitizer(run)?;
    }
    minimum_version(run, &metadata)?;
    dependencies(run, &metadata)?;
    run.close()
}

/// The programs that tests start: there is no test of Redis without Redis, and none of a page without a browser.
fn servers(run: &mut Run<'_>) -> Result<()> {
    for (program, version) in
        [("redis-server", "--version"), ("openssl", "version"), ("chromium", "--version")]
    {
        if !run::is_installed(program, version) {
            run.step(Step::new(program, &format!("apt-get install --yes {program}"))).with_context(
                || format!("tests start `{program}`; install it, on Debian with `apt-get install {program}`"),
            )?;
        }
    }
    Ok(())
}

/// The fixture crate, which stands outside the workspace as a user's crate would.
fn guest(run: &mut Run<'_>) -> Result<()> {
    let manifest = "--manifest-path fixtures/guest/Cargo.toml";
    let fmt = format!("cargo fmt {manifest} --all --check");
    let clippy = format!("cargo clippy {manifest} --workspace --all-targets -- -D warnings");
    let test = format!("cargo test {manifest} --workspace");
    run.step(Step::new("guest formatting", &fmt))?;
    run.step(Step::new("guest lints", &clippy))?;
    run.tests(Step::new("guest tests", &test))
}

fn features(run: &mut Run<'_>, metadata: &Metadata) -> Result<()> {
    for features in metadata.feature_sets()? {
        let clippy = format!(
            "cargo clippy --package cache-core --no-default-features --features={features} -- -D warnings"
        );
        run.step(Step::new(&format!("features [{features}]"), &clippy))?;
    }
    Ok(())
}

/// The parts without locks in every order of their steps, and whole calls under many schedules.
fn models(run: &mut Run<'_>) -> Result<()> {
    let lock_free = "cargo test --package cache-core --test lock_free";
    let schedules = "cargo test --package cache-core --lib schedules";
    run.tests(Step::new("model of reads", lock_free).env("RUSTFLAGS", "--cfg loom -D warnings"))?;
    run.tests(Step::new("model of calls", schedules).env("RUSTFLAGS", "--cfg shuttle -D warnings"))
}

/// The stress tests again, by a program that notices reads of what was freed. A stable compiler can do it when asked.
fn address_sanitizer(run: &mut Run<'_>) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        run.note("address sanitizer", "runs on Linux on x86-64 only");
        return Ok(());
    }
    // With a target, neither build scripts nor macros are instrumented.
    let test = "cargo test --package cache-concurrency-tests --target x86_64-unknown-linux-gnu";
    run.tests(
        Step::new("address sanitizer", test)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zsanitizer=address"),
    )
}

/// Clippy has already refused every API of `std` that is newer than `rust-version`; a compiler of
/// that version says the rest, where there is one.
fn minimum_version(run: &mut Run<'_>, metadata: &Metadata) -> Result<()> {
    let version = metadata.rust_version()?;
    let name = format!("Rust {version}");
    match run::toolchain(version) {
        Some(toolchain) => run.step(Step::new(
            &name,
            &format!("rustup run {toolchain} cargo check --workspace --lib"),
        )),
        None => {
            let note =
                "checked by clippy's `incompatible_msrv` alone: no such toolchain is installed";
            run.note(&name, note);
            Ok(())
        }
    }
}

fn dependencies(run: &mut Run<'_>, metadata: &Metadata) -> Result<()> {
    let summary = policy::check(run.root(), metadata).context("the dependency policy is broken")?;
    run.note("dependencies", &summary);
    if run::is_installed("cargo-deny", "--version") {
        // Advisories change without the project changing, so they are no part of a change's check.
        run.step(Step::new("cargo-deny", "cargo deny check bans licenses sources"))?;
    }
    Ok(())
}
