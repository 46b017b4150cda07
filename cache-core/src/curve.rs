//! What more or less memory would do.

use crate::serialize::serialize_fields;

/// How many calls would be hits with other limits.
///
/// It is about the limit of a function, if that has one of its own, else about that of the cache: the one on bytes, or the
/// one on entries where there is none on bytes. What is expired or invalidated would be so in a larger cache as well.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Curve {
    /// With half the limit, the present one, twice and four times as much.
    pub points: [CurvePoint; 4],
}

serialize_fields!(Curve { points });

/// How many calls would be hits with one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CurvePoint {
    /// How many times the present limit.
    pub factor: f64,
    /// The limit on bytes, if that is the one.
    pub max_bytes: Option<usize>,
    /// The limit on entries, if there is none on bytes.
    pub max_entries: Option<usize>,
    /// The share of calls that would be hits, from 0.0 to 1.0.
    pub hit_rate: f64,
}

serialize_fields!(CurvePoint { factor, max_bytes, max_entries, hit_rate });

/// The limits of a curve, in parts of the present one.
const FACTORS: [f64; 4] = [0.5, 1.0, 2.0, 4.0];

impl Curve {
    /// With the limit that there is, and how many of `calls` would be hits under each.
    pub(crate) fn new(
        max_bytes: Option<usize>,
        max_entries: Option<usize>,
        hits: [f64; 4],
        calls: u64,
    ) -> Self {
        let point = |(factor, hits): (f64, f64)| CurvePoint {
            factor,
            max_bytes: max_bytes.map(|max| (max as f64 * factor) as usize),
            max_entries: max_entries
                .filter(|_| max_bytes.is_none())
                .map(|max| (max as f64 * factor) as usize),
            hit_rate: if calls == 0 { 0.0 } else { hits / calls as f64 },
        };
        let mut points = FACTORS.into_iter().zip(hits).map(point);
        Self { points: std::array::from_fn(|_| points.next().unwrap_or_default()) }
    }
}
