//! Starts other processes.

use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// Runs a command to its end, which has to be a good one.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{}", errors.trim().trim_start_matches("error: "));
    }
    Ok(output)
}

pub(crate) fn is_installed(program: &str) -> bool {
    output(Command::new(program).arg("--version")).is_ok()
}
