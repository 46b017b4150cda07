//! Keys that are told apart by a number.

use std::marker::PhantomData;

#[derive(Clone, Copy)]
pub(crate) struct KeyRef<'a> {
    pub(crate) hash: u64,
    pub(crate) number: u64,
    pub(crate) bytes: PhantomData<&'a [u8]>,
}

impl KeyRef<'_> {
    pub(crate) fn new(hash: u64, number: u64) -> Self {
        Self { hash, number, bytes: PhantomData }
    }
}
