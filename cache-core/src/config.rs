//! Limits and lifetimes from code and from the environment.
//!
//! Three places can set a value. The environment wins over code, so that whoever runs the program has the last word,
//! and a call at run time wins over both.
//! A value that makes no sense is ignored with a warning that names it and says what is used instead.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::background::MAX_RELOADS;
use crate::function::Overrides;
use crate::health::Thresholds;
use crate::ranking::Eviction;
use crate::sync::Arc;
use crate::verify::Verify;

const DEFAULT_MAX_BYTES: usize = 256 << 20;

/// What is set before a cache exists.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) enabled: bool,
    pub(crate) max_bytes: Option<usize>,
    pub(crate) max_entries: Option<usize>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) exact_order: bool,
    pub(crate) tiers: TierSettings,
    pub(crate) max_reloads: usize,
    pub(crate) eviction: Eviction,
    pub(crate) thresholds: Thresholds,
    pub(crate) verify: Verify,
    /// By the name that the environment uses.
    pub(crate) functions: BTreeMap<String, Overrides>,
    pub(crate) warnings: Vec<String>,
}

/// What is said about the tiers behind the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TierSettings {
    /// For all functions, in the place of what they say.
    pub(crate) backend: Option<Backend>,
    /// A tier of the user's own, for all functions.
    pub(crate) custom: Option<Custom>,
    pub(crate) directory: Option<PathBuf>,
    /// Of all files together.
    pub(crate) max_bytes: Option<usize>,
    pub(crate) redis_url: Option<String>,
    /// Tells programs apart that share a tier.
    pub(crate) namespace: Option<String>,
    /// For how long a process may be without news of the others.
    pub(crate) lease: Option<Duration>,
    /// How much of what was used most is loaded ahead of the calls, if any is,
    pub(crate) warm_bytes: Option<usize>,
    /// and for how long.
    pub(crate) warm_time: Option<Duration>,
}

/// Where results are kept, of every function alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Nowhere: every call runs its body.
    None,
    /// In memory alone, also those of functions with `disk` or `redis`.
    Memory,
    /// In memory, and in files.
    Filesystem,
    /// In memory, and in Redis.
    Redis,
    /// In memory, in files, and in Redis.
    Tiered,
}

/// A tier of the user's own, whose type the feature `tiers` knows.
#[derive(Clone)]
pub(crate) struct Custom(pub(crate) Arc<dyn Any + Send + Sync>);

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Custom {}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custom")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_bytes: Some(DEFAULT_MAX_BYTES),
            max_entries: None,
            ttl: None,
            exact_order: false,
            tiers: TierSettings::default(),
            max_reloads: MAX_RELOADS,
            eviction: Eviction::Lru,
            thresholds: Thresholds::default(),
            verify: Verify::default(),
            functions: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }
}

impl Settings {
    /// Applies the variables of an environment. Those that are not about the cache are passed over.
    pub(crate) fn with_env(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        // In the order of their names: the warnings of two runs read the same.
        for (name, value) in variables.into_iter().collect::<BTreeMap<_, _>>() {
            match name.as_str() {
                "CACHE_ENABLED" => self.enabled = self.parse(&name, &value, switch, self.enabled),
                "CACHE_EVICTION" => {
                    self.eviction = self.parse(&name, &value, eviction, self.eviction)
                }
                "CACHE_MAX_ENTRIES" => {
                    self.max_entries = self.parse(&name, &value, some(count), self.max_entries)
                }
                "CACHE_MAX_MEMORY_MB" => {
                    let now = self.max_bytes.map(Bytes);
                    let max = self.parse(&name, &value, some(mebibytes), now);
                    self.max_bytes = max.map(|bytes| bytes.0);
                }
                "CACHE_TTL_SECONDS" => {
                    self.ttl = self.parse(&name, &value, some(duration), self.ttl)
                }
                "CACHE_BACKEND" => {
                    let now = self.tiers.backend;
                    let backend = self.parse(&name, &value, some(backend), now);
                    self.set_backend(backend);
                }
                "CACHE_DIR" => self.tiers.directory = Some(value.into()),
                "CACHE_LEASE" => {
                    let now = self.tiers.lease;
                    self.tiers.lease = self.parse(&name, &value, some(duration), now);
                }
                "CACHE_MAX_SIZE_MB" => {
                    let now = self.tiers.max_bytes.map(Bytes);
                    let max = self.parse(&name, &value, some(mebibytes), now);
                    self.tiers.max_bytes = max.map(|bytes| bytes.0);
                }
                "CACHE_VERIFY" => self.verify = self.parse(&name, &value, verify, self.verify),
                "CACHE_NAMESPACE" => self.tiers.namespace = Some(value),
                "CACHE_WARM_START_MB" => {
                    let now = self.tiers.warm_bytes.map(Bytes);
                    let max = self.parse(&name, &value, some(mebibytes), now);
                    self.tiers.warm_bytes = max.map(|bytes| bytes.0);
                }
                "CACHE_WARM_START_SECONDS" => {
                    let now = self.tiers.warm_time;
                    self.tiers.warm_time = self.parse(&name, &value, some(duration), now);
                }
                "REDIS_URL" => self.tiers.redis_url = Some(value),
                _ => {
                    if let Some(rest) = name.strip_prefix("CACHE_FN_") {
                        self.apply_to_function(&name, rest, &value);
                    }
                }
            }
        }
        self
    }

    /// Chooses where results are kept.
    pub(crate) fn set_backend(&mut self, backend: Option<Backend>) {
        self.tiers.backend = backend;
        self.enabled &= backend != Some(Backend::None);
    }

    fn apply_to_function(&mut self, name: &str, rest: &str, value: &str) {
        let mut parsed = Overrides::default();
        let function = if let Some(function) = rest.strip_suffix("_TTL") {
            parsed.ttl = self.parse(name, value, some(duration), None);
            function
        } else if let Some(function) = rest.strip_suffix("_MAX_ENTRIES") {
            parsed.max_entries = self.parse(name, value, some(count), None);
            function
        } else if let Some(function) = rest.strip_suffix("_ENABLED") {
            parsed.enabled = self.parse(name, value, some(switch), None);
            function
        } else {
            self.warnings.push(format!(
                "{name} is ignored: a function has CACHE_FN_<NAME>_TTL, CACHE_FN_<NAME>_MAX_ENTRIES and \
                 CACHE_FN_<NAME>_ENABLED"
            ));
            return;
        };
        let overrides = self.functions.entry(function.to_owned()).or_default();
        overrides.ttl = parsed.ttl.or(overrides.ttl);
        overrides.max_entries = parsed.max_entries.or(overrides.max_entries);
        overrides.enabled = parsed.enabled.or(overrides.enabled);
    }

    fn parse<T: Show>(
        &mut self,
        name: &str,
        value: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
        now: T,
    ) -> T {
        match parse(value.trim()) {
            Ok(value) => value,
            Err(wanted) => {
                self.warnings.push(format!(
                    "{name}={value:?} is ignored: {wanted}; {} is used instead",
                    now.show()
                ));
                now
            }
        }
    }

    /// What the environment says about a function of this name.
    pub(crate) fn overrides(&self, name: &str) -> Overrides {
        self.functions.get(&env_name(name)).cloned().unwrap_or_default()
    }

    /// Warns of functions that the environment speaks of and the program does not have.
    pub(crate) fn check_functions(&mut self, known: impl Iterator<Item = &'static str>) {
        let known: Vec<String> = known.map(env_name).collect();
        // Without link-time collection nothing is known yet, and a warning would be wrong.
        if known.is_empty() {
            return;
        }
        // Layers are known when they are made.
        let unless = if cfg!(feature = "http") { ", unless a `ResponseLayer` has it" } else { "" };
        for name in self.functions.keys().filter(|name| !known.contains(name)) {
            self.warnings.push(format!(
                "CACHE_FN_{name}_… is ignored: no cached function has that name{unless}; there are {}",
                known.join(", ")
            ));
        }
    }
}

/// How the environment spells a function's name: `img:render` is `IMG_RENDER`.
fn env_name(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect()
}

/// How a warning names the value that is used instead.
trait Show {
    fn show(&self) -> String;
}

impl Show for bool {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Show for Eviction {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for Verify {
    fn show(&self) -> String {
        let fail = if self.fails { ",fail" } else { "" };
        format!("{}%{fail}", 100.0 * self.share)
    }
}

impl Show for usize {
    fn show(&self) -> String {
        self.to_string()
    }
}

/// A number of bytes, which the environment counts in mebibytes.
struct Bytes(usize);

impl Show for Bytes {
    fn show(&self) -> String {
        format!("{} MiB", self.0 as f64 / f64::from(1 << 20))
    }
}

impl Show for Backend {
    fn show(&self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

impl Show for Duration {
    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map_or("the default".to_owned(), T::show)
    }
}

fn some<T>(
    parse: fn(&str) -> Result<T, &'static str>,
) -> impl Fn(&str) -> Result<Option<T>, &'static str> {
    move |value| parse(value).map(Some)
}

fn switch(value: &str) -> Result<bool, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("it must be true or false"),
    }
}

fn eviction(value: &str) -> Result<Eviction, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "lru" => Ok(Eviction::Lru),
        "scan_resistant" => Ok(Eviction::ScanResistant),
        _ => Err("it must be lru or scan_resistant"),
    }
}

fn verify(value: &str) -> Result<Verify, &'static str> {
    let wanted = "it must be a share of the hits such as 1%, or 1%,fail to have calls panic";
    let (share, fails) = match value.split_once(',') {
        None => (value, false),
        Some((share, "fail")) => (share, true),
        Some(_) => return Err(wanted),
    };
    let percent: f64 = share.strip_suffix('%').and_then(|it| it.parse().ok()).ok_or(wanted)?;
    if (0.0..=100.0).contains(&percent) {
        Ok(Verify { share: percent / 100.0, fails })
    } else {
        Err(wanted)
    }
}

fn count(value: &str) -> Result<usize, &'static str> {
    value
        .parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or("it must be a whole number above 0 (CACHE_ENABLED=false turns caching off)")
}

fn mebibytes(value: &str) -> Result<Bytes, &'static str> {
    let wanted = "it must be a number of mebibytes above 0 (CACHE_ENABLED=false turns caching off)";
    let mebibytes: f64 = value.parse().map_err(|_| wanted)?;
    let bytes = mebibytes * f64::from(1 << 20);
    // The cast saturates, which is what a limit beyond the address space means.
    if bytes >= 1.0 { Ok(Bytes(bytes as usize)) } else { Err(wanted) }
}

fn backend(value: &str) -> Result<Backend, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "none" => Ok(Backend::None),
        "memory" => Ok(Backend::Memory),
        "filesystem" => Ok(Backend::Filesystem),
        "redis" => Ok(Backend::Redis),
        "tiered" => Ok(Backend::Tiered),
        _ => Err("it must be none, memory, filesystem, redis or tiered"),
    }
}

/// `600` in seconds, `250ms`, `1h30m`.
fn duration(value: &str) -> Result<Duration, &'static str> {
    const WANTED: &str = "it must be whole seconds or a duration such as 250ms, 5m or 1h30m";
    if let Ok(seconds) = value.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = value;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0).ok_or(WANTED)?;
        let (number, unit_on) = rest.split_at(digits);
        let unit_end = unit_on.find(|c: char| c.is_ascii_digit()).unwrap_or(unit_on.len());
        let (unit, next) = unit_on.split_at(unit_end);
        let number: u64 = number.parse().map_err(|_| WANTED)?;
        let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
        let part = match unit {
            "ms" => Some(Duration::from_millis(number)),
            "s" => seconds(1),
            "m" => seconds(60),
            "h" => seconds(60 * 60),
            "d" => seconds(24 * 60 * 60),
            _ => None,
        };
        total = total.checked_add(part.ok_or(WANTED)?).ok_or(WANTED)?;
        rest = next;
    }
    if value.is_empty() { Err(WANTED) } else { Ok(total) }
}

/// How a cache is set up now, as [`Cache::config`](crate::Cache::config) tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Whether anything is cached.
    pub enabled: bool,
    /// The limit on bytes, if there is one.
    pub max_bytes: Option<usize>,
    /// The limit on entries, if there is one.
    pub max_entries: Option<usize>,
    /// The lifetime of results whose function says none.
    pub ttl: Option<Duration>,
    /// Whether the order of use is kept exactly however many entries there are.
    pub exact_order: bool,
    /// Which entries go first.
    pub eviction: Eviction,
    /// The share of the hits that are compared with fresh results.
    pub verify: f64,
    /// What was wrong with the environment.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Settings {
        Settings::default()
            .with_env(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())))
    }

    #[test]
    fn the_environment_sets_limits_and_lifetimes() {
        let settings = with(&[
            ("CACHE_ENABLED", "off"),
            ("CACHE_EVICTION", "scan_resistant"),
            ("CACHE_VERIFY", "0.5%,fail"),
            ("CACHE_MAX_ENTRIES", "500"),
            ("CACHE_MAX_MEMORY_MB", "1.5"),
            ("CACHE_TTL_SECONDS", "90"),
            ("CACHE_FN_RENDER_PAGE_TTL", "1h30m"),
            ("CACHE_FN_RENDER_PAGE_MAX_ENTRIES", "7"),
            ("CACHE_FN_PRICE_ENABLED", "false"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(settings.warnings, [""; 0]);
        assert!(!settings.enabled);
        assert_eq!(settings.eviction, Eviction::ScanResistant);
        assert_eq!(settings.verify, Verify { share: 0.005, fails: true });
        assert_eq!(settings.max_entries, Some(500));
        assert_eq!(settings.max_bytes, Some(3 << 19));
        assert_eq!(settings.ttl, Some(Duration::from_secs(90)));
        let page = settings.overrides("render_page");
        assert_eq!(
            (page.ttl, page.max_entries, page.enabled),
            (Some(Duration::from_secs(5400)), Some(7), None)
        );
        assert_eq!(settings.overrides("price").enabled, Some(false));
    }

    #[test]
    fn a_bad_value_is_named_with_what_is_used_instead() {
        let settings = with(&[
            ("CACHE_MAX_ENTRIES", "many"),
            ("CACHE_MAX_MEMORY_MB", "-3"),
            ("CACHE_ENABLED", "perhaps"),
            ("CACHE_EVICTION", "lirs"),
            ("CACHE_VERIFY", "5"),
        ]);
        assert_eq!(settings.max_bytes, Some(DEFAULT_MAX_BYTES));
        let text = settings.warnings.join("\n");
        for part in [
            r#"CACHE_ENABLED="perhaps" is ignored: it must be true or false; true is used instead"#,
            r#"CACHE_MAX_ENTRIES="many" is ignored"#,
            "256 MiB is used instead",
            r#"CACHE_EVICTION="lirs" is ignored: it must be lru or scan_resistant; lru is used instead"#,
            r#"CACHE_VERIFY="5" is ignored: it must be a share of the hits such as 1%, or 1%,fail to have calls panic; 0% is used instead"#,
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn a_function_that_does_not_exist_is_reported() {
        let mut settings = with(&[("CACHE_FN_PROFLE_TTL", "5m"), ("CACHE_FN_PROFILE_SIZE", "5")]);
        settings.check_functions(["profile"].into_iter());
        let text = settings.warnings.join("\n");
        assert!(text.contains("CACHE_FN_PROFLE_… is ignored: no cached function"), "{text}");
        assert!(text.contains("; there are PROFILE"), "{text}");
        assert!(text.contains("CACHE_FN_PROFILE_SIZE is ignored"), "{text}");
    }

    #[test]
    fn a_share_of_the_hits_is_a_percentage_with_or_without_a_word() {
        let read = |value| verify(value).map(|it| (it.share, it.fails)).ok();
        assert_eq!(read("1%"), Some((0.01, false)));
        assert_eq!(read("100%,fail"), Some((1.0, true)));
        assert_eq!(read("0%"), Some((0.0, false)));
        for bad in ["", "%", "0.01", "101%", "-1%", "NaN%", "1%,", "1%,panic", "1%fail", "fail"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn durations_are_read_as_in_the_attribute() {
        let seconds = |value| duration(value).map(|span| span.as_secs_f64()).ok();
        assert_eq!(seconds("600"), Some(600.0));
        assert_eq!(seconds("250ms"), Some(0.25));
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("7d"), Some(604_800.0));
        for bad in ["", "m", "5x", "1.5h", "-5", "5 m", "99999999999999999999h"] {
            assert_eq!(seconds(bad), None, "{bad:?}");
        }
    }
}
