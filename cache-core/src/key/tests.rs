use super::buffer::STACK;
use super::*;
use proptest::prelude::*;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    of(value).0
}

fn hash<T: Serialize + ?Sized>(value: &T) -> u64 {
    of(value).1
}

/// The bytes and the hash of a key of one argument, for some function.
fn of<T: Serialize + ?Sized>(value: &T) -> (Vec<u8>, u64) {
    let mut key = KeyWriter::new(Start::new(1));
    key.arg(value);
    let (bytes, hash) = key.finish().expect("it can be a key");
    (bytes.to_vec(), hash)
}

/// The bytes as hex, with text as text.
fn shown<T: Serialize + ?Sized>(value: &T) -> String {
    let mut shown = String::new();
    for byte in bytes(value) {
        write!(shown, "{byte:02x}").expect("a string takes everything");
    }
    shown
}

/// Checks that the values are pairwise different keys of different hashes, none of them the beginning of another.
macro_rules! distinct {
    ($($value:expr),+ $(,)?) => {
        let keys = [$((stringify!($value), of(&$value))),+];
        for (idx, (one, (key, hash))) in keys.iter().enumerate() {
            for (other, (other_key, other_hash)) in &keys[idx + 1..] {
                assert_ne!(hash, other_hash, "{one} and {other} collide");
                assert!(!key.starts_with(other_key) && !other_key.starts_with(key), "{one} and {other} are confused");
            }
        }
    };
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Nothing;

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Celsius(f64);

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Fahrenheit(f64);

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Pair(u8, u8);

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Query {
    text: String,
    page: u32,
    price: f64,
    tags: Vec<u32>,
    exact: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
enum Shape {
    Empty,
    Circle(u8),
    Line(u8, u8),
    Square { side: u8 },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Untagged {
    Nothing,
    Byte(u8),
    Word(u16),
    Text(String),
    Bytes(Vec<u8>),
    Pair(u8, u8),
    A { x: u8 },
    B { y: u8 },
    Celsius(Celsius),
    Fahrenheit(Fahrenheit),
    Shape(Shape),
    Maybe(Option<u8>),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
enum Internal {
    A { x: u8 },
    B { x: u8 },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "value")]
enum Adjacent {
    A(u8),
    B(u8),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

/// A map in the order of its entries, as an unordered map could iterate.
struct InOrder<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for InOrder<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// A value that serializes through its `Display`, in several pieces.
struct Shown<'a>(&'a [&'a str]);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| f.write_str(piece))
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Bytes, which serde keeps apart from sequences of `u8`.
struct Raw(&'static [u8]);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A sequence of unknown length.
struct Even(Vec<u32>);

impl Serialize for Even {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter(|&&number| number % 2 == 0))
    }
}

/// A unit struct of any name.
struct Named(&'static str);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit_struct(self.0)
    }
}

struct Refused;

impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("not today"))
    }
}

#[derive(Serialize)]
struct Tagged {
    #[serde(serialize_with = "unordered")]
    tags: HashSet<String>,
}

/// Changing any of these is a change of the format: keys that other processes wrote are no longer found.
#[test]
fn the_format_is_what_it_was() {
    macro_rules! golden {
        ($($value:expr => $hex:expr,)+) => {
            let mut n_values = 0;
            $(
                assert_eq!(shown(&$value), $hex.replace(' ', ""), "{}", stringify!($value));
                n_values += 1;
            )+
            assert!(n_values >= 50);
        };
    }
    golden! {
        false => "01",
        true => "02",
        -1_i8 => "10 ff",
        -2_i16 => "11 feff",
        i32::MIN => "12 00000080",
        -1_i64 => "13 ffffffffffffffff",
        1_i128 => "14 01000000000000000000000000000000",
        1_u8 => "18 01",
        1_u16 => "19 0100",
        0x0102_0304_u32 => "1a 04030201",
        1_u64 => "1b 0100000000000000",
        1_usize => "1b 0100000000000000",
        u128::MAX => "1c ffffffffffffffffffffffffffffffff",
        1.0_f32 => "20 0000803f",
        1.0_f64 => "21 000000000000f03f",
        -0.0_f64 => "21 0000000000000080",
        f64::from_bits(0x7ff8_0000_0000_0000) => "21 000000000000f87f",
        f64::NEG_INFINITY => "21 000000000000f0ff",
        'a' => "22 61000000",
        '\u{1F600}' => "22 00f60100",
        "" => "28 00000000",
        "ab" => "28 02000000 6162",
        "é".to_owned() => "28 02000000 c3a9",
        Shown(&["a", "b"]) => "28 02000000 6162",
        Raw(b"ab") => "29 02000000 6162",
        None::<u8> => "30",
        Some(1_u8) => "31 1801",
        Some(None::<u8>) => "31 30",
        Some(Some(1_u8)) => "31 31 1801",
        () => "32",
        Nothing => "38 07 4e6f7468696e67",
        Celsius(1.0) => "39 07 43656c73697573 21000000000000f03f",
        Pair(1, 2) => "3a 04 50616972 1801 1802 00",
        Sparse { a: Some(1), b: None } => "3b 06 537061727365 50 01 61 31 1801 51 01 62 00",
        Sparse { a: None, b: Some(1) } => "3b 06 537061727365 51 01 61 50 01 62 31 1801 00",
        Shape::Empty => "40 05 5368617065 00000000 05 456d707479",
        Shape::Circle(9) => "41 05 5368617065 01000000 06 436972636c65 1809",
        Shape::Line(1, 2) => "42 05 5368617065 02000000 04 4c696e65 1801 1802 00",
        Shape::Square { side: 3 } => "43 05 5368617065 03000000 06 537175617265 50 04 73696465 1803 00",
        Ok::<u8, u8>(1) => "41 06 526573756c74 00000000 02 4f6b 1801",
        Err::<u8, u8>(1) => "41 06 526573756c74 01000000 03 457272 1801",
        Vec::<u8>::new() => "48 00",
        vec![1_u8, 2] => "48 1801 1802 00",
        vec![vec![1_u8], vec![]] => "48 48 1801 00 48 00 00",
        Even(vec![1, 2, 3]) => "48 1a 02000000 00",
        [1_u8, 2] => "49 1801 1802 00",
        [0_u8; 0] => "49 00",
        (1_u8,) => "49 1801 00",
        ("a", 1_u16) => "49 28 01000000 61 19 0100 00",
        BTreeMap::<u8, u8>::new() => "4a 00",
        InOrder(vec![(2_u8, true), (1, false)]) => "4a 1801 01 1802 02 00",
        InOrder(vec![("b", 1_u8), ("aa", 2)]) => "4a 28 01000000 62 1801 28 02000000 6161 1802 00",
        Unordered(&[2_u8, 1, 2]) => "4a 1801 32 1802 32 1802 32 00",
        Flat { id: 1, rest: [("a".to_owned(), 2)].into() } => "4a 28 01000000 61 1802 28 02000000 6964 1801 00",
        Untagged::A { x: 1 } => "3b 08 556e746167676564 50 01 78 1801 00",
        Untagged::Byte(1) => "18 01",
        Internal::A { x: 1 } => "3b 08 496e7465726e616c 50 04 6b696e64 28 01000000 41 50 01 78 1801 00",
        Adjacent::A(1) =>
            "3b 08 41646a6163656e74 50 04 6b696e64 40 08 41646a6163656e74 00000000 01 41 50 05 76616c7565 1801 00",
        Duration::from_millis(1500) =>
            "3b 08 4475726174696f6e 50 04 73656373 1b 0100000000000000 50 05 6e616e6f73 1a 0065cd1d 00",
        IpAddr::from([127, 0, 0, 1]) => "41 06 497041646472 00000000 02 5634 49 187f 1800 1800 1801 00",
        std::num::NonZeroU8::MIN => "18 01",
        std::num::Wrapping(1_u8) => "18 01",
        PathBuf::from("a/b") => "28 03000000 612f62",
        serde_json::json!({ "b": [null, 1], "a": -1.5 }) =>
            "4a 28 01000000 61 21 000000000000f8bf 28 01000000 62 48 32 1b 0100000000000000 00 00",
    }
}

#[test]
fn long_names_keep_their_length() {
    let name: &'static str = "n".repeat(300).leak();
    let mut key = KeyWriter::new(Start::new(1));
    key.arg(&Named(name));
    let (written, _) = key.finish().expect("it can be a key");
    assert_eq!(written[..6], [0x38, 0xff, 0x2c, 0x01, 0, 0]);
    assert_eq!(&written[6..], name.as_bytes());
}

#[test]
fn width_and_sign_are_part_of_a_number() {
    distinct!(
        1_u8, 1_u16, 1_u32, 1_u64, 1_u128, 1_i8, 1_i16, 1_i32, 1_i64, 1_i128, 1.0_f32, 1.0_f64,
        true, '\u{1}', "1"
    );
}

#[test]
fn floats_are_their_bits() {
    distinct!(
        0.0_f64,
        -0.0_f64,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        None::<f64>
    );
    assert_eq!(bytes(&f64::NAN), bytes(&f64::NAN));
    assert_eq!(bytes(&f32::NAN), bytes(&f32::NAN));
}

// O-KEY-06
#[test]
fn nothing_is_not_something_that_looks_like_it() {
    distinct!(
        None::<&str>,
        Some("None"),
        Some(""),
        Some("null"),
        "",
        "None",
        (),
        [0_u8; 0],
        Vec::<u8>::new()
    );
    distinct!(
        None::<Option<Option<u8>>>,
        Some(None::<Option<u8>>),
        Some(Some(None::<u8>)),
        Some(Some(Some(0_u8)))
    );
    distinct!(None::<()>, Some(()), ());
    distinct!(Some(7_u8), 7_u8, [7_u8], vec![7_u8], (7_u8, ()), Some([7_u8]));
}

// O-KEY-04 and O-KEY-05
#[test]
fn arguments_do_not_run_into_each_other() {
    distinct!(("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("", "", "abc"), ("abc",), "abc");
    distinct!(
        ("ns", "", "k"),
        ("ns", "k", ""),
        ("", "ns", "k"),
        ("ns", "k"),
        ("ns\0", "k"),
        ("ns", "\0k")
    );
    distinct!(
        (vec![1_u8], vec![2_u8, 3]),
        (vec![1_u8, 2], vec![3_u8]),
        (vec![1_u8, 2, 3], Vec::<u8>::new())
    );
    distinct!(
        vec![vec![1_u8], vec![2]],
        vec![vec![1_u8, 2]],
        vec![vec![], vec![1_u8, 2]],
        vec![vec![1_u8, 2], vec![]]
    );

    let mut one = KeyWriter::new(Start::new(1));
    one.arg("ab");
    one.arg("c");
    let mut other = KeyWriter::new(Start::new(1));
    other.arg("a");
    other.arg("bc");
    let (one, other) = (one.finish(), other.finish());
    let ((bytes, hash), (other_bytes, other_hash)) = (one.expect("a key"), other.expect("a key"));
    assert_ne!(bytes, other_bytes);
    assert_ne!(hash, other_hash);
}

#[test]
fn a_skipped_field_is_not_an_absent_one() {
    #[derive(Serialize)]
    #[serde(rename = "Sparse")]
    struct Dense {
        a: Option<u8>,
    }
    distinct!(
        Sparse { a: Some(7), b: None },
        Sparse { a: None, b: Some(7) },
        Sparse { a: Some(7), b: Some(7) },
        Sparse { a: None, b: None },
        Dense { a: Some(7) },
        Dense { a: None },
    );
}

#[test]
fn untagged_variants_are_told_apart_by_all_that_serde_shows() {
    distinct!(
        Untagged::Nothing,
        Untagged::Byte(1),
        Untagged::Word(1),
        Untagged::Text("1".to_owned()),
        Untagged::Bytes(vec![1, 1]),
        Untagged::Pair(1, 1),
        Untagged::A { x: 1 },
        Untagged::B { y: 1 },
        Untagged::Celsius(Celsius(1.0)),
        Untagged::Fahrenheit(Fahrenheit(1.0)),
        Untagged::Shape(Shape::Empty),
        Untagged::Shape(Shape::Circle(1)),
        Untagged::Maybe(None),
        Untagged::Maybe(Some(1)),
    );
    distinct!(Celsius(1.0), Fahrenheit(1.0), 1.0_f64, [1.0_f64], (1.0_f64, 1.0_f64));
    distinct!(Internal::A { x: 1 }, Internal::B { x: 1 }, Adjacent::A(1), Adjacent::B(1));
    distinct!(Pair(1, 2), (1_u8, 2_u8), vec![1_u8, 2], Raw(&[1, 2]), Shape::Line(1, 2));
}

#[test]
fn references_are_what_they_refer_to() {
    let text = "text".to_owned();
    for key in [
        of(&&&text),
        of(&*text),
        of(&Box::new(&text)),
        of(&Arc::new("text")),
        of(&RefCell::new("text")),
    ] {
        assert_eq!(key, of(&text));
    }
}

#[test]
fn text_that_is_formatted_is_text() {
    for text in ["", "a", "some longer text", &"x".repeat(255), &"x".repeat(1000)] {
        let middle = text.len() / 2;
        assert_eq!(of(&Shown(&[&text[..middle], "", &text[middle..]])), of(text));
    }
}

// O-KEY-09
#[test]
fn equal_maps_are_equal_keys_in_any_order() {
    let entries: Vec<(String, HashMap<u32, bool>)> = (0..12)
        .map(|idx| (format!("key {idx}"), (0..idx).map(|n| (n, n % 2 == 0)).collect()))
        .collect();
    let expected = of(&entries.iter().cloned().collect::<BTreeMap<_, _>>());
    for turn in 0..1000 {
        // Every map has a hasher of its own, and a capacity that changes its order.
        let mut map = HashMap::with_capacity(turn);
        for idx in 0..entries.len() {
            let (key, value) = &entries[(idx * 5 + turn) % entries.len()];
            map.insert(
                key.clone(),
                value.iter().map(|(&n, &even)| (n, even)).collect::<HashMap<_, _>>(),
            );
        }
        assert_eq!(of(&map), expected);
    }
}

#[test]
fn maps_of_every_size_are_sorted() {
    for n_entries in [0, 1, 2, 20, 31, 32, 33, 100, 1000] {
        for width in [0, 1, 7, 300] {
            let entry = |idx: usize| (format!("{idx}{}", "x".repeat(idx % (width + 1))), idx as u8);
            let forth = InOrder((0..n_entries).map(entry).collect());
            let back = InOrder((0..n_entries).rev().map(entry).collect());
            let mixed = InOrder((0..n_entries).map(|idx| entry(idx * 7 % n_entries)).collect());
            assert_eq!(of(&forth), of(&back), "{n_entries} of up to {width} bytes");
            if n_entries % 7 != 0 {
                assert_eq!(of(&forth), of(&mixed), "{n_entries} of up to {width} bytes");
            }
        }
    }
}

#[test]
fn different_maps_are_different_keys() {
    distinct!(
        InOrder(vec![(1_u8, 2_u8), (3, 4)]),
        InOrder(vec![(1_u8, 4_u8), (3, 2)]),
        InOrder(vec![(1_u8, 2_u8), (1, 2)]),
        InOrder(vec![(1_u8, 2_u8)]),
        vec![(1_u8, 2_u8), (3, 4)],
        vec![1_u8, 2, 3, 4],
    );
}

#[test]
fn sets_in_any_order_are_equal_keys() {
    let expected = of(&Tagged { tags: ["a", "b", "c"].map(str::to_owned).into() });
    let expected_set = of(&Unordered(&BTreeSet::from([1, 2, 3])));
    for turn in 0..1000 {
        let mut order = ["a", "b", "c"];
        order.rotate_left(turn % 3);
        let mut tags = HashSet::with_capacity(turn);
        tags.extend(order.map(str::to_owned));
        assert_eq!(of(&Tagged { tags }), expected);
        assert_eq!(of(&Unordered(&HashSet::from([3, 1, 2]))), expected_set);
    }
    distinct!(
        Unordered(&[1, 2]),
        Unordered(&[1, 2, 2]),
        Unordered(&[1, 1, 2]),
        Unordered(&[1]),
        Unordered([1, 2, 3])
    );
    assert_eq!(of(&Unordered([1, 2].iter().map(|n| n * 2))), of(&Unordered(&[4, 2])));
}

#[test]
fn a_key_does_not_depend_on_where_it_leaves_the_stack() {
    let values = (
        7_u64,
        Query { text: "text".to_owned(), page: 1, price: 1.5, tags: vec![1, 2], exact: true },
        Shown(&["in ", "pieces"]),
        InOrder((0..20_u8).rev().map(|idx| (idx, InOrder(vec![("b", idx), ("a", 1)]))).collect()),
        serde_json::json!({ "z": { "y": 1, "x": [true] }, "a": "text" }),
    );
    let expected = bytes(&values);
    for pad in 0..=STACK + 10 {
        let mut key = KeyWriter::new(Start::new(1));
        key.arg(&"x".repeat(pad));
        let start = key.finish().expect("it can be a key").0.len();
        key.arg(&values);
        let (written, hash) = key.finish().expect("it can be a key");
        assert_eq!(written[start..], expected, "after {start} bytes");
        let mut again = KeyWriter::new(Start::new(1));
        again.arg(&&*"x".repeat(pad));
        again.arg(&&values);
        assert_eq!(again.finish().expect("it can be a key"), (written, hash));
    }
}

#[test]
fn keys_leave_the_stack_when_they_must() {
    for len in [0, 5, STACK - 1, STACK, STACK + 1, 2 * STACK, 10 * STACK] {
        let mut key = KeyWriter::new(Start::new(1));
        if len > 0 {
            key.arg(&"x".repeat(len - 5));
        }
        assert_eq!(key.buffer.written().len(), len);
        assert_eq!(key.buffer.is_on_heap(), len > STACK, "{len} bytes");
    }
}

#[test]
fn the_first_error_is_kept_and_ends_the_key() {
    let mut key = KeyWriter::new(Start::new(1));
    key.arg("before");
    key.arg(&Refused);
    key.arg("after");
    let error = key.finish().expect_err("there is no key").to_string();
    assert_eq!(error, "an argument cannot be part of a cache key: not today");
    let locked = RefCell::new(1);
    let _guard = locked.borrow_mut();
    let mut key = KeyWriter::new(Start::new(1));
    key.arg(&locked);
    assert!(key.finish().is_err());
}

#[test]
fn arguments_do_not_show_in_debug_output() {
    let mut key = KeyWriter::new(Start::new(1));
    key.arg("secret");
    assert_eq!(format!("{key:?}"), "KeyWriter { buffer: 11 bytes, error: None }");
}

/// An impl that goes on when a part of it cannot be a key.
#[test]
fn a_failed_part_is_not_left_out() {
    struct Careless;
    impl Serialize for Careless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut parts = serializer.serialize_seq(None)?;
            let _ = ser::SerializeSeq::serialize_element(&mut parts, &("x".repeat(1000), Refused));
            let _ = ser::SerializeSeq::serialize_element(&mut parts, &1);
            ser::SerializeSeq::end(parts)
        }
    }
    for pad in ["", &"x".repeat(1000)] {
        let mut key = KeyWriter::new(Start::new(1));
        key.arg(pad);
        key.arg(&Careless);
        let error = key.finish().expect_err("there is no key").to_string();
        assert!(error.ends_with("it goes on after a part of it has failed"), "{error}");
    }
}

#[test]
fn hashes_depend_on_function_and_arguments() {
    let mut hashes = HashSet::new();
    for function in 0..100 {
        for text in ["ab", "ba", ""] {
            let mut key = KeyWriter::new(Start::new(function));
            key.arg(text);
            let (_, hash) = key.finish().expect("it can be a key");
            hashes.insert(hash);
            assert_eq!(key.finish().expect("it can be a key").1, hash);
        }
    }
    assert_eq!(hashes.len(), 300);
}

#[test]
fn every_byte_of_a_text_is_hashed() {
    let mut hashes = HashSet::new();
    for len in 0..=140 {
        let zeros = "\0".repeat(len);
        assert!(hashes.insert(hash(&zeros)), "{len} zeros");
        for at in 0..len {
            let mut text = zeros.clone();
            text.replace_range(at..=at, "x");
            assert!(hashes.insert(hash(&text)), "{len} zeros, changed at {at}");
        }
    }
}

#[test]
fn untagged_lists_do_not_collide_by_their_shape() {
    let byte = |ok| if ok { Untagged::A { x: 1 } } else { Untagged::B { y: 1 } };
    let text = |ok| if ok { Untagged::Bytes(vec![1]) } else { Untagged::Byte(1) };
    for make in [byte, text] {
        let lists = (0..1024_u32).map(|n| (0..10).map(move |bit| make(n >> bit & 1 == 1)));
        let hashes: HashSet<u64> = lists.map(|list| hash(&list.collect::<Vec<_>>())).collect();
        assert_eq!(hashes.len(), 1024);
    }
    let nested: HashSet<u64> = (0..100).map(|n| hash(&vec![Vec::<()>::new(); n])).collect();
    assert_eq!(nested.len(), 100);
    let units: HashSet<u64> = (0..100).map(|n| hash(&vec![(); n])).collect();
    assert_eq!(units.len(), 100);
}

/// The place in a table comes from the highest bits, the tag of a key from the lowest ones of the upper half.
#[test]
fn hashes_spread_over_the_bits_that_are_used() {
    fn check(keys: &str, hashes: impl Iterator<Item = u64>) {
        let (mut low, mut high) = (vec![0_u32; 1024], vec![0_u32; 1024]);
        for hash in hashes {
            low[(hash >> 32) as usize % 1024] += 1;
            high[(hash >> 54) as usize] += 1;
        }
        // Six standard deviations below 50, which is never, and more above.
        for loads in [low, high] {
            assert!(loads.iter().all(|load| (8..130).contains(load)), "{keys}: {loads:?}");
        }
    }
    let n = 1024 * 50_u64;
    check("numbers", (0..n).map(|id| hash(&id)));
    check("far numbers", (0..n).map(|id| hash(&(id << 40))));
    check("floats", (0..n).map(|id| hash(&(id as f64))));
    check("pairs", (0..n).map(|id| hash(&(id / 256, id as u8))));
    check("texts", (0..n).map(|id| hash(&format!("user {id}"))));
    check("long texts", (0..n).map(|id| hash(&format!("{id:050}"))));
    check(
        "flags",
        (0..n).map(|id| hash(&(0..17).map(|bit| id >> bit & 1 == 1).collect::<Vec<_>>())),
    );
    check("maps", (0..n).map(|id| hash(&BTreeMap::from([(id / 256, id as u8)]))));
}

/// Values of one type that has everything, over few enough numbers and letters that pairs are often nearly equal.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Everything {
    number: u8,
    wide: i64,
    text: String,
    maybe: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sparse: Option<u8>,
    list: Vec<Untagged>,
    map: BTreeMap<String, Vec<u8>>,
    shape: Shape,
    pair: (String, Vec<String>),
    letter: char,
    result: Result<u8, String>,
}

fn text() -> impl Strategy<Value = String> {
    "[ab\\x00P]{0,3}"
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Empty),
        (0..2_u8).prop_map(Shape::Circle),
        (0..2_u8, 0..2_u8).prop_map(|(a, b)| Shape::Line(a, b)),
        (0..2_u8).prop_map(|side| Shape::Square { side }),
    ]
}

fn untagged() -> impl Strategy<Value = Untagged> {
    prop_oneof![
        Just(Untagged::Nothing),
        (0..2_u8).prop_map(Untagged::Byte),
        (0..2_u16).prop_map(Untagged::Word),
        text().prop_map(Untagged::Text),
        prop::collection::vec(0..2_u8, 0..3).prop_map(Untagged::Bytes),
        (0..2_u8, 0..2_u8).prop_map(|(a, b)| Untagged::Pair(a, b)),
        (0..2_u8).prop_map(|x| Untagged::A { x }),
        (0..2_u8).prop_map(|y| Untagged::B { y }),
        shape().prop_map(Untagged::Shape),
        (1..3_u8).prop_map(|n| Untagged::Celsius(Celsius(n.into()))),
        prop::option::of(0..2_u8).prop_map(Untagged::Maybe),
    ]
}

fn everything() -> impl Strategy<Value = Everything> {
    let first = (
        0..2_u8,
        0..2_i64,
        text(),
        prop::option::of(prop::option::of(text())),
        prop::option::of(0..2_u8),
    );
    let second = (
        prop::collection::vec(untagged(), 0..3),
        prop::collection::btree_map(text(), prop::collection::vec(0..2_u8, 0..2), 0..3),
        shape(),
        (text(), prop::collection::vec(text(), 0..3)),
        prop::char::range('a', 'b'),
        prop_oneof![(0..2_u8).prop_map(Ok), text().prop_map(Err)],
    );
    (first, second).prop_map(
        |((number, wide, text, maybe, sparse), (list, map, shape, pair, letter, result))| {
            Everything { number, wide, text, maybe, sparse, list, map, shape, pair, letter, result }
        },
    )
}

/// Equal exactly if the bytes are, and otherwise neither begins with the other.
fn check<T: Serialize + PartialEq>(one: &T, other: &T) -> Result<(), TestCaseError> {
    let ((key, hash), (other_key, other_hash)) = (of(one), of(other));
    prop_assert_eq!(one == other, key == other_key);
    prop_assert_eq!(one == other, hash == other_hash);
    prop_assert!(one == other || !key.starts_with(&other_key) && !other_key.starts_with(&key));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_are_equal_exactly_if_values_are(one in everything(), other in everything()) {
        check(&one, &one.clone())?;
        check(&one, &other)?;
        check(&one.list, &other.list)?;
        check(&one.map, &other.map)?;
        check(&one.pair, &other.pair)?;
        check(&one.maybe, &other.maybe)?;
    }

    #[test]
    fn one_changed_part_changes_the_key(one in everything(), other in everything(), part in 0..11_usize) {
        let mut changed = one.clone();
        match part {
            0 => changed.number = other.number,
            1 => changed.wide = other.wide,
            2 => changed.text = other.text,
            3 => changed.maybe = other.maybe,
            4 => changed.sparse = other.sparse,
            5 => changed.list = other.list,
            6 => changed.map = other.map,
            7 => changed.shape = other.shape,
            8 => changed.pair = other.pair,
            9 => changed.letter = other.letter,
            _ => changed.result = other.result,
        }
        check(&one, &changed)?;
    }

    #[test]
    fn scalars_are_equal_exactly_if_their_bits_are(one: (u64, i128, u64), other: (u64, i128, u64)) {
        check(&one, &other)?;
        let (float, other_float) = (f64::from_bits(one.2), f64::from_bits(other.2));
        prop_assert_eq!(bytes(&float) == bytes(&other_float), float.to_bits() == other_float.to_bits());
    }

    #[test]
    fn texts_next_to_each_other_stay_apart(one: (String, String, Vec<String>), other: (String, String, Vec<String>)) {
        check(&one, &other)?;
    }

    #[test]
    fn shuffled_maps_are_equal_keys(
        (entries, shuffled) in prop::collection::btree_map(text(), untagged(), 0..40)
            .prop_map(|map| map.into_iter().collect::<Vec<_>>())
            .prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle()))
    ) {
        prop_assert_eq!(of(&InOrder(entries)), of(&InOrder(shuffled)));
    }
}
