//! How statistics are serialized: their fields under their names, spans of time in seconds.
//!
//! Written here once instead of derived, because a derive would make every user compile it.

use std::time::Duration;

/// Implements `serde::Serialize` for a struct, whose fields are all listed.
macro_rules! serialize_fields {
    ($type:ident { $($field:ident $(as $how:ident)?),+ $(,)? }) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct as _;
                // A field that is not listed does not compile.
                let Self { $($field),+ } = self;
                let n_fields = [$(stringify!($field)),+].len();
                let mut fields = serializer.serialize_struct(stringify!($type), n_fields)?;
                $(
                    $(let $field = &$how($field);)?
                    fields.serialize_field(stringify!($field), $field)?;
                )+
                fields.end()
            }
        }
    };
}

/// Implements `serde::Serialize` for what is displayed as one word.
macro_rules! serialize_display {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

pub(crate) use {serialize_display, serialize_fields};

/// A span of time in seconds.
pub(crate) fn seconds(span: &Duration) -> f64 {
    span.as_secs_f64()
}

/// A span of time in seconds, if there is one.
pub(crate) fn seconds_if_any(span: &Option<Duration>) -> Option<f64> {
    span.as_ref().map(seconds)
}
