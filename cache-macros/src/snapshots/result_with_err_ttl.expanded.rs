fn price(product: u64) -> Result<u64, Error> {
    ::cache_core::__private::require_result::<Result<u64, Error>>();
    let miss = {
        let call = &mut price::__cache_site().call();
        call.arg(&product);
        match call.get(price::__cache_plan()) {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        }
    };
    miss.load(move || -> Result<u64, Error> { lookup(product) })
}
///What is cached of `price`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum price {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl price {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "price",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                ::cache_core::__private::line!(),
            )
            .ttl(::cache_core::__private::Duration::from_secs(5400))
            .err_ttl(::cache_core::__private::Duration::from_millis(250))
            .jitter(10);
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<Result<u64, Error>> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                ::cache_core::__private::Whole(
                    ::cache_core::__private::Returns::<Result<u64, Error>>::NEW
                        .__cache_kind(),
                ),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        price::__cache_site().stats()
    }
    /// Drops every entry.
    fn clear() {
        price::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate(product: &u64) -> ::cache_core::__private::bool {
        let call = &mut price::__cache_site().call();
        call.arg(&*product);
        call.invalidate()
    }
    /// What is stored for this call; never runs the body.
    fn peek(product: &u64) -> ::cache_core::__private::Option<Result<u64, Error>> {
        let call = &mut price::__cache_site().call();
        call.arg(&*product);
        call.peek(price::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put(product: u64, out: Result<u64, Error>) -> ::cache_core::__private::bool {
        let call = &mut price::__cache_site().call();
        call.arg(&product);
        call.put(price::__cache_plan(), &out, ::cache_core::__private::Terms::new())
    }
    /// Calls the function and replaces what is stored.
    fn refresh(product: u64) -> Result<u64, Error> {
        let _forced = price::__cache_site().refresh();
        price(product)
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached(product: u64) -> Result<u64, Error> {
        let _forced = price::__cache_site().uncached();
        price(product)
    }
    /// Calls the function once for each tuple of arguments.
    fn warm<
        'cache_warm,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (u64,),
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
            |(product,)| {
                let _ = price(product);
            },
        )
    }
}
