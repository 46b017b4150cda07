//! Durations and sizes as people write them: `1h30m`, `64MiB`.
//!
//! Whole numbers with a unit, several of them for a duration. What is written here is checked when the attribute is
//! expanded, so a typo in a unit or an overflow is an error at the literal.

use std::time::Duration;

const DURATION_UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

const SIZE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Reads `250ms`, `5m`, `1h30m`; a number without a unit counts seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    let mut nanos: u128 = 0;
    let mut parts = 0;
    while !rest.is_empty() {
        let (digits, unit, next) =
            part(rest, "a duration is written in whole numbers, like `250ms`, `5m` or `1h30m`")?;
        let scale = match DURATION_UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, scale)) => *scale,
            None if unit.is_empty() && parts == 0 && next.is_empty() => 1_000_000_000,
            None if unit.is_empty() => return Err(format!("`{digits}` needs a unit: `{text}s`?")),
            None => return Err(format!("unknown unit `{unit}`: the units are `ns us ms s m h d`")),
        };
        nanos = digits
            .parse::<u64>()
            .ok()
            .and_then(|n| u128::from(n).checked_mul(scale)?.checked_add(nanos))
            .unwrap_or(u128::MAX);
        rest = next;
        parts += 1;
    }
    if parts == 0 {
        return Err("this is empty: write a duration like `5m`".to_owned());
    }
    let seconds = u64::try_from(nanos / 1_000_000_000)
        .map_err(|_| "this duration is too long: leave the word out for no limit".to_owned())?;
    Ok(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
}

/// Reads `512KiB`, `64MiB`, `2GB`; a number without a unit counts bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (digits, unit, rest) =
        part(text.trim(), "a size is written in whole numbers, like `512KiB`, `64MiB` or `2GB`")?;
    if !rest.is_empty() {
        return Err(format!(
            "`{rest}` is too much: a size is one number and one unit, like `64MiB`"
        ));
    }
    let scale = match SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
        Some((_, scale)) => *scale,
        None if unit.is_empty() => 1,
        None => {
            return Err(format!(
                "unknown unit `{unit}`: the units are `B KB MB GB TB` and `KiB MiB GiB TiB`"
            ));
        }
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(scale))
        .ok_or_else(|| "this size is too large: leave the word out for no limit".to_owned())
}

/// Reads a number without a unit.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a whole number of entries, like `1000`".to_owned())
}

/// The first number, its unit, and what follows.
fn part<'a>(text: &'a str, form: &str) -> Result<(String, &'a str, &'a str), String> {
    let split = |text: &'a str, belongs: fn(char) -> bool| {
        text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
    };
    let (digits, rest) = split(text, |c| c.is_ascii_digit() || c == '_');
    let digits = digits.replace('_', "");
    if digits.is_empty() {
        return Err(form.to_owned());
    }
    let (unit, rest) = split(rest.trim_start(), char::is_alphabetic);
    if unit.is_empty() && !rest.is_empty() {
        return Err(form.to_owned());
    }
    Ok((digits, unit, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_written() {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        for (text, expected) in [
            ("250ms", Duration::from_millis(250)),
            ("5s", Duration::from_secs(5)),
            ("5m", minutes(5)),
            ("1h30m", minutes(90)),
            ("1h 30m", minutes(90)),
            ("7d", minutes(7 * 24 * 60)),
            ("3us", Duration::from_micros(3)),
            ("1s1ns", Duration::new(1, 1)),
            ("600", minutes(10)),
            ("1_000ms", Duration::from_secs(1)),
            ("0", Duration::ZERO),
            ("18446744073709551615", Duration::from_secs(u64::MAX)),
        ] {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn durations_that_mean_nothing_are_refused() {
        for text in [
            "",
            "m",
            "5 parsecs",
            "5M",
            "1.5s",
            "1h30",
            "-5s",
            "18446744073709551615m",
            "18446744073709551616",
            "600u64",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, expected) in [
            ("512KiB", 512 << 10),
            ("64MiB", 64 << 20),
            ("64mib", 64 << 20),
            ("2GB", 2_000_000_000),
            ("2 GB", 2_000_000_000),
            ("1TiB", 1 << 40),
            ("10B", 10),
            ("4096", 4096),
            ("0", 0),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn sizes_that_mean_nothing_are_refused() {
        for text in ["", "MiB", "64M", "1.5GiB", "64MiB 2KiB", "-1", "18446744073709551615KB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
