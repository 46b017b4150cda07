//! How long a result may be served.

use std::time::Duration;

use crate::clock::Moment;

/// How long a result may be served.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifetime {
    pub(crate) ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    /// When the first of what it was computed from expires.
    pub(crate) until: Option<Moment>,
    /// How long it may be served in need when it is over.
    pub(crate) stale: Option<Duration>,
    /// The share of it, in percent, after which the result is to be reloaded.
    pub(crate) refresh_at: Option<u32>,
    /// The longest that it may become. Each use then adds `ttl` to it.
    pub(crate) longest: Option<Duration>,
}

impl Lifetime {
    /// Whether time can end it.
    pub(crate) fn is_mortal(self) -> bool {
        self.ttl.is_some() || self.idle.is_some() || self.until.is_some() || self.stale.is_some()
    }

    /// The moment from which a call is to have the result reloaded.
    pub(crate) fn reload(self, now: Moment) -> Moment {
        let deadline = self.deadline(now);
        if self.longest.is_some() {
            return Moment::NEVER;
        }
        match self.refresh_at {
            Some(percent) if deadline != Moment::NEVER => {
                now.after(deadline.since(now).mul_f64(f64::from(percent) / 100.0))
            }
            _ => deadline,
        }
    }

    /// The first moment at which it has ended, however much it was used.
    pub(crate) fn deadline(self, now: Moment) -> Moment {
        let own = self.ttl.map_or(Moment::NEVER, |ttl| now.after(ttl));
        own.min(self.until.unwrap_or(Moment::NEVER))
    }
}
