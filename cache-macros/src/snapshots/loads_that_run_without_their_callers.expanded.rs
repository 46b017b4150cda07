async fn profile(db: &Db, user: &str, page: u32) -> Result<Profile, Error> {
    ::cache_core::__private::require_fallible::<Result<Profile, Error>>();
    let found = {
        let declaration = <__cache_profile as ::cache_core::handle::DeclaredAsync<
            _,
            _,
        >>::declaration();
        let call = &mut declaration.site.call();
        call.arg(&user);
        call.arg(&page);
        call.get_apart(declaration.plan)
    };
    let work = move || {
        ::cache_core::__private::needs_runtime!();
        let patience = ::cache_core::__private::Patience::<
            Result<Profile, Error>,
        >::new("profile")
            .timeout(
                ::cache_core::__private::Duration::from_secs(2),
                <Result<
                    Profile,
                    Error,
                > as ::cache_core::__private::FromTimeout>::from_timeout,
            );
        let db = ::cache_core::__private::Lend::own(db);
        let user = ::cache_core::__private::Lend::own(user);
        let page = ::cache_core::__private::Take::take(page);
        (
            ::cache_core::__private::Work::spawned(async move {
                #[allow(unused_variables)]
                let db: &Db = &db;
                #[allow(unused_variables)]
                let user: &str = &user;
                let mut all_terms = ::cache_core::__private::Terms::new();
                let terms = &mut all_terms;
                let out = 'run: {
                    if let ::cache_core::__private::Option::Some(out) = ::cache_core::__private::recalled::<
                        Result<Profile, Error>,
                    >() {
                        break 'run out;
                    }
                    async move {
                        if false {
                            return ::cache_core::__private::never::<
                                Result<Profile, Error>,
                            >();
                        }
                        let out: Result<Profile, Error> = { db.load(user, page).await };
                        out
                    }
                        .await
                };
                (out, all_terms)
            }),
            patience,
        )
    };
    match found {
        ::cache_core::__private::Apart::Hit(value) => value,
        ::cache_core::__private::Apart::Due(value, reload) => {
            reload.start(work().0);
            value
        }
        ::cache_core::__private::Apart::Miss(miss) => {
            let (work, patience) = work();
            miss.load_apart(work, patience).await
        }
    }
}
#[doc(hidden)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum __cache_profile {}
///What is cached of `profile`.
type profile = ::cache_core::handle::AsyncHandle<
    __cache_profile,
    Result<Profile, Error>,
    (
        ::cache_core::handle::Ref<Db>,
        ::cache_core::handle::Ref<str>,
        ::cache_core::handle::Own<u32>,
    ),
    (::cache_core::handle::Ref<str>, ::cache_core::handle::Own<u32>),
>;
impl ::cache_core::handle::DeclaredAsync<
    (
        ::cache_core::handle::Ref<Db>,
        ::cache_core::handle::Ref<str>,
        ::cache_core::handle::Own<u32>,
    ),
    Result<Profile, Error>,
> for __cache_profile {
    #[inline]
    fn declaration() -> ::cache_core::handle::Declaration<Result<Profile, Error>> {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "profile",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .ttl(::cache_core::__private::Duration::from_secs(300))
            .refresh_at(80)
            .stale(::cache_core::__private::Duration::from_secs(3600))
            .has_stale()
            .answers_errors()
            .fingerprint(8211634298234708935u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<Result<Profile, Error>>::NEW
                        .__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::handle::Declaration::new(
            &CACHE_FUNCTION,
            {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Planned(
                    (&::cache_core::__private::Compared(
                        ::cache_core::__private::Returns::<Result<Profile, Error>>::NEW
                            .__cache_kind(),
                    ))
                        .__cache_compared(),
                ))
                    .__cache_plan()
            },
        )
    }
    fn call(
        (
            db,
            user,
            page,
        ): <(
            ::cache_core::handle::Ref<Db>,
            ::cache_core::handle::Ref<str>,
            ::cache_core::handle::Own<u32>,
        ) as ::cache_core::handle::Params>::Of<'_>,
    ) -> impl ::cache_core::__private::Future<Output = Result<Profile, Error>> {
        profile(db, user, page)
    }
}
