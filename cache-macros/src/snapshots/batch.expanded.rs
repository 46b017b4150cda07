pub async fn user(db: &Db, id: u64, trace: Trace) -> Option<User> {
    let miss = {
        let call = &mut user::__cache_site().enable_if(trace.is_on()).call();
        call.arg(&id);
        match call.get(user::__cache_plan()) {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        }
    };
    miss.load_async_with(async move {
            let mut all_terms = ::cache_core::__private::Terms::new();
            let terms = &mut all_terms;
            terms.on(&(UserUpdated { id }));
            let kept = (::cache_core::__private::own!(& id),);
            let out = 'run: {
                if let ::cache_core::__private::Option::Some(out) = ::cache_core::__private::recalled::<
                    Option<User>,
                >() {
                    break 'run out;
                }
                async move {
                    if false {
                        return ::cache_core::__private::never::<Option<User>>();
                    }
                    let out: Option<User> = { db.load(id).await };
                    out
                }
                    .await
            };
            let (id,) = kept;
            terms
                .cache_if(
                    {
                        #[allow(unused_imports)]
                        use ::cache_core::__private::probes::*;
                        ::cache_core::__private::Returns::<Option<User>>::NEW
                            .__cache_kind()
                    },
                    &out,
                    |user| user.id == id,
                );
            (out, all_terms)
        })
        .await
}
///What is cached of `user`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub enum user {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl user {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "user",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .events(&["UserUpdated"])
            .fingerprint(1749692674844321992u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<Option<User>>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<Option<User>> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<Option<User>>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    pub fn stats() -> ::cache_core::Stats {
        user::__cache_site().stats()
    }
    /// Drops every entry.
    pub fn clear() {
        user::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    pub fn invalidate(id: &u64) -> ::cache_core::__private::bool {
        let call = &mut user::__cache_site().call();
        call.arg(&*id);
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    pub fn expire(id: &u64) -> ::cache_core::__private::bool {
        let call = &mut user::__cache_site().call();
        call.arg(&*id);
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    pub fn peek(id: &u64) -> ::cache_core::__private::Option<Option<User>> {
        let call = &mut user::__cache_site().call();
        call.arg(&*id);
        call.peek(user::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    pub fn put(id: u64, out: Option<User>) -> ::cache_core::__private::bool {
        let call = &mut user::__cache_site().call();
        call.arg(&id);
        let mut all_terms = ::cache_core::__private::Terms::of_put();
        let terms = &mut all_terms;
        terms.on(&(UserUpdated { id }));
        terms
            .cache_if(
                {
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    ::cache_core::__private::Returns::<Option<User>>::NEW.__cache_kind()
                },
                &out,
                |user| user.id == id,
            );
        call.put(user::__cache_plan(), &out, all_terms)
    }
    /// Calls the function and replaces what is stored.
    pub async fn refresh(db: &Db, id: u64, trace: Trace) -> Option<User> {
        user::__cache_site().refresh_async(user(db, id, trace)).await
    }
    /// Calls the function and leaves what is stored alone.
    pub async fn uncached(db: &Db, id: u64, trace: Trace) -> Option<User> {
        user::__cache_site().uncached_async(user(db, id, trace)).await
    }
    /// Calls the function once for each tuple of arguments.
    pub fn warm<
        'cache_warm,
        'cache_0,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (&'cache_0 Db, u64, Trace),
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
    {
        ::cache_core::WarmAsync::new(
            ::cache_core::__private::map(
                calls,
                |(db, id, trace)| async move {
                    let _ = user(db, id, trace).await;
                },
            ),
        )
    }
    ///The results of calls, in their order; those that nobody has are loaded by one call of `load_users`.
    #[allow(unused_variables)]
    pub async fn get_many<'cache_0>(
        db: &'cache_0 Db,
        trace: &Trace,
        keys: impl ::cache_core::__private::IntoIterator<Item = u64>,
    ) -> ::cache_core::__private::Vec<Option<User>>
    where
        &'cache_0 Db: 'cache_0,
    {
        let batch = &mut ::cache_core::__private::Batch::new(
            user::__cache_plan(),
            "user",
            "load_users",
        );
        for key in keys {
            let id = key;
            let trace = ::cache_core::__private::own!(trace);
            let call = &mut user::__cache_site().enable_if(trace.is_on()).call();
            call.arg(&id);
            batch.add(call, id);
        }
        batch
            .load(
                |key, terms: &mut ::cache_core::__private::Terms| {
                    let id = key;
                    terms.on(&(UserUpdated { id }));
                    let kept = (::cache_core::__private::own!(& id),);
                    (id, kept)
                },
                |keys| load_users(db, trace, keys),
                |out: &Option<User>, kept, terms: &mut ::cache_core::__private::Terms| {
                    let (id,) = kept;
                    terms
                        .cache_if(
                            {
                                #[allow(unused_imports)]
                                use ::cache_core::__private::probes::*;
                                ::cache_core::__private::Returns::<Option<User>>::NEW
                                    .__cache_kind()
                            },
                            &out,
                            |user| user.id == id,
                        );
                },
            )
            .await
    }
}
impl ::cache_core::__private::Addressed for user {
    fn function() -> &'static ::cache_core::__private::Function {
        user::__cache_site().function()
    }
}
