#[cfg(feature = "math")]
#[deprecated]
pub(crate) fn twice(n: u32) -> Option<u32> {
    facade::cache::__private::require_option::<Option<u32>>();
    let miss = match twice::__cache_site()
        .get(
            facade::cache::__private::plan!(Option < u32 >, whole),
            |key| {
                key.arg(&n);
            },
        )
    {
        facade::cache::__private::Lookup::Hit(value) => return value,
        facade::cache::__private::Lookup::Miss(miss) => miss,
    };
    miss.load(move || -> Option<u32> { n.checked_mul(2) })
}
#[cfg(feature = "math")]
///What is cached of `twice`.
pub(crate) enum twice {}
#[cfg(feature = "math")]
#[allow(deprecated, clippy::all, clippy::pedantic, clippy::nursery)]
impl twice {
    fn __cache_site() -> facade::cache::__private::Site {
        static CACHE_FUNCTION: facade::cache::__private::Function = facade::cache::__private::Function::new(
                "double",
                facade::cache::__private::module_path!(),
                facade::cache::__private::file!(),
                facade::cache::__private::line!(),
            )
            .cache_none();
        facade::cache::__private::register! {
            & CACHE_FUNCTION
        }
        facade::cache::__private::Site::of(&CACHE_FUNCTION)
    }
    /// What happened so far.
    pub(crate) fn stats() -> facade::cache::Stats {
        twice::__cache_site().stats()
    }
    /// Drops every entry.
    pub(crate) fn clear() {
        twice::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    pub(crate) fn invalidate(n: &u32) -> bool {
        twice::__cache_site()
            .invalidate(|key| {
                key.arg(&n);
            })
    }
    /// What is stored for this call; never runs the body.
    pub(crate) fn peek(n: &u32) -> facade::cache::__private::Option<Option<u32>> {
        twice::__cache_site()
            .peek(
                facade::cache::__private::plan!(Option < u32 >, whole),
                |key| {
                    key.arg(&n);
                },
            )
    }
    /// Stores a result for this call; true if it is stored now.
    pub(crate) fn put(n: u32, value: Option<u32>) -> bool {
        twice::__cache_site()
            .put(
                facade::cache::__private::plan!(Option < u32 >, whole),
                |key| {
                    key.arg(&n);
                },
                value,
            )
    }
    /// Calls the function and replaces what is stored.
    pub(crate) fn refresh(n: u32) -> Option<u32> {
        twice::__cache_site().refresh(|| twice(n))
    }
    /// Calls the function and leaves what is stored alone.
    pub(crate) fn uncached(n: u32) -> Option<u32> {
        twice::__cache_site().uncached(|| twice(n))
    }
    /// Calls the function once for each tuple of arguments.
    pub(crate) fn warm<
        'cache_warm,
        CacheCalls: facade::cache::__private::IntoIterator<
                Item = (u32,),
                IntoIter: facade::cache::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> facade::cache::Warm<
        'cache_warm,
        impl facade::cache::__private::Iterator<
            Item = impl facade::cache::__private::FnOnce(),
        >,
    > {
        facade::cache::Warm::new(
            facade::cache::__private::map(
                calls,
                |(n,)| move || {
                    let _ = twice(n);
                },
            ),
        )
    }
}
