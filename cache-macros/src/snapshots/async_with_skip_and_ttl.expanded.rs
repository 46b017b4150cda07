pub async fn profile(db: &Db, user: &str) -> Result<Profile, Error> {
    let miss = {
        let declaration = <__cache_profile as ::cache_core::handle::DeclaredAsync<
            _,
            _,
        >>::declaration();
        let call = &mut declaration.site.call();
        call.arg(&user);
        match call.get(declaration.plan) {
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
#[doc(hidden)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub enum __cache_profile {}
///What is cached of `profile`.
pub type profile = ::cache_core::handle::AsyncHandle<
    __cache_profile,
    Result<Profile, Error>,
    (::cache_core::handle::Ref<Db>, ::cache_core::handle::Ref<str>),
    (::cache_core::handle::Ref<str>,),
>;
impl ::cache_core::handle::DeclaredAsync<
    (::cache_core::handle::Ref<Db>, ::cache_core::handle::Ref<str>),
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
            .fingerprint(1014549353353685699u64)
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
        ): <(
            ::cache_core::handle::Ref<Db>,
            ::cache_core::handle::Ref<str>,
        ) as ::cache_core::handle::Params>::Of<'_>,
    ) -> impl ::cache_core::__private::Future<Output = Result<Profile, Error>> {
        profile(db, user)
    }
}
