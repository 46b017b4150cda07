/// How much fits in.
#[must_use]
pub fn area(width: u32, height: u32) -> u64 {
    let miss = {
        let call = &mut area::__cache_site().call();
        call.arg(&width);
        call.arg(&height);
        match call.get(area::__cache_plan()) {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        }
    };
    miss.load(move || -> u64 { u64::from(width) * u64::from(height) })
}
///What is cached of `area`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub enum area {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl area {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
            "area",
            ::cache_core::__private::module_path!(),
            ::cache_core::__private::file!(),
            ::cache_core::__private::line!(),
        );
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<u64> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                ::cache_core::__private::Returns::<u64>::NEW.__cache_kind(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    pub fn stats() -> ::cache_core::Stats {
        area::__cache_site().stats()
    }
    /// Drops every entry.
    pub fn clear() {
        area::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    pub fn invalidate(width: &u32, height: &u32) -> ::cache_core::__private::bool {
        let call = &mut area::__cache_site().call();
        call.arg(&*width);
        call.arg(&*height);
        call.invalidate()
    }
    /// What is stored for this call; never runs the body.
    pub fn peek(width: &u32, height: &u32) -> ::cache_core::__private::Option<u64> {
        let call = &mut area::__cache_site().call();
        call.arg(&*width);
        call.arg(&*height);
        call.peek(area::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    pub fn put(width: u32, height: u32, out: u64) -> ::cache_core::__private::bool {
        let call = &mut area::__cache_site().call();
        call.arg(&width);
        call.arg(&height);
        call.put(area::__cache_plan(), &out, ::cache_core::__private::Terms::new())
    }
    /// Calls the function and replaces what is stored.
    pub fn refresh(width: u32, height: u32) -> u64 {
        let _forced = area::__cache_site().refresh();
        area(width, height)
    }
    /// Calls the function and leaves what is stored alone.
    pub fn uncached(width: u32, height: u32) -> u64 {
        let _forced = area::__cache_site().uncached();
        area(width, height)
    }
    /// Calls the function once for each tuple of arguments.
    pub fn warm<
        'cache_warm,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (u32, u32),
                IntoIter: ::cache_core::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> ::cache_core::Warm<
        'cache_warm,
        <CacheCalls as ::cache_core::__private::IntoIterator>::IntoIter,
    > {
        ::cache_core::Warm::new(
            calls,
            |(width, height)| {
                let _ = area(width, height);
            },
        )
    }
}
