//! What the default dependency tree of `cache-core` may hold: few crates, under known licences,
//! for no newer Rust than ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// How large a user's tree may become, `cache-core` and `cache-macros` included.
const MAX_CRATES: usize = 14;

/// What `cargo metadata` says about the workspace and everything it depends on.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    rust_version: Option<String>,
    features: BTreeMap<String, Vec<String>>,
}

/// The part of `deny.toml` that also holds without cargo-deny.
#[derive(Debug, Deserialize)]
struct Policy {
    licenses: Licenses,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

impl Metadata {
    pub(crate) fn read(root: &Path) -> Result<Metadata> {
        let json = cargo(root, &["metadata", "--format-version=1", "--locked"])?;
        serde_json::from_str(&json).context("cannot read the output of `cargo metadata`")
    }

    /// The oldest Rust that the project promises to compile with.
    pub(crate) fn rust_version(&self) -> Result<&str> {
        self.package("cache-core")?.rust_version.as_deref().context("no `rust-version` is stated")
    }

    /// Sets of `cache-core`'s features as comma-separated lists: none, and each with what it brings
    /// along. All of them together are checked elsewhere, and all sets would take too long.
    pub(crate) fn feature_sets(&self) -> Result<BTreeSet<String>> {
        let features = &self.package("cache-core")?.features;
        let with_brought = |feature: &String| {
            let mut set = BTreeSet::new();
            let mut names = vec![feature.as_str()];
            while let Some(name) = names.pop() {
                if let Some(brought) = features.get(name).filter(|_| set.insert(name)) {
                    names.extend(brought.iter().map(String::as_str));
                }
            }
            Vec::from_iter(set).join(",")
        };
        let of_each = features.keys().filter(|feature| *feature != "default").map(with_brought);
        Ok(of_each.chain([String::new()]).collect())
    }

    fn package(&self, name: &str) -> Result<&Package> {
        self.packages
            .iter()
            .find(|package| package.name == name)
            .with_context(|| format!("`cargo metadata` does not list {name}"))
    }

    /// Everything that a user of `cache-core` with default features compiles.
    fn default_tree(&self, root: &Path) -> Result<Vec<&Package>> {
        let tree =
            ["tree", "--locked", "--package=cache-core", "--edges=normal,build", "--prefix=none"];
        let tree = cargo(root, &tree)?;
        let crates: BTreeSet<(&str, &str)> = tree
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?, words.next()?.trim_start_matches('v')))
            })
            .collect();
        let is_in_tree = |package: &&Package| crates.contains(&(&*package.name, &*package.version));
        let packages: Vec<&Package> = self.packages.iter().filter(is_in_tree).collect();
        ensure!(packages.len() == crates.len(), "`cargo tree` and `cargo metadata` differ");
        Ok(packages)
    }
}

/// Holds the default tree to the policy and says in one line what it found.
pub(crate) fn check(root: &Path, metadata: &Metadata) -> Result<String> {
    let policy = fs::read_to_string(root.join("deny.toml")).context("cannot read `deny.toml`")?;
    let policy: Policy = toml::from_str(&policy).context("cannot read `deny.toml`")?;
    let oldest_rust = metadata.rust_version()?;
    let tree = metadata.default_tree(root)?;
    for package in &tree {
        let Package { name, version, license, rust_version, .. } = package;
        let license =
            license.as_deref().with_context(|| format!("{name} {version} states no licence"))?;
        ensure!(
            is_allowed(license, &policy.licenses.allow)?,
            "{name} {version} is licensed under `{license}`, which `deny.toml` does not allow"
        );
        if let Some(needed) = rust_version {
            ensure!(
                release(needed)? <= release(oldest_rust)?,
                "{name} {version} needs Rust {needed}, newer than our {oldest_rust}"
            );
        }
    }
    let n_crates = tree.len();
    ensure!(
        n_crates <= MAX_CRATES,
        "cache-core compiles {n_crates} crates, more than {MAX_CRATES}"
    );
    Ok(format!(
        "{n_crates} crates by default (at most {MAX_CRATES}), licences allowed, none needs more than Rust {oldest_rust}"
    ))
}

fn is_allowed(license: &str, allow: &BTreeSet<String>) -> Result<bool> {
    let expression = spdx::Expression::parse_mode(license, spdx::ParseMode::LAX)?;
    Ok(expression.evaluate(|term| term.license.id().is_some_and(|id| allow.contains(id.name))))
}

/// `1.88` and `1.88.0` as the same three numbers.
fn release(version: &str) -> Result<[u32; 3]> {
    let mut release = [0; 3];
    for (number, part) in release.iter_mut().zip(version.split('.')) {
        *number = part.parse().with_context(|| format!("`{version}` is no version of Rust"))?;
    }
    Ok(release)
}

fn cargo(root: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("cargo").args(args).current_dir(root).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`cargo {}` failed:\n{errors}", args.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_licence_of_several_is_enough() {
        let allow = BTreeSet::from(["MIT".to_owned()]);
        for (license, allowed) in [
            ("MIT", true),
            ("Apache-2.0/MIT", true),
            ("MIT AND Zlib", false),
            ("(MIT OR Apache-2.0) AND Zlib", false),
            ("GPL-3.0-only", false),
        ] {
            assert_eq!(is_allowed(license, &allow).unwrap(), allowed, "{license}");
        }
    }

    #[test]
    fn a_version_without_patch_is_its_first_release() {
        assert_eq!(release("1.88").unwrap(), release("1.88.0").unwrap());
        assert!(release("1.88").unwrap() > release("1.9.5").unwrap());
    }
}
