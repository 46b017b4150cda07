//! Why keys are not held: what is remembered of those that have left, or whose results were not stored.
//!
//! [`ghosts`](crate::ghosts) remembers something else: when an entry was used, for as many keys as entries, in a cache
//! that asks for it, and forgets it when the key comes back. Here it is one word a key, in any cache, of a fixed size.

use crate::stats::Reason;

/// How many share a bucket, which is one cache line. It forgets what it has learned first.
const WIDTH: usize = 16;
const N_BUCKETS: usize = 4096;

/// Bits of a reason. The bits of the hash that they push out are those that pick the bucket.
const REASON_BITS: u32 = 3;

const KNOWN: [Reason; 4] = [Reason::Expired, Reason::Evicted, Reason::Invalidated, Reason::Refused];

#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket([u32; WIDTH]);

/// Keys that are not held, and why. It takes its memory, 256 KiB, with the first one.
#[derive(Default)]
pub(crate) struct Departures(Vec<Bucket>);

impl Departures {
    /// Remembers why a key is not held.
    pub(crate) fn note(&mut self, hash: u32, reason: Reason) {
        if self.0.is_empty() {
            self.0 = vec![Bucket::default(); N_BUCKETS];
        }
        let Some(Bucket(slots)) = self.0.get_mut(bucket(hash)) else { return };
        let is_known = |slot: &u32| slot >> REASON_BITS == hash << REASON_BITS >> REASON_BITS;
        let place = slots.iter().position(is_known).unwrap_or(WIDTH - 1);
        slots.copy_within(..place, 1);
        slots[0] = hash << REASON_BITS | reason as u32;
    }

    /// Why a key is not held: as far as is known, it never was.
    pub(crate) fn reason(&self, hash: u32) -> Reason {
        let Some(Bucket(slots)) = self.0.get(bucket(hash)) else { return Reason::Cold };
        let difference = |slot: &u32| (slot ^ hash << REASON_BITS) as usize;
        // Of an empty slot that is 0, and of another key much.
        let known = slots.iter().map(difference).find(|code| (1..=KNOWN.len()).contains(code));
        known.map_or(Reason::Cold, |code| KNOWN[code - 1])
    }

    /// The bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        size_of_val(&*self.0)
    }
}

fn bucket(hash: u32) -> usize {
    (hash >> (u32::BITS - N_BUCKETS.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u32) -> u32 {
        n.wrapping_mul(0x9e37_79b9)
    }

    #[test]
    fn the_last_reason_of_each_key_is_known() {
        let mut departures = Departures::default();
        assert_eq!((departures.reason(hash(1)), departures.size()), (Reason::Cold, 0));
        for round in 0..4 {
            (0..10_000).for_each(|n| departures.note(hash(n), KNOWN[(n as usize + round) % 4]));
            for n in 0..10_000 {
                assert_eq!(departures.reason(hash(n)), KNOWN[(n as usize + round) % 4], "{n}");
            }
            assert!((10_000..20_000).all(|n| departures.reason(hash(n)) == Reason::Cold));
        }
        assert_eq!(departures.size(), 256 << 10);
    }

    #[test]
    fn the_first_key_of_a_bucket_is_forgotten_first() {
        let mut departures = Departures::default();
        // All of the first bucket, those whose slots would be 0 but for the reason as well.
        (0..20).for_each(|n| departures.note(n << 4, Reason::Evicted));
        departures.note(4 << 4, Reason::Expired);
        let known: Vec<u32> =
            (0..20).filter(|n| departures.reason(n << 4) != Reason::Cold).collect();
        assert_eq!(known, (4..20).collect::<Vec<_>>());
        departures.note(20 << 4, Reason::Evicted);
        assert_eq!(departures.reason(5 << 4), Reason::Cold, "that of 4 was renewed");
        assert_eq!(departures.reason(4 << 4), Reason::Expired);
    }
}
