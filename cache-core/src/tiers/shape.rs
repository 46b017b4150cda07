//! What serde shows of a type, as a number: another one if a field is renamed, moved or of another type.
//!
//! The type is asked to read itself, and gets made-up values. One that refuses those is known up to there.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::value::U32Deserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use twox_hash::XxHash3_64;

/// Types that contain themselves are followed so far.
const MAX_DEPTH: u32 = 12;
/// And so many parts of a type are looked at.
const MAX_PARTS: u32 = 4_096;
/// Of so many variants of an enum the contents are looked at; the names are known of all.
const MAX_VARIANTS: usize = 32;

/// The shape of a type.
pub(super) fn of<T: DeserializeOwned>() -> u64 {
    let mut shape = Shape { text: String::new(), n_parts: 0, variant: 0, n_variants: 1 };
    // Each time each enum is another of its variants.
    while shape.variant < shape.n_variants {
        // A type that refuses what it is given, or panics, is known up to there.
        let look = || drop(T::deserialize(Part { shape: &mut shape, depth: 0 }));
        drop(catch_unwind(AssertUnwindSafe(look)));
        shape.variant += 1;
    }
    XxHash3_64::oneshot(shape.text.as_bytes())
}

/// One number for two.
pub(super) fn join(left: u64, right: u64) -> u64 {
    XxHash3_64::oneshot_with_seed(left, &right.to_le_bytes())
}

struct Shape {
    text: String,
    n_parts: u32,
    /// Which variant all enums are now.
    variant: usize,
    n_variants: usize,
}

impl Shape {
    fn note(&mut self, text: &str) {
        self.text.push_str(text);
        // In no name.
        self.text.push('\0');
    }
}

/// A part of a type.
struct Part<'a> {
    shape: &'a mut Shape,
    depth: u32,
}

impl<'a> Part<'a> {
    /// Notes what the part is.
    fn is(self, kind: &str, names: &[&str]) -> Result<Self, Refused> {
        self.shape.n_parts += 1;
        self.shape.note(kind);
        names.iter().for_each(|name| self.shape.note(name));
        if self.shape.n_parts > MAX_PARTS { Err(Refused) } else { Ok(self) }
    }

    /// So many parts within, if that goes no deeper than all types do.
    fn parts(self, n_parts: usize) -> Parts<'a> {
        let n_left = if self.depth < MAX_DEPTH { n_parts } else { 0 };
        Parts { shape: self.shape, depth: self.depth + 1, n_left }
    }
}

macro_rules! scalars {
    ($($method:ident $visit:ident $value:expr;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            self.is(stringify!($method), &[])?;
            visitor.$visit($value)
        }
    )+};
}

impl<'de> Deserializer<'de> for Part<'_> {
    type Error = Refused;

    scalars! {
        deserialize_bool visit_bool false;
        deserialize_i8 visit_i8 0;
        deserialize_i16 visit_i16 0;
        deserialize_i32 visit_i32 0;
        deserialize_i64 visit_i64 0;
        deserialize_i128 visit_i128 0;
        deserialize_u8 visit_u8 0;
        deserialize_u16 visit_u16 0;
        deserialize_u32 visit_u32 0;
        deserialize_u64 visit_u64 0;
        deserialize_u128 visit_u128 0;
        deserialize_f32 visit_f32 0.0;
        deserialize_f64 visit_f64 0.0;
        deserialize_char visit_char 'a';
        deserialize_str visit_str "";
        deserialize_string visit_str "";
        deserialize_bytes visit_bytes b"";
        deserialize_byte_buf visit_bytes b"";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.is("any", &[])?;
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_any(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let part = self.is("option", &[])?;
        if part.depth >= MAX_DEPTH {
            return visitor.visit_none();
        }
        visitor.visit_some(Part { depth: part.depth + 1, ..part })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.is("unit", &[])?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.is("unit struct", &[name])?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let part = self.is("newtype struct", &[name])?;
        if part.depth >= MAX_DEPTH {
            return Err(Refused);
        }
        visitor.visit_newtype_struct(Part { depth: part.depth + 1, ..part })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_seq(self.is("sequence", &[])?.parts(1))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_seq(self.is("tuple", &[&len.to_string()])?.parts(len))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_seq(self.is("tuple struct", &[name, &len.to_string()])?.parts(len))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_map(self.is("map", &[])?.parts(1))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_seq(self.is("struct", &[name])?.is("fields", fields)?.parts(fields.len()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let part = self.is("enum", &[name])?.is("variants", variants)?;
        let n_variants = variants.len().min(MAX_VARIANTS);
        part.shape.n_variants = part.shape.n_variants.max(n_variants);
        if part.depth >= MAX_DEPTH {
            return Err(Refused);
        }
        visitor.visit_enum(Variant { part, n_variants: n_variants.max(1) })
    }
}

/// The parts of a sequence, a map or a struct.
struct Parts<'a> {
    shape: &'a mut Shape,
    depth: u32,
    n_left: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refused> {
        if self.n_left == 0 {
            return Ok(None);
        }
        self.n_left -= 1;
        seed.deserialize(Part { shape: self.shape, depth: self.depth }).map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Refused;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refused> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refused> {
        seed.deserialize(Part { shape: self.shape, depth: self.depth })
    }
}

/// An enum that is one of its variants.
struct Variant<'a> {
    part: Part<'a>,
    n_variants: usize,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Refused;
    type Variant = Part<'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Part<'a>), Refused> {
        let variant = self.part.shape.variant % self.n_variants;
        let variant: U32Deserializer<Refused> = (variant as u32).into_deserializer();
        Ok((seed.deserialize(variant)?, Part { depth: self.part.depth + 1, ..self.part }))
    }
}

impl<'de> VariantAccess<'de> for Part<'_> {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        self.is("unit variant", &[]).map(drop)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refused> {
        seed.deserialize(self.is("newtype variant", &[])?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_struct("variant", fields, visitor)
    }
}

/// The type wants another value, or there is too much of it.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is a look at a type, not a value")
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}
