//! Whether two values are the same, for types that cannot be compared.

use serde::Serialize;

use crate::key::{KeyPart, KeyWriter, Start};

/// Compares two values by the bytes that they have as keys.
///
/// Those tell everything that serde shows, and sort maps.
/// A set is a sequence to serde, whose order need not survive; values that differ in nothing but the order of
/// their bytes are therefore taken for the same.
pub(super) fn are_same<T: Serialize>(left: &T, right: &T) -> Result<bool, String> {
    let (left, right) = (key(left)?, key(right)?);
    let (left, right) = (bytes(&left)?, bytes(&right)?);
    Ok(left == right || census(left) == census(right))
}

fn key<T: Serialize>(value: &T) -> Result<KeyWriter, String> {
    let mut key = KeyWriter::new(Start::new(0));
    value.write_to(&mut key).map_err(|error| error.to_string())?;
    Ok(key)
}

fn bytes(key: &KeyWriter) -> Result<&[u8], String> {
    key.finish().map(|(bytes, _)| bytes).map_err(|error| error.to_string())
}

/// How often each byte occurs.
fn census(bytes: &[u8]) -> [usize; 256] {
    let mut census = [0; 256];
    for byte in bytes {
        census[usize::from(*byte)] += 1;
    }
    census
}
