fn profile(user: u64) -> Profile {
    let miss = {
        let call = &mut profile::__cache_site().call();
        call.arg(&user);
        match call.get(profile::__cache_plan()) {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        }
    };
    miss.load_with(move |terms| {
        terms.on(&(UserUpdated { user }));
        terms.on(&(("plan", 7)));
        terms.on_any::<PlanChanged>();
        let out = ::cache_core::__private::recalled()
            .unwrap_or_else(move || -> Profile { load(user) });
        out
    })
}
///What is cached of `profile`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum profile {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl profile {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "profile",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .inherit(false)
            .events(&["UserUpdated", "(\"plan\", _)", "PlanChanged"])
            .fingerprint(4055335996154181151u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<Profile>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<Profile> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<Profile>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        profile::__cache_site().stats()
    }
    /// Drops every entry.
    fn clear() {
        profile::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate(user: &u64) -> ::cache_core::__private::bool {
        let call = &mut profile::__cache_site().call();
        call.arg(&*user);
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    fn expire(user: &u64) -> ::cache_core::__private::bool {
        let call = &mut profile::__cache_site().call();
        call.arg(&*user);
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    fn peek(user: &u64) -> ::cache_core::__private::Option<Profile> {
        let call = &mut profile::__cache_site().call();
        call.arg(&*user);
        call.peek(profile::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put(user: u64, out: Profile) -> ::cache_core::__private::bool {
        let call = &mut profile::__cache_site().call();
        call.arg(&user);
        let mut all_terms = ::cache_core::__private::Terms::of_put();
        let terms = &mut all_terms;
        terms.on(&(UserUpdated { user }));
        terms.on(&(("plan", 7)));
        terms.on_any::<PlanChanged>();
        call.put(profile::__cache_plan(), &out, all_terms)
    }
    /// Calls the function and replaces what is stored.
    fn refresh(user: u64) -> Profile {
        let _forced = profile::__cache_site().refresh();
        profile(user)
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached(user: u64) -> Profile {
        let _forced = profile::__cache_site().uncached();
        profile(user)
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
            |(user,)| {
                let _ = profile(user);
            },
        )
    }
}
impl ::cache_core::__private::Addressed for profile {
    fn function() -> &'static ::cache_core::__private::Function {
        profile::__cache_site().function()
    }
}
