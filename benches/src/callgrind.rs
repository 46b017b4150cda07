//! Counts instructions with valgrind's callgrind, and says where they are spent.
//!
//! Only what runs inside of [`counted_calls`](crate::measure) is counted, so that filling a cache and
//! starting a process are not.

use std::{collections::HashMap, env, fs, path::Path, process};

use anyhow::{Context, Result};

use crate::run::{is_installed, output};

/// How many calls instructions are counted over.
const N_CALLS: u32 = 20_000;

/// How many lines a table of the profile has.
const N_LINES: usize = 25;

/// Whether instructions can be counted here.
pub(crate) fn is_available() -> bool {
    is_installed("valgrind")
}

/// Instructions a call.
pub(crate) fn instructions(program: &Path, contestant: &str, workload: &str) -> Result<f64> {
    let output = output(&mut callgrind(program, contestant, workload, Path::new("/dev/null")))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected :"));
    let (_, n_instructions) = collected.context("callgrind collected nothing")?;
    Ok(n_instructions.trim().parse::<f64>()? / f64::from(N_CALLS))
}

/// Prints where the instructions of a call are spent.
pub(crate) fn profile(program: &Path, contestant: &str, workload: &str) -> Result<()> {
    let file = env::temp_dir().join(format!("bench-{}.callgrind", process::id()));
    output(&mut callgrind(program, contestant, workload, &file))?;
    let text = fs::read_to_string(&file).context("callgrind left no profile")?;
    fs::remove_file(&file)?;
    let profile = Profile::read(&text);
    println!("{contestant} {workload}: {:.1} instructions a call", profile.total / calls());
    table("in the function itself", &profile.by_function);
    // What spends all of it is only on the way to the calls.
    let total = profile.total;
    let inclusive = profile.inclusive.into_iter().filter(|(_, cost)| *cost < total).collect();
    table("in the function and what it calls", &inclusive);
    table("in the file, wherever it was inlined", &profile.by_file);
    table("in the line, wherever it was inlined", &profile.by_line);
    Ok(())
}

fn callgrind(program: &Path, contestant: &str, workload: &str, out: &Path) -> process::Command {
    let mut command = process::Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .args(["--collect-atstart=no", "--toggle-collect=*measure::counted_calls*"])
        .arg(program)
        .args(["run", contestant, workload, "--calls", &N_CALLS.to_string()]);
    command
}

fn calls() -> f64 {
    f64::from(N_CALLS)
}

fn table(title: &str, costs: &HashMap<String, f64>) {
    let mut costs: Vec<(&String, f64)> =
        costs.iter().map(|(name, cost)| (name, cost / calls())).collect();
    costs.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(other.0)));
    println!("\n{title}");
    for (name, cost) in costs.into_iter().take(N_LINES).filter(|(_, cost)| *cost >= 0.1) {
        println!("{cost:>8.1}  {name}");
    }
}

/// Instructions by what they belong to.
#[derive(Debug, Default)]
struct Profile {
    total: f64,
    by_function: HashMap<String, f64>,
    inclusive: HashMap<String, f64>,
    by_file: HashMap<String, f64>,
    by_line: HashMap<String, f64>,
}

impl Profile {
    /// Reads callgrind's own format, in which a name is written once and a number stands for it
    /// afterwards, and a line is a distance to the one before.
    fn read(text: &str) -> Profile {
        let mut profile = Profile::default();
        let (mut files, mut functions) = (Names::default(), Names::default());
        let (mut file, mut function) = (String::new(), String::new());
        let mut line_number = 0;
        let mut is_call = false;
        for line in text.lines() {
            if let Some((what, name)) = line.split_once('=') {
                match what {
                    "fl" | "fi" | "fe" => file = short(&files.resolve(name)),
                    "fn" => function = functions.resolve(name),
                    // Named only so that their numbers are known later.
                    "cfi" | "cfl" => _ = files.resolve(name),
                    "cfn" => _ = functions.resolve(name),
                    "calls" => is_call = true,
                    _ => {}
                }
                continue;
            }
            let Some((position, cost)) = line.split_once(' ') else { continue };
            let Ok(cost) = cost.trim().parse::<f64>() else { continue };
            line_number = match position.split_at_checked(1) {
                Some(("+", distance)) => line_number + distance.parse().unwrap_or(0),
                Some(("-", distance)) => line_number - distance.parse().unwrap_or(0),
                Some(("*", "")) => line_number,
                _ => match position.parse::<i64>() {
                    Ok(line_number) => line_number,
                    Err(_) => continue,
                },
            };
            *profile.inclusive.entry(function.clone()).or_default() += cost;
            if !std::mem::take(&mut is_call) {
                profile.total += cost;
                *profile.by_function.entry(function.clone()).or_default() += cost;
                *profile.by_file.entry(file.clone()).or_default() += cost;
                *profile.by_line.entry(format!("{file}:{line_number}")).or_default() += cost;
            }
        }
        profile
    }
}

/// Names that are abbreviated as `(7)` after they were introduced as `(7) name`.
#[derive(Debug, Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn resolve(&mut self, text: &str) -> String {
        match text.split_once(' ') {
            Some((number, name)) if number.starts_with('(') => {
                self.0.insert(number.to_owned(), name.to_owned());
                name.to_owned()
            }
            _ => self.0.get(text).cloned().unwrap_or_else(|| text.to_owned()),
        }
    }
}

/// The last parts of a path, which tell the files apart.
fn short(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    parts[parts.len().saturating_sub(4)..].join("/")
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn instructions_belong_to_their_function_their_file_and_their_line() {
        let profile = Profile::read(
            "events: Ir\n\
             fl=(1) a/b/c/d/call.rs\n\
             fn=(1) get\n\
             10 5\n\
             +2 3\n\
             fi=(2) key.rs\n\
             7 4\n\
             fe=(1)\n\
             cfn=(2) clone\n\
             calls=1 0\n\
             * 20\n\
             fl=(2)\n\
             fn=(2)\n\
             9 20\n",
        );
        assert_eq!(profile.total, 32.0);
        assert_eq!((profile.by_function["get"], profile.by_function["clone"]), (12.0, 20.0));
        assert_eq!((profile.inclusive["get"], profile.inclusive["clone"]), (32.0, 20.0));
        assert_eq!((profile.by_file["b/c/d/call.rs"], profile.by_file["key.rs"]), (8.0, 24.0));
        assert_eq!(profile.by_line["b/c/d/call.rs:12"], 3.0);
    }
}
