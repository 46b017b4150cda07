fn count<T: Table>(db: &impl Database, filter: impl Into<String> + Serialize) -> u64 {
    let call = &mut count::__cache_site_of::<T, _, _>(&db, &filter).call();
    call.arg(&filter);
    call.answer(
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<u64>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        },
        move || -> u64 { db.count::<T>(&filter.into()) },
    )
}
///What is cached of `count`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum count {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl count {
    fn __cache_function() -> &'static ::cache_core::__private::Function {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "count",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .fingerprint(14259749290682381338u64);
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        &CACHE_FUNCTION
    }
    #[inline]
    fn __cache_site<
        T: Table,
        CacheImpl1: Database,
        CacheImpl2: Into<String> + Serialize,
    >() -> ::cache_core::__private::Site {
        ::cache_core::__private::Site::generic(
            count::__cache_function(),
            &|| {},
            || {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<u64>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            },
        )
    }
    #[inline]
    fn __cache_plan<
        T: Table,
        CacheImpl1: Database,
        CacheImpl2: Into<String> + Serialize,
    >() -> ::cache_core::__private::Plan<u64> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<u64>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
    }
    fn __cache_site_of<
        T: Table,
        CacheImpl1: Database,
        CacheImpl2: Into<String> + Serialize,
    >(_: &&CacheImpl1, _: &CacheImpl2) -> ::cache_core::__private::Site {
        count::__cache_site::<T, CacheImpl1, CacheImpl2>()
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        ::cache_core::__private::Site::of(count::__cache_function()).stats()
    }
    /// Drops every entry.
    fn clear() {
        ::cache_core::__private::Site::of(count::__cache_function()).clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate<T: Table, CacheImpl1: Database, CacheImpl2: Into<String> + Serialize>(
        filter: &CacheImpl2,
    ) -> ::cache_core::__private::bool {
        let call = &mut count::__cache_site::<T, CacheImpl1, CacheImpl2>().call();
        call.arg(&*filter);
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    fn expire<T: Table, CacheImpl1: Database, CacheImpl2: Into<String> + Serialize>(
        filter: &CacheImpl2,
    ) -> ::cache_core::__private::bool {
        let call = &mut count::__cache_site::<T, CacheImpl1, CacheImpl2>().call();
        call.arg(&*filter);
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    fn peek<T: Table, CacheImpl1: Database, CacheImpl2: Into<String> + Serialize>(
        filter: &CacheImpl2,
    ) -> ::cache_core::__private::Option<u64> {
        let call = &mut count::__cache_site::<T, CacheImpl1, CacheImpl2>().call();
        call.arg(&*filter);
        call.peek(count::__cache_plan::<T, CacheImpl1, CacheImpl2>())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put<T: Table, CacheImpl1: Database, CacheImpl2: Into<String> + Serialize>(
        filter: CacheImpl2,
        out: u64,
    ) -> ::cache_core::__private::bool {
        let call = &mut count::__cache_site::<T, CacheImpl1, CacheImpl2>().call();
        call.arg(&filter);
        call.put(
            count::__cache_plan::<T, CacheImpl1, CacheImpl2>(),
            &out,
            ::cache_core::__private::Terms::new(),
        )
    }
    /// Calls the function and replaces what is stored.
    fn refresh<T: Table, CacheImpl1: Database, CacheImpl2: Into<String> + Serialize>(
        db: &CacheImpl1,
        filter: CacheImpl2,
    ) -> u64 {
        let _forced = count::__cache_site::<T, CacheImpl1, CacheImpl2>().refresh();
        count::<T>(db, filter)
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached<T: Table, CacheImpl1: Database, CacheImpl2: Into<String> + Serialize>(
        db: &CacheImpl1,
        filter: CacheImpl2,
    ) -> u64 {
        let _forced = count::__cache_site::<T, CacheImpl1, CacheImpl2>().uncached();
        count::<T>(db, filter)
    }
    /// Calls the function once for each tuple of arguments.
    fn warm<
        'cache_warm,
        'cache_0,
        T: Table,
        CacheImpl1: Database,
        CacheImpl2: Into<String> + Serialize,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (&'cache_0 CacheImpl1, CacheImpl2),
                IntoIter: ::cache_core::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> ::cache_core::Warm<
        'cache_warm,
        <CacheCalls as ::cache_core::__private::IntoIterator>::IntoIter,
    >
    where
        &'cache_0 CacheImpl1: 'cache_0,
    {
        ::cache_core::Warm::new(
            calls,
            |(db, filter)| {
                let _ = count::<T>(db, filter);
            },
        )
    }
}
impl ::cache_core::__private::Addressed for count {
    fn function() -> &'static ::cache_core::__private::Function {
        ::cache_core::__private::Site::of(count::__cache_function()).function()
    }
}
