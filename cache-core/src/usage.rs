//! How often and when an entry was used, in as few bits as a hit can afford to look at.

use std::time::Duration;

use crate::clock::Moment;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// How often an entry was used, and at which tick the last time.
///
/// Many threads note that at once: if one does while another does, that is as good. A tick goes back at most to one that
/// counts as the same.
pub(crate) struct Usage(AtomicU64);

impl Usage {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Word::IS_YOUNG))
    }

    /// How often it was used: exact up to 32.
    pub(crate) fn uses(&self) -> u64 {
        self.word().uses()
    }

    /// The tick of the last use.
    pub(crate) fn tick(&self) -> u64 {
        self.word().tick()
    }

    /// Where the entry is not in use yet.
    pub(crate) fn set_tick(&self, tick: u64) {
        self.0.store(self.word().with_tick(tick).0, Ordering::Relaxed);
    }

    /// Notes a use, where there is no more to it than to count one of the first; false if there is.
    #[inline]
    pub(crate) fn note_in_passing(&self, stale: Stale) -> bool {
        let word = self.word();
        if !word.is_before(stale) {
            return true;
        }
        let is_enough = word.is_young() && !word.grown().is_before(stale);
        if is_enough {
            // Not exchanged, which takes longer than all else here. A use that it overwrites counts as the same.
            self.0.store(word.count(false).0, Ordering::Relaxed);
        }
        is_enough
    }

    /// Counts a use: one by one at first, then every 32nd, by chance, so that threads that share an entry seldom write it.
    pub(crate) fn count(&self, is_32nd: bool) {
        let word = self.word();
        self.change(word, word.count(is_32nd));
    }

    /// Notes the tick of a use, if `tick` has another one for the last.
    pub(crate) fn note_tick(&self, tick: impl FnOnce(u64) -> Option<u64>) {
        let word = self.word();
        self.change(word, tick(word.tick()).map_or(word, |tick| word.with_tick(tick)));
    }

    fn change(&self, from: Word, to: Word) {
        if from.0 != to.0 {
            let order = Ordering::Relaxed;
            let _ = self.0.compare_exchange(from.0, to.0, order, order);
        }
    }

    #[inline]
    fn word(&self) -> Word {
        Word(self.0.load(Ordering::Relaxed))
    }
}

/// A usage at one moment, which is all that a hit looks at.
///
/// From the highest bit: whether its uses are still counted one by one, the tick, and the number of uses.
#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    const IS_YOUNG: u64 = 1 << 63;
    const TICK: u32 = 16;
    const USES: u64 = (1 << Self::TICK) - 1;
    /// After so many uses they are counted in steps of so many.
    const STEP: u64 = 32;

    fn tick(self) -> u64 {
        (self.0 & !Self::IS_YOUNG) >> Self::TICK
    }

    fn with_tick(self, tick: u64) -> Self {
        Self(self.0 & (Self::IS_YOUNG | Self::USES) | tick << Self::TICK)
    }

    /// Whether a use is to be noted: it is one of a young entry, or of one that was last used before a tick.
    #[inline]
    fn is_before(self, stale: Stale) -> bool {
        // Young ones are negative.
        (self.0 as i64) < stale.0
    }

    fn is_young(self) -> bool {
        self.0 & Self::IS_YOUNG != 0
    }

    /// The same, as if its uses were not counted one by one any more.
    fn grown(self) -> Self {
        Self(self.0 & !Self::IS_YOUNG)
    }

    fn count(self, is_32nd: bool) -> Self {
        let Self(usage) = self;
        if self.is_young() {
            let is_young = (usage & Self::USES) + 1 < Self::STEP;
            return Self((usage + 1) & if is_young { u64::MAX } else { !Self::IS_YOUNG });
        }
        // Then in steps, as far as they go.
        let has_room = is_32nd && usage & Self::USES != Self::USES;
        Self(usage + u64::from(has_room))
    }

    fn uses(self) -> u64 {
        let uses = self.0 & Self::USES;
        if uses < Self::STEP { uses } else { (uses - Self::STEP + 1) * Self::STEP }
    }
}

/// A tick as entries are compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stale(i64);

impl Stale {
    /// No entry is.
    pub(crate) const NONE: Self = Self(0);
    /// Every entry is.
    pub(crate) const ALL: Self = Self(i64::MAX);

    /// Those that were last used before a tick.
    pub(crate) fn before(tick: u64) -> Self {
        Self((tick << Word::TICK) as i64)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits as i64)
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0 as u64
    }
}

/// A moment as people read it, in 32nds of a second. After four years it begins anew.
pub(crate) struct Coarse(AtomicU32);

impl Coarse {
    const NANOS: u64 = 1_000_000_000 / 32;

    pub(crate) fn new(moment: Moment) -> Self {
        Self(AtomicU32::new(Self::of(moment)))
    }

    pub(crate) fn set(&self, moment: Moment) {
        self.0.store(Self::of(moment), Ordering::Relaxed);
    }

    /// How long ago it is.
    pub(crate) fn until(&self, now: Moment) -> Duration {
        let ticks = Self::of(now).wrapping_sub(self.0.load(Ordering::Relaxed));
        Duration::from_nanos(u64::from(ticks) * Self::NANOS)
    }

    fn of(moment: Moment) -> u32 {
        (moment.0 / Self::NANOS) as u32
    }
}
