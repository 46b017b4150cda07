fn offer(bank: &str, article: u64) -> Option<Offer> {
    let miss = {
        let call = &mut offer::__cache_site().call();
        call.arg(&bank);
        call.arg(&article);
        match call.get(offer::__cache_plan()) {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        }
    };
    miss.load_with(move |terms| {
        let kept = (::cache_core::__private::own!(& bank),);
        let out = ::cache_core::__private::recalled()
            .unwrap_or_else(move || -> Option<Offer> { ask(bank, article) });
        let (bank,) = kept;
        terms
            .ttl_of(
                {
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    ::cache_core::__private::Returns::<Option<Offer>>::NEW.__cache_kind()
                },
                &out,
                |offer| offer.validity(bank),
            );
        terms
            .idle_of(
                {
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    ::cache_core::__private::Returns::<Option<Offer>>::NEW.__cache_kind()
                },
                &out,
                Offer::patience,
            );
        out
    })
}
///What is cached of `offer`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum offer {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl offer {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "offer",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .mortal()
            .fingerprint(1499030703882190401u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<Option<Offer>>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<Option<Offer>> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<Option<Offer>>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        offer::__cache_site().stats()
    }
    /// Drops every entry.
    fn clear() {
        offer::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate(bank: &str, article: &u64) -> ::cache_core::__private::bool {
        let call = &mut offer::__cache_site().call();
        call.arg(&bank);
        call.arg(&*article);
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    fn expire(bank: &str, article: &u64) -> ::cache_core::__private::bool {
        let call = &mut offer::__cache_site().call();
        call.arg(&bank);
        call.arg(&*article);
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    fn peek(
        bank: &str,
        article: &u64,
    ) -> ::cache_core::__private::Option<Option<Offer>> {
        let call = &mut offer::__cache_site().call();
        call.arg(&bank);
        call.arg(&*article);
        call.peek(offer::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put(
        bank: &str,
        article: u64,
        out: Option<Offer>,
    ) -> ::cache_core::__private::bool {
        let call = &mut offer::__cache_site().call();
        call.arg(&bank);
        call.arg(&article);
        let mut all_terms = ::cache_core::__private::Terms::of_put();
        let terms = &mut all_terms;
        terms
            .ttl_of(
                {
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    ::cache_core::__private::Returns::<Option<Offer>>::NEW.__cache_kind()
                },
                &out,
                |offer| offer.validity(bank),
            );
        terms
            .idle_of(
                {
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    ::cache_core::__private::Returns::<Option<Offer>>::NEW.__cache_kind()
                },
                &out,
                Offer::patience,
            );
        call.put(offer::__cache_plan(), &out, all_terms)
    }
    /// Calls the function and replaces what is stored.
    fn refresh(bank: &str, article: u64) -> Option<Offer> {
        let _forced = offer::__cache_site().refresh();
        offer(bank, article)
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached(bank: &str, article: u64) -> Option<Offer> {
        let _forced = offer::__cache_site().uncached();
        offer(bank, article)
    }
    /// Calls the function once for each tuple of arguments.
    fn warm<
        'cache_warm,
        'cache_0,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (&'cache_0 str, u64),
                IntoIter: ::cache_core::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> ::cache_core::Warm<
        'cache_warm,
        <CacheCalls as ::cache_core::__private::IntoIterator>::IntoIter,
    >
    where
        &'cache_0 str: 'cache_0,
    {
        ::cache_core::Warm::new(
            calls,
            |(bank, article)| {
                let _ = offer(bank, article);
            },
        )
    }
}
impl ::cache_core::__private::Addressed for offer {
    fn function() -> &'static ::cache_core::__private::Function {
        offer::__cache_site().function()
    }
}
