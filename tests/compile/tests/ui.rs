//! What the compiler says about mistakes: one mistake a file, and how many errors it makes.
//!
//! The first line of a case is `// errors: N`, and what else there is to say about N. Its golden file has that many, so
//! that noise cannot be blessed by accident.
//! `TRYBUILD=overwrite cargo test -p cache-compile-tests` writes what the compiler says now; read it before you keep it.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_mistake_is_refused_where_it_is_made() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
fn what_is_no_mistake_compiles() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn every_case_has_as_many_errors_as_mistakes() {
    let cases = files("rs");
    assert!(cases.len() >= 80, "only {} cases", cases.len());
    let noisy: Vec<String> = cases.iter().filter_map(|case| noise(case)).collect();
    assert!(noisy.is_empty(), "{} of {}:\n{}", noisy.len(), cases.len(), noisy.join("\n"));
}

#[test]
fn no_golden_is_without_its_case() {
    for golden in files("stderr") {
        assert!(golden.with_extension("rs").exists(), "{} has no case", golden.display());
    }
}

fn files(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/fail");
    let entries = fs::read_dir(&folder).expect("the cases are in ui/fail");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// What is wrong with a case, if anything.
fn noise(case: &Path) -> Option<String> {
    let name = case.file_stem().expect("a file has a name").display();
    let source = fs::read_to_string(case).expect("a case can be read");
    let Some(n_expected) = source.lines().next().and_then(expected) else {
        return Some(format!("{name}: the first line is not `// errors: N`"));
    };
    let Ok(golden) = fs::read_to_string(case.with_extension("stderr")) else {
        return Some(format!("{name}: there is no golden file"));
    };
    let errors: Vec<&str> = golden.lines().filter(|line| is_error(line)).collect();
    (errors.len() != n_expected).then(|| {
        format!("{name}: {} errors, not {n_expected}\n    {}", errors.len(), errors.join("\n    "))
    })
}

fn expected(line: &str) -> Option<usize> {
    line.strip_prefix("// errors: ")?.split(' ').next()?.parse().ok()
}

fn is_error(line: &str) -> bool {
    line.starts_with("error") && !line.starts_with("error: aborting due to")
}
