//! Which entries fit into half the limits: those that were used since some tick.
//!
//! Whatever is used anew makes them too many, and then those go that were used longest ago. As in [`order`](crate::order),
//! nothing moves at a use: the entries are sorted as they are at some time, and each is left out when its turn comes,
//! unless it was used meanwhile.

use std::cmp::Reverse;

use crate::budget::Budget;
use crate::curve::Reuse;
use crate::ranking::Ranking;

/// How many entries are sorted at the most, before each stands for some.
const SAMPLE: usize = 1024;

/// The entries of some orders that fit into half the limits.
#[derive(Default)]
pub(crate) struct Half {
    /// When entries were used, in which order they are and where, the least recently used last.
    uses: Vec<(u64, u32, u32)>,
    /// For how many entries each of them stands.
    n_each: u64,
}

impl Half {
    /// Leaves out what was used longest ago, until the others fit.
    pub(crate) fn shrink(&mut self, orders: &[Ranking], reuse: &Reuse, budget: &Budget) {
        let (mut since, mut used) = reuse.recent();
        let mut has_looked = false;
        while Reuse::is_much(used) {
            if let Some((tick, order, place)) = self.uses.pop() {
                let entry = orders[order as usize].get(place).map(|it| it.get());
                if let Some(entry) = entry.filter(|entry| entry.usage().tick() == tick) {
                    used = used.saturating_sub(budget.share(entry.charge()) * self.n_each);
                    since = tick + 1;
                }
            } else if has_looked {
                break;
            } else {
                used = self.look(orders, since, budget);
                has_looked = true;
            }
        }
        reuse.set_recent(since, used);
        reuse.set_half_size(self.uses.capacity() * size_of::<(u64, u32, u32)>());
    }

    /// Sorts what was used since some tick, and says what it takes of the limits.
    fn look(&mut self, orders: &[Ranking], since: u64, budget: &Budget) -> u64 {
        let n_places: usize = orders.iter().map(|order| order.end() as usize).sum();
        let n_each = n_places / SAMPLE + 1;
        let mut used = 0;
        for (number, order) in (0..).zip(orders) {
            for place in (0..order.end()).step_by(n_each) {
                let Some(entry) = order.get(place).map(|it| it.get()) else { continue };
                let tick = entry.usage().tick();
                if tick >= since {
                    used += budget.share(entry.charge());
                    self.uses.push((tick, number, place));
                }
            }
        }
        self.n_each = n_each as u64;
        self.uses.sort_unstable_by_key(|(tick, ..)| Reverse(*tick));
        used * self.n_each
    }
}
