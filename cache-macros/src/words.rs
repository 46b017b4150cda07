//! Every word that somebody might write: ours, and those of other crates.
//!
//! A word that does nothing is refused with a sentence that says what to write instead.

/// The words of the attribute, and how each is written.
const WORDS: [(&str, &str); 35] = [
    ("skip", "skip(db, span)"),
    ("key", "key = (self.id, name)"),
    ("version", "version = 2"),
    ("name", "name = \"profile\""),
    ("label", "label = \"img:{model}\""),
    ("ttl", "ttl = 5m"),
    ("idle", "idle = 1h"),
    ("jitter", "jitter = 10%"),
    ("adaptive_ttl", "adaptive_ttl = 30s..10m"),
    ("err_ttl", "err_ttl = 5s"),
    ("none_ttl", "none_ttl = 30s"),
    ("refresh_at", "refresh_at = 80%"),
    ("stale", "stale = 10m"),
    ("on_err", "on_err = stale"),
    ("timeout", "timeout = 2s"),
    ("soft_timeout", "soft_timeout = 50ms"),
    ("cache_if", "cache_if = |value| !value.is_empty()"),
    ("validate", "validate = |value| !value.is_empty()"),
    ("cache_err", "cache_err"),
    ("cache_none", "cache_none"),
    ("single_flight", "single_flight = false"),
    ("refresh_if", "refresh_if = force"),
    ("enabled", "enabled = !cfg!(test)"),
    ("max_entries", "max_entries = 1000"),
    ("max_bytes", "max_bytes = 64MiB"),
    ("size", "size = |value| value.len()"),
    ("cost", "cost = 0.04"),
    ("invalidate_on", "invalidate_on = [UserUpdated { user_id }]"),
    ("inherit", "inherit = false"),
    ("batch", "batch = load_users"),
    ("depends_on", "depends_on = [area]"),
    ("disk", "disk(ttl = 7d)"),
    ("redis", "redis(ttl = 7d)"),
    ("handle", "handle = Profile"),
    ("crate", "crate = my_facade::cache_core"),
];

const LIMIT: &str = "write `max_entries = 1000` or `max_bytes = 64MiB`";
const TTL: &str = "write `ttl = 5m`";
const FLIGHT: &str =
    "one body per key at a time is the default; `single_flight = false` declines it";
const EVENTS: &str = "write `invalidate_on = [UserUpdated { user_id }]`, or a text like `invalidate_on = [\"users\"]`";
const STALE: &str = "write `stale = 10m` and `on_err = stale`";
const EVICTION: &str = "which entries go first is decided for the whole cache: write `Cache::builder().eviction(Eviction::ScanResistant)` \
     before its first use, or set CACHE_EVICTION";
const ONE_CACHE: &str = "there is one cache for the whole process: leave it out";
const KEY: &str = "write `key = (a, b)`, an expression over the arguments";
const TIERS: &str = "write `disk` or `redis`; `CACHE_DIR` says where files are kept";
const OF_TIER: &str = "it belongs to a tier: write `disk(codec = messagepack, compress = lz4)`";

/// Words of other crates in lower case without underscores, and what to write here.
const PEERS: [(&str, &str); 60] = [
    ("maxsize", LIMIT),
    ("maxentry", LIMIT),
    ("limit", LIMIT),
    ("capacity", LIMIT),
    ("maxcapacity", LIMIT),
    ("maxmemory", "write `max_bytes = 64MiB`"),
    ("memory", "write `max_bytes = 64MiB`"),
    ("time", TTL),
    ("ttlsecs", TTL),
    ("ttlmillis", "write `ttl = 250ms`"),
    ("ttlms", "write `ttl = 250ms`"),
    ("timetolive", TTL),
    ("lifespan", TTL),
    ("expiry", TTL),
    ("expire", TTL),
    ("expires", "write `ttl = DUR`, or `ttl = |value| DUR`"),
    ("timetoidle", "write `idle = 1h`"),
    ("tti", "write `idle = 1h`"),
    (
        "refresh",
        "to lengthen a life with each use, write `idle = DUR`; to reload, `refresh_if = EXPR`",
    ),
    ("timerefresh", "to lengthen a life with each use, write `idle = DUR`"),
    ("forcerefresh", "write `refresh_if = EXPR`"),
    ("convert", KEY),
    ("ty", "the type is inferred: leave it out"),
    ("create", ONE_CACHE),
    ("map", ONE_CACHE),
    ("ignore", "write `skip(a, b)`"),
    ("exclude", "write `skip(a, b)`"),
    ("result", "only `Ok` is stored, by default; `cache_err` stores errors too"),
    ("option", "only `Some` is stored, by default; `cache_none` stores `None` too"),
    ("withcachedflag", "ask `f::peek(..)` or `f::stats()` instead"),
    ("syncwrites", FLIGHT),
    ("syncwritesbuckets", FLIGHT),
    ("synclock", FLIGHT),
    ("bykey", FLIGHT),
    ("tags", EVENTS),
    ("events", EVENTS),
    ("dependencies", EVENTS),
    ("resultfallback", STALE),
    ("unbound", "one byte budget bounds all functions; `Cache::global()` sets it: leave it out"),
    (
        "unboundkeys",
        "one byte budget bounds all functions; `Cache::global()` sets it: leave it out",
    ),
    ("eviction", EVICTION),
    ("policy", EVICTION),
    ("frequencyweight", EVICTION),
    ("windowratio", EVICTION),
    ("scope", ONE_CACHE),
    ("sharedcache", ONE_CACHE),
    ("threadlocal", ONE_CACHE),
    ("hasher", "the keys are compared byte for byte whatever the hash: leave it out"),
    ("hasherinit", "the keys are compared byte for byte whatever the hash: leave it out"),
    ("customhasher", "the keys are compared byte for byte whatever the hash: leave it out"),
    ("weigher", "write `size = |value| USIZE`"),
    ("weight", "write `size = |value| USIZE`"),
    ("inimpl", "methods need no word of their own: leave it out"),
    ("cacheprefixblock", "write `name = \"…\"`"),
    ("prefix", "write `name = \"…\"`"),
    ("maperror", "the cache never fails a call: leave it out"),
    ("codec", OF_TIER),
    ("compress", OF_TIER),
    ("cachetype", TIERS),
    ("diskdir", TIERS),
];

/// How a word of ours is written, as an example.
pub(crate) fn form(word: &str) -> &'static str {
    WORDS.iter().find(|(name, _)| *name == word).map_or("", |(_, form)| form)
}

/// Why a word is refused, and what to write instead.
pub(crate) fn refusal(word: &str) -> String {
    let folded = word.replace('_', "").to_lowercase();
    if let Some((_, instead)) = PEERS.iter().find(|(name, _)| *name == folded) {
        return format!("there is no `{word}` here: {instead}");
    }
    let names = WORDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
    match nearest(word, WORDS.iter().map(|(name, _)| *name)) {
        Some(name) => {
            format!("unknown word `{word}`, did you mean `{name}`?\nthe words are: {names}")
        }
        None => format!("unknown word `{word}`\nthe words are: {names}"),
    }
}

/// The name that `word` is probably a slip of.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let reach = if word.len() > 4 { 2 } else { 1 };
    names
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= reach)
        .min()
        .map(|(_, name)| name)
}

/// How many characters must be inserted, dropped, replaced or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
                let swapped =
                    if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                        rows[i - 2][j - 2] + 1
                    } else {
                        usize::MAX
                    };
                replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(swapped)
            };
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_with_the_word_that_was_meant() {
        for (slip, meant) in [
            ("tll", "ttl"),
            ("tl", "ttl"),
            ("skpi", "skip"),
            ("max_entires", "max_entries"),
            ("cache_er", "cache_err"),
        ] {
            assert!(
                refusal(slip).contains(&format!("did you mean `{meant}`?")),
                "{}",
                refusal(slip)
            );
        }
        assert!(!refusal("banana").contains("did you mean"));
    }

    #[test]
    fn words_of_others_name_ours() {
        assert!(refusal("max_size").contains("`max_entries = 1000` or `max_bytes = 64MiB`"));
        assert!(refusal("TimeToLive").contains("`ttl = 5m`"));
    }
}
