//! Values that leave the process come back as they were, or not at all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cache_core::backend::{BackendKey, Time, Unusable, Value};
use cache_core::codec::{Codec, Coder, Compression, Encoded};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const CODECS: [Codec; 2] = [Codec::Bincode, Codec::MessagePack];

fn coder(codec: Codec) -> Coder {
    Coder::new(codec, Compression::None, 7)
}

#[track_caller]
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(codec: Codec, value: T) {
    let coder = coder(codec);
    let encoded = coder.encode(&value).unwrap_or_else(|error| panic!("{error}"));
    let found: T = coder.decode(&encoded.encoding, &encoded.bytes).expect("what was written");
    assert_eq!(found, value, "{codec}");
}

#[track_caller]
fn is_refused<T: Serialize + DeserializeOwned>(codec: Codec, value: T, words: &[&str]) {
    let error = coder(codec).encode(&value).expect_err("it would not come back").to_string();
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Plain {
    id: u64,
    name: String,
    tags: HashSet<String>,
    scores: HashMap<(u8, bool), f64>,
    parent: Option<Box<Plain>>,
    kind: Kind,
    shared: Arc<str>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    New(i128),
    Tuple(char, ()),
    Struct { at: Duration },
}

fn plain() -> Plain {
    let parent = Plain {
        id: u64::MAX,
        name: String::new(),
        tags: HashSet::new(),
        scores: HashMap::new(),
        parent: None,
        kind: Kind::New(i128::MIN),
        shared: "".into(),
    };
    Plain {
        id: 7,
        name: "Ada".to_owned(),
        tags: (0..20).map(|n| format!("tag {n}")).collect(),
        scores: HashMap::from([((1, true), f64::INFINITY), ((2, false), -0.0)]),
        parent: Some(Box::new(parent)),
        kind: Kind::Struct { at: Duration::from_nanos(1) },
        shared: "é".into(),
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Text(String),
    Fields { x: u8 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    Circle { radius: u32 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u64,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Skipping {
    #[serde(default, skip_serializing_if = "is_zero")]
    a: u8,
    s: String,
}

fn is_zero(n: &u8) -> bool {
    *n == 0
}

fn json() -> serde_json::Value {
    serde_json::json!({ "a": [1, 2.5, null, "x"], "b": { "c": true } })
}

#[test]
fn plain_types_come_back_with_every_codec() {
    for codec in CODECS {
        comes_back(codec, plain());
        comes_back(codec, ());
        comes_back(codec, String::new());
        comes_back(codec, Vec::<u8>::new());
        comes_back(codec, vec![0u8; 100_000]);
        comes_back(codec, Ok::<u8, String>(1));
        comes_back(codec, (Kind::Unit, Kind::Tuple('ß', ())));
    }
}

#[test]
fn types_that_describe_themselves_come_back_with_messagepack() {
    comes_back(Codec::MessagePack, json());
    comes_back(
        Codec::MessagePack,
        vec![Untagged::Number(1), Untagged::Text("2".into()), Untagged::Fields { x: 3 }],
    );
    comes_back(Codec::MessagePack, Tagged::Circle { radius: 2 });
    comes_back(Codec::MessagePack, Flat { id: 1, rest: BTreeMap::from([("x".to_owned(), 2)]) });
    comes_back(Codec::MessagePack, Skipping { a: 0, s: "\u{1}x".to_owned() });
}

#[test]
fn the_wrong_codec_is_refused_at_the_first_store_with_the_right_one_named() {
    let words = ["cannot be stored with the codec `bincode`", "`messagepack`"];
    is_refused(Codec::Bincode, json(), &words);
    is_refused(Codec::Bincode, Untagged::Number(1), &words);
    is_refused(Codec::Bincode, Tagged::Circle { radius: 2 }, &words);
    is_refused(Codec::Bincode, Flat { id: 1, rest: BTreeMap::new() }, &words);
    is_refused(
        Codec::MessagePack,
        Some(None::<u8>),
        &["`messagepack`", "not what was written", "`bincode`"],
    );
    is_refused(Codec::Bincode, Flat { id: 1, rest: BTreeMap::new() }, &["Flat"]);
}

#[test]
fn a_value_that_reads_back_as_another_is_refused_also_after_one_that_did_not() {
    // bincode reads this as `{ a: 2, s: "x" }`, without an error.
    let coder = coder(Codec::Bincode);
    coder.encode(&Skipping { a: 1, s: "x".to_owned() }).expect("nothing is skipped");
    coder.encode(&Skipping { a: 0, s: "\u{1}x".to_owned() }).expect_err("a field is skipped");
}

#[test]
fn a_panic_of_serde_code_is_an_error() {
    struct Rude;
    impl Serialize for Rude {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("no")
        }
    }
    impl<'de> Deserialize<'de> for Rude {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("never")
        }
    }
    is_refused(Codec::Bincode, Rude, &["Rude", "it panicked: no"]);
    let unit = coder(Codec::MessagePack).encode(&()).expect("bytes");
    let error = coder(Codec::MessagePack).decode::<Rude>(&unit.encoding, &unit.bytes);
    assert!(error.err().expect("an error").to_string().contains("it panicked: never"));
}

#[test]
fn bytes_of_another_codec_or_version_are_not_read() {
    let encoded = coder(Codec::Bincode).encode(&7u64).expect("bytes");
    for other in [coder(Codec::MessagePack), Coder::new(Codec::Bincode, Compression::None, 8)] {
        other.decode::<u64>(&encoded.encoding, &encoded.bytes).expect_err("another version");
    }
}

#[test]
fn wrong_lengths_are_errors_and_allocate_nothing_large() {
    for codec in CODECS {
        let coder = coder(codec);
        let encoded = coder.encode(&"x".repeat(300)).expect("bytes");
        for len in 0..encoded.bytes.len() {
            let found = coder.decode::<String>(&encoded.encoding, &encoded.bytes[..len]);
            found.expect_err("it is cut off");
        }
        let longer = [&encoded.bytes[..], b"x"].concat();
        coder.decode::<String>(&encoded.encoding, &longer).expect_err("it is too long");
        let mut forged = encoded.clone();
        forged.bytes[..9].copy_from_slice(&[0xfd, 255, 255, 255, 255, 255, 255, 255, 127]);
        coder.decode::<String>(&forged.encoding, &forged.bytes).expect_err("a length of exabytes");
    }
}

/// Bytes that nothing makes smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn compression_is_kept_where_it_pays_and_undone() {
    let text = "a forecast of dry and sunny weather; ".repeat(1_000).into_bytes();
    for compression in [Compression::Lz4, Compression::Zstd] {
        for (value, expected) in [
            (text.clone(), compression),
            (noise(4_000), Compression::None),
            (b"short".repeat(20), Compression::None),
        ] {
            let coder = Coder::new(Codec::Bincode, compression, 0);
            let Encoded { mut encoding, bytes } = coder.encode(&value).expect("bytes");
            assert_eq!(encoding.compression, expected, "{} bytes", value.len());
            let found: Vec<u8> = coder.decode(&encoding, &bytes).expect("the value");
            assert_eq!(found, value);
            if expected != Compression::None {
                assert!(bytes.len() < value.len() / 10, "{} bytes", bytes.len());
            }
            for len in [encoding.len + 1, encoding.len - 1, 0, u64::MAX] {
                encoding.len = len;
                coder.decode::<Vec<u8>>(&encoding, &bytes).expect_err("the length is wrong");
            }
        }
    }
}

#[test]
fn what_is_large_is_compressed_if_a_part_of_it_becomes_small() {
    let noise = noise(150_000);
    let text = "a forecast of dry and sunny weather; ".repeat(4_000).into_bytes();
    for compression in [Compression::Lz4, Compression::Zstd] {
        for (parts, expected) in [
            ([&noise, &noise], Compression::None),
            ([&text, &text], compression),
            ([&noise, &text], compression),
            ([&text, &noise], compression),
        ] {
            let value = parts.map(|part| &part[..]).concat();
            let coder = Coder::new(Codec::Bincode, compression, 0);
            let Encoded { encoding, bytes } = coder.encode(&value).expect("bytes");
            assert_eq!(encoding.compression, expected, "{compression:?}");
            assert!(coder.decode::<Vec<u8>>(&encoding, &bytes).expect("the value") == value);
        }
    }
}

fn key() -> BackendKey {
    BackendKey::new("shop", "price", "1", b"7")
}

fn sealed(ttl: Option<Duration>, time: &Time) -> Value {
    let encoded = coder(Codec::Bincode).encode(&"ten".to_owned()).expect("bytes");
    Value::seal(&key(), &encoded, ttl, time)
}

#[test]
fn a_sealed_value_opens_for_its_own_key_only() {
    let time = Time::manual();
    let value = sealed(None, &time);
    let opened = Value::open(&key(), value.as_bytes(), &time).expect("the value");
    assert_eq!(opened, value);
    let found: String =
        coder(Codec::Bincode).decode(opened.encoding(), opened.payload()).expect("ten");
    assert_eq!(found, "ten");
    let other = BackendKey::new("shop", "price", "1", b"8");
    assert_eq!(Value::open(&other, value.as_bytes(), &time), Err(Unusable::Damaged));
}

#[test]
fn any_damage_is_noticed() {
    let time = Time::manual();
    let value = sealed(Some(Duration::from_secs(60)), &time);
    let bytes = value.as_bytes();
    for len in 0..bytes.len() {
        assert_eq!(
            Value::open(&key(), &bytes[..len], &time),
            Err(Unusable::Damaged),
            "{len} bytes"
        );
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1 << bit;
            let opened = Value::open(&key(), damaged, &time);
            assert_eq!(opened, Err(Unusable::Damaged), "bit {bit} of byte {at}");
        }
    }
    let longer = [bytes, b"\0"].concat();
    assert_eq!(Value::open(&key(), longer, &time), Err(Unusable::Damaged));
    for len in [0, 1, 63, 64, 65, 200] {
        assert_eq!(Value::open(&key(), vec![0; len], &time), Err(Unusable::Damaged));
        assert_eq!(Value::open(&key(), vec![255; len], &time), Err(Unusable::Damaged));
    }
}

#[test]
fn a_value_expires_by_the_wall_clock_and_when_that_has_jumped_back() {
    let time = Time::manual();
    let start = time.wall();
    let value = sealed(Some(Duration::from_secs(60)), &time);
    let open = || Value::open(&key(), value.as_bytes(), &time).map(|value| value.remaining(&time));
    assert_eq!(open(), Ok(Some(Duration::from_secs(60))));
    time.advance(Duration::from_millis(59_999));
    assert_eq!(open(), Ok(Some(Duration::from_millis(1))));
    time.advance(Duration::from_millis(1));
    assert_eq!(open(), Err(Unusable::Expired));
    time.set_wall(start - Duration::from_secs(3));
    assert_eq!(open(), Err(Unusable::Expired), "nobody knows how old it is");
    time.set_wall(start - Duration::from_secs(1));
    assert_eq!(
        open(),
        Ok(Some(Duration::from_secs(60))),
        "the clock of its writer is a little ahead"
    );
    time.set_wall(UNIX_EPOCH);
    assert_eq!(open(), Err(Unusable::Expired));
}

#[test]
fn lifetimes_of_nothing_and_of_ages_are_neither_wrong_nor_too_long() {
    let time = Time::manual();
    for ttl in [Duration::ZERO, Duration::from_nanos(999_999)] {
        let value = sealed(Some(ttl), &time);
        assert_eq!(Value::open(&key(), value.as_bytes(), &time), Err(Unusable::Expired));
    }
    for ttl in [None, Some(Duration::MAX), Some(Duration::from_millis(u64::MAX))] {
        assert!(sealed(ttl, &time).is_fresh(&time));
    }
}

#[test]
fn the_format_is_what_it_was() {
    let time = Time::manual();
    let value =
        Value::seal(&key(), &Encoded::raw(b"ten".to_vec()), Some(Duration::from_secs(1)), &time);
    let hex: String = value.as_bytes()[..64].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        concat!(
            "cac4e00d",
            "01000000",
            "0000000000000000",
            "00a8da769b010000",
            "e8abda769b010000",
            "0300000000000000",
            "4d00000000000000",
            "0300000000000000",
            "bce4ba6c3912c50e",
        )
    );
}
