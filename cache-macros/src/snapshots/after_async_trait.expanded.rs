fn get<'life0, 'async_trait>(
    &'life0 self,
    id: u64,
) -> ::core::pin::Pin<
    Box<
        dyn ::core::future::Future<
            Output = Option<String>,
        > + ::core::marker::Send + 'async_trait,
    >,
>
where
    'life0: 'async_trait,
    Self: 'async_trait,
{
    ::cache_core::__private::Box::pin(async move {
        let miss = {
            let call = &mut {
                static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                        "get",
                        ::cache_core::__private::module_path!(),
                        ::cache_core::__private::file!(),
                        {
                            use ::cache_core::__private::line as __cache_line;
                            __cache_line!()
                        },
                    )
                    .fingerprint(16237829377561179542u64);
                ::cache_core::__private::register! {
                    & CACHE_FUNCTION
                }
                ::cache_core::__private::Site::generic(
                    &CACHE_FUNCTION,
                    &|| {},
                    || {
                        #[allow(unused_imports)]
                        use ::cache_core::__private::probes::*;
                        (&::cache_core::__private::Stowed(
                            ::cache_core::__private::Returns::<Option<String>>::NEW
                                .__cache_kind(),
                        ))
                            .__cache_stow()
                    },
                )
            }
                .call();
            call.arg(&id);
            match call
                .get({
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    (&::cache_core::__private::Planned(
                        (&::cache_core::__private::Compared(
                            ::cache_core::__private::Returns::<Option<String>>::NEW
                                .__cache_kind(),
                        ))
                            .__cache_compared(),
                    ))
                        .__cache_plan()
                })
            {
                ::cache_core::__private::Lookup::Hit(value) => return value,
                ::cache_core::__private::Lookup::Miss(miss) => miss,
            }
        };
        miss.load_async(
                (move || -> ::core::pin::Pin<
                    Box<
                        dyn ::core::future::Future<
                            Output = Option<String>,
                        > + ::core::marker::Send + 'async_trait,
                    >,
                > {
                    Box::pin(async move {
                        let __self = self;
                        __self.load(id).await
                    })
                })(),
            )
            .await
    })
}
