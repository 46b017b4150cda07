//! The program that is looked at.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Where it serves its admin pages.
pub(crate) struct Program {
    url: String,
    token: Option<String>,
    agent: ureq::Agent,
}

/// What it has done until now.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) stats: Stats,
    pub(crate) functions: Vec<Function>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) stats: Stats,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Stats {
    pub(crate) hit_rate: f64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) loads: u64,
    pub(crate) evictions: u64,
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    pub(crate) max_bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Process {
    stats: Stats,
}

#[derive(Deserialize)]
struct Functions {
    functions: Vec<Function>,
    total: usize,
}

impl Program {
    pub(crate) fn new(url: String, token: Option<String>) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
        Self { url, token, agent: config.build().new_agent() }
    }

    pub(crate) fn look(&self) -> Result<Snapshot> {
        let Process { stats } = self.get("stats")?;
        let mut functions = Vec::new();
        loop {
            let path = format!("functions?limit=1000&offset={}", functions.len());
            let part: Functions = self.get(&path)?;
            let is_last = part.functions.is_empty();
            functions.extend(part.functions);
            if is_last || functions.len() >= part.total {
                return Ok(Snapshot { stats, functions });
            }
        }
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}/{path}", self.url.trim_end_matches('/'));
        let mut request = self.agent.get(&url);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.call().and_then(|mut response| response.body_mut().read_json());
        answer.with_context(|| {
            format!("cannot read {url}: is it the address of the admin pages, and CACHE_ADMIN_TOKEN the token?")
        })
    }
}
