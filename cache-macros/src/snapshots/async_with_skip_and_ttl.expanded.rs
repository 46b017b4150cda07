pub async fn profile(db: &Db, user: &str) -> Result<Profile, Error> {
    let miss = {
        let call = &mut profile::__cache_site().call();
        call.arg(&user);
        match call.get(profile::__cache_plan()) {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        }
    };
    miss.load_async(async move {
            if false {
                return ::cache_core::__private::never::<Result<Profile, Error>>();
            }
            let out: Result<Profile, Error> = { Ok(db.load(user).await?) };
            out
        })
        .await
}
///What is cached of `profile`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub enum profile {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl profile {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "profile",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                ::cache_core::__private::line!(),
            )
            .ttl(::cache_core::__private::Duration::from_secs(300));
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<Result<Profile, Error>> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                ::cache_core::__private::Returns::<Result<Profile, Error>>::NEW
                    .__cache_kind(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    pub fn stats() -> ::cache_core::Stats {
        profile::__cache_site().stats()
    }
    /// Drops every entry.
    pub fn clear() {
        profile::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    pub fn invalidate(user: &str) -> ::cache_core::__private::bool {
        let call = &mut profile::__cache_site().call();
        call.arg(&user);
        call.invalidate()
    }
    /// What is stored for this call; never runs the body.
    pub fn peek(user: &str) -> ::cache_core::__private::Option<Result<Profile, Error>> {
        let call = &mut profile::__cache_site().call();
        call.arg(&user);
        call.peek(profile::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    pub fn put(
        user: &str,
        out: Result<Profile, Error>,
    ) -> ::cache_core::__private::bool {
        let call = &mut profile::__cache_site().call();
        call.arg(&user);
        call.put(profile::__cache_plan(), &out, ::cache_core::__private::Terms::new())
    }
    /// Calls the function and replaces what is stored.
    pub async fn refresh(db: &Db, user: &str) -> Result<Profile, Error> {
        profile::__cache_site().refresh_async(profile(db, user)).await
    }
    /// Calls the function and leaves what is stored alone.
    pub async fn uncached(db: &Db, user: &str) -> Result<Profile, Error> {
        profile::__cache_site().uncached_async(profile(db, user)).await
    }
    /// Calls the function once for each tuple of arguments.
    pub fn warm<
        'cache_warm,
        'cache_0,
        'cache_1,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (&'cache_0 Db, &'cache_1 str),
                IntoIter: ::cache_core::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> ::cache_core::WarmAsync<
        'cache_warm,
        impl ::cache_core::__private::Iterator<
            Item = impl ::cache_core::__private::Future<Output = ()>,
        >,
    >
    where
        &'cache_0 Db: 'cache_0,
        &'cache_1 str: 'cache_1,
    {
        ::cache_core::WarmAsync::new(
            ::cache_core::__private::map(
                calls,
                |(db, user)| async move {
                    let _ = profile(db, user).await;
                },
            ),
        )
    }
}
