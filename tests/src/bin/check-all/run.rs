//! Runs commands one after the other and says what each was for and how long it took.

use std::{
    fmt,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// How many of the last lines of a failed command's output are shown.
const TAIL: usize = 60;

/// The state of a whole run.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    root: &'a Path,
    started: Instant,
    n_tests: usize,
}

/// A command and what it is for.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    command: Command,
}

impl<'a> Run<'a> {
    pub(crate) fn new(root: &'a Path) -> Run<'a> {
        Run { root, started: now(), n_tests: 0 }
    }

    pub(crate) fn root(&self) -> &'a Path {
        self.root
    }

    /// Runs a command that must succeed.
    pub(crate) fn step(&mut self, step: Step) -> Result<()> {
        self.output(step).map(drop)
    }

    /// Runs a test command: its tests must pass, and none may be left out.
    pub(crate) fn tests(&mut self, step: Step) -> Result<()> {
        let command = step.to_string();
        let output = self.output(step)?;
        let tally = Tally::of(&output)?;
        if tally.n_ignored > 0 {
            let ignored: Vec<&str> =
                output.lines().filter(|line| line.contains("... ignored")).collect();
            bail!("`{command}` ignored tests:\n{}", ignored.join("\n"));
        }
        ensure!(tally.n_passed > 0, "`{command}` ran no test");
        println!("{:24}{} passed", "", tally.n_passed);
        self.n_tests += tally.n_passed;
        Ok(())
    }

    /// Says what was found without running a command.
    pub(crate) fn note(&self, name: &str, what: &str) {
        println!("{name:<24}{what}");
    }

    /// Ends a run in which everything held.
    pub(crate) fn close(self: &mut Run<'a>) -> Result<()> {
        println!("\nEverything holds, after {}.\n", seconds(self.started.elapsed()));
        println!("{} passed, 0 failed", self.n_tests);
        Ok(())
    }

    fn output(&mut self, mut step: Step) -> Result<String> {
        print!("{:<24}", step.name);
        std::io::stdout().flush()?;
        let started = now();
        let output = step
            .command
            .current_dir(self.root)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run `{step}`"))?;
        println!("{:>8}  {step}", seconds(started.elapsed()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let lines: Vec<&str> = text.lines().collect();
            for line in failures(&lines).chain(&lines[lines.len().saturating_sub(TAIL)..]) {
                eprintln!("{line}");
            }
            bail!("`{step}` failed: {}", output.status);
        }
        Ok(text)
    }
}

impl Step {
    /// A step from a command line whose words hold no spaces.
    pub(crate) fn new(name: &str, command_line: &str) -> Step {
        let mut words = command_line.split_whitespace();
        let mut command = Command::new(words.next().expect("a command line names a program"));
        command.args(words);
        Step { name: name.to_owned(), command }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Step {
        self.command.env(name, value);
        self
    }
}

/// The command as a person would type it.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                write!(f, "{}='{}' ", name.display(), value.display())?;
            }
        }
        write!(f, "{}", self.command.get_program().display())?;
        for arg in self.command.get_args() {
            write!(f, " {}", arg.display())?;
        }
        Ok(())
    }
}

/// What the test binaries of one command say at their ends.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    n_passed: usize,
    n_ignored: usize,
}

impl Tally {
    fn of(output: &str) -> Result<Tally> {
        let mut tally = Tally::default();
        for line in output.lines().filter_map(|line| line.strip_prefix("test result: ok. ")) {
            tally.n_passed += count(line, "passed")?;
            tally.n_ignored += count(line, "ignored")?;
        }
        Ok(tally)
    }
}

/// What the test binaries of one command print of tests that failed, which other binaries' output
/// follows.
fn failures<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = &'a &'a str> {
    let mut is_failure = false;
    lines.iter().filter(move |line| {
        is_failure = **line == "failures:" || is_failure && !line.starts_with("test result:");
        is_failure
    })
}

/// The number before `what` in `3 passed; 0 failed; 1 ignored; …`.
fn count(line: &str, what: &str) -> Result<usize> {
    line.split("; ")
        .find_map(|part| part.strip_suffix(what))
        .and_then(|number| number.trim().parse().ok())
        .with_context(|| format!("`test result: ok. {line}` does not say how many {what}"))
}

/// The installed toolchain for a version such as `1.88`.
pub(crate) fn toolchain(version: &str) -> Option<String> {
    let output = Command::new("rustup").args(["toolchain", "list"]).output().ok()?;
    let list = String::from_utf8(output.stdout).ok()?;
    list.split_whitespace()
        .find(|name| name.strip_prefix(version).is_some_and(|rest| rest.starts_with(['.', '-'])))
        .map(str::to_owned)
}

/// Whether a program is there to tell its version.
pub(crate) fn is_installed(program: &str, version: &str) -> bool {
    Command::new(program)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "this program times other programs")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::{Tally, failures};

    #[test]
    fn what_failed_is_found_among_what_passed() {
        let output = [
            "test a ... ok",
            "failures:",
            "---- b stdout ----",
            "panicked",
            "failures:",
            "    b",
            "test result: FAILED. 1 passed; 1 failed",
            "test c ... ok",
        ];
        assert_eq!(failures(&output).copied().collect::<Vec<_>>(), &output[1..6]);
    }

    #[test]
    fn tests_are_counted_over_all_binaries() {
        let output = "\
running 3 tests
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
   Doc-tests cache_core
test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 4.10s
";
        assert_eq!(Tally::of(output).unwrap(), Tally { n_passed: 15, n_ignored: 2 });
    }
}
