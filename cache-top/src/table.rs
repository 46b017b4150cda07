//! The table: what the process does, then one line for each function that was called.

use std::cmp::Reverse;

use crate::program::{Function, Snapshot, Stats};

/// What the table can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Name,
    Rate,
    Hits,
    Misses,
    Loads,
    Evicted,
    Entries,
    Bytes,
}

impl Column {
    /// All of them, with their keys: in each name, the letter to press.
    pub(crate) const ALL: [(Self, &'static str, char); 8] = [
        (Self::Name, "name", 'n'),
        (Self::Rate, "rate", 'r'),
        (Self::Hits, "hits", 'h'),
        (Self::Misses, "misses", 'm'),
        (Self::Loads, "loads", 'l'),
        (Self::Evicted, "evicted", 'v'),
        (Self::Entries, "entries", 'e'),
        (Self::Bytes, "bytes", 'b'),
    ];

    pub(crate) fn from_name(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(_, known, _)| *known == name);
        found.map(|(column, ..)| column).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name, _)| name).join(", ");
            format!("there is no column `{name}`; there are {names}")
        })
    }

    pub(crate) fn from_key(key: char) -> Option<Self> {
        Self::ALL.into_iter().find(|(.., known)| *known == key).map(|(column, ..)| column)
    }
}

/// In which order the functions are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    column: Column,
    is_reversed: bool,
}

impl Order {
    /// The most first, names from A to Z.
    pub(crate) fn by(column: Column) -> Self {
        Self { column, is_reversed: false }
    }

    /// By a column; by the same one again, the other way round.
    pub(crate) fn then_by(self, column: Column) -> Self {
        Self { column, is_reversed: self.column == column && !self.is_reversed }
    }

    fn sort(self, functions: &mut [&Function]) {
        functions.sort_by_key(|it| &it.name);
        let number = |it: &Stats| match self.column {
            Column::Name => 0,
            Column::Rate => (it.hit_rate * 1e9) as u64,
            Column::Hits => it.hits,
            Column::Misses => it.misses,
            Column::Loads => it.loads,
            Column::Evicted => it.evictions,
            Column::Entries => it.entries,
            Column::Bytes => it.bytes,
        };
        functions.sort_by_key(|it| Reverse(number(&it.stats)));
        if self.is_reversed {
            functions.reverse();
        }
    }
}

/// The table as lines of at most `width` characters.
pub(crate) fn lines(snapshot: &Snapshot, order: Order, width: usize) -> Vec<String> {
    let Snapshot { stats, functions } = snapshot;
    let mut called: Vec<&Function> =
        functions.iter().filter(|it| it.stats.hits + it.stats.misses > 0).collect();
    order.sort(&mut called);
    let widest = called.iter().map(|it| it.name.chars().count()).max().unwrap_or_default();
    // The numbers take 74 characters.
    let wide = widest.clamp(8, width.saturating_sub(74).max(8));
    let row = |name: &str, it: &Stats| {
        let rate = format!("{:.1}%", 100.0 * it.hit_rate);
        let bytes = bytes(it.bytes);
        let Stats { hits, misses, loads, evictions, entries, .. } = it;
        format!(
            "{:wide$} {rate:>7} {hits:>12} {misses:>10} {loads:>10} {evictions:>10} {entries:>9} {bytes:>10}",
            plain(name, wide)
        )
    };
    let limit = stats.max_bytes.map_or("no limit".to_owned(), bytes);
    let head = |name| {
        format!(
            "{name:wide$} {:>7} {:>12} {:>10} {:>10} {:>10} {:>9} {:>10}",
            "rate", "hits", "misses", "loads", "evicted", "entries", "bytes"
        )
    };
    let mut lines = vec![
        format!("{} of {limit} in {} entries", bytes(stats.bytes), stats.entries),
        String::new(),
        head("name"),
        row("all", stats),
    ];
    lines.extend(called.iter().map(|it| row(&it.name, &it.stats)));
    lines.iter().map(|line| line.chars().take(width).collect()).collect()
}

/// A name that does nothing to a terminal, and is no longer than that.
fn plain(name: &str, width: usize) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).take(width).collect()
}

fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut scaled = n as f64;
    let mut unit = "B";
    for larger in UNITS {
        if scaled < 1024.0 {
            break;
        }
        (scaled, unit) = (scaled / 1024.0, larger);
    }
    if unit == "B" { format!("{n} B") } else { format!("{scaled:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let function = |name: &str, hits, misses| Function {
            name: name.to_owned(),
            stats: Stats { hits, misses, ..Stats::default() },
        };
        let functions = vec![
            function("b", 3, 1),
            function("\x1b[31ma", 1, 2),
            function("c", 2, 3),
            function("never", 0, 0),
        ];
        Snapshot { stats: Stats::default(), functions }
    }

    fn names(order: Order) -> Vec<String> {
        let lines = lines(&snapshot(), order, 80);
        lines[4..].iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_column_sorts_and_sorts_the_other_way_round_when_it_is_chosen_again() {
        let order = Order::by(Column::Misses);
        assert_eq!(names(order), ["c", "?[31ma", "b"]);
        assert_eq!(names(order.then_by(Column::Misses)), ["b", "?[31ma", "c"]);
        assert_eq!(names(order.then_by(Column::Hits)), ["b", "c", "?[31ma"]);
        assert_eq!(names(order.then_by(Column::Name)), ["?[31ma", "b", "c"]);
    }

    #[test]
    fn lines_are_no_wider_than_the_terminal() {
        for width in [0, 10, 79, 200] {
            let lines = lines(&snapshot(), Order::by(Column::Name), width);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:#?}");
        }
    }

    #[test]
    fn bytes_are_as_people_read_them() {
        assert_eq!([0, 1023, 1536, 5 << 40].map(bytes), ["0 B", "1023 B", "1.5 KiB", "5.0 TiB"]);
    }
}
