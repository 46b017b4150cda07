#[cfg(feature = "math")]
#[deprecated]
pub(crate) fn twice(n: u32) -> Option<u32> {
    facade::cache::__private::require_option::<Option<u32>>();
    let miss = {
        let call = &mut twice::__cache_site().call();
        call.arg(&n);
        match call.get(twice::__cache_plan()) {
            facade::cache::__private::Lookup::Hit(value) => return value,
            facade::cache::__private::Lookup::Miss(miss) => miss,
        }
    };
    miss.load(move || -> Option<u32> { n.checked_mul(2) })
}
#[cfg(feature = "math")]
///What is cached of `twice`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub(crate) enum twice {}
#[cfg(feature = "math")]
#[allow(deprecated, unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl twice {
    #[inline]
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
    #[inline]
    fn __cache_plan() -> facade::cache::__private::Plan<Option<u32>> {
        {
            #[allow(unused_imports)]
            use facade::cache::__private::probes::*;
            (&facade::cache::__private::Planned(
                facade::cache::__private::Whole(
                    facade::cache::__private::Returns::<Option<u32>>::NEW.__cache_kind(),
                ),
            ))
                .__cache_plan()
        }
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
    pub(crate) fn invalidate(n: &u32) -> facade::cache::__private::bool {
        let call = &mut twice::__cache_site().call();
        call.arg(&*n);
        call.invalidate()
    }
    /// What is stored for this call; never runs the body.
    pub(crate) fn peek(n: &u32) -> facade::cache::__private::Option<Option<u32>> {
        let call = &mut twice::__cache_site().call();
        call.arg(&*n);
        call.peek(twice::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    pub(crate) fn put(n: u32, out: Option<u32>) -> facade::cache::__private::bool {
        let call = &mut twice::__cache_site().call();
        call.arg(&n);
        call.put(twice::__cache_plan(), &out, facade::cache::__private::Terms::new())
    }
    /// Calls the function and replaces what is stored.
    pub(crate) fn refresh(n: u32) -> Option<u32> {
        let _forced = twice::__cache_site().refresh();
        twice(n)
    }
    /// Calls the function and leaves what is stored alone.
    pub(crate) fn uncached(n: u32) -> Option<u32> {
        let _forced = twice::__cache_site().uncached();
        twice(n)
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
        <CacheCalls as facade::cache::__private::IntoIterator>::IntoIter,
    > {
        facade::cache::Warm::new(
            calls,
            |(n,)| {
                let _ = twice(n);
            },
        )
    }
}
