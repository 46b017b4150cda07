async fn generate(model: String, least: usize) -> Vec<u8> {
    let miss = {
        let call = &mut generate::__cache_site().call();
        call.arg(&model);
        call.arg(&least);
        match call.get(generate::__cache_plan()) {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        }
    };
    {
        let body = async move {
            let mut all_terms = ::cache_core::__private::Terms::new();
            let terms = &mut all_terms;
            terms.label(::cache_core::__private::format_args!("img:{model}"));
            terms.ttl(lifetime(&model));
            let kept = (
                ::cache_core::__private::own!(& model),
                ::cache_core::__private::own!(& least),
            );
            let out = 'run: {
                if let ::cache_core::__private::Option::Some(out) = ::cache_core::__private::recalled::<
                    Vec<u8>,
                >() {
                    break 'run out;
                }
                async move {
                    if false {
                        return ::cache_core::__private::never::<Vec<u8>>();
                    }
                    let out: Vec<u8> = { draw(model).await };
                    out
                }
                    .await
            };
            let (model, least) = kept;
            terms
                .cache_if(
                    {
                        #[allow(unused_imports)]
                        use ::cache_core::__private::probes::*;
                        ::cache_core::__private::Returns::<Vec<u8>>::NEW.__cache_kind()
                    },
                    &out,
                    |image| image.len() > least,
                );
            terms
                .size(
                    {
                        #[allow(unused_imports)]
                        use ::cache_core::__private::probes::*;
                        ::cache_core::__private::Returns::<Vec<u8>>::NEW.__cache_kind()
                    },
                    &out,
                    |image| image.len() + model.len(),
                );
            (out, all_terms)
        };
        let own = ::cache_core::__private::own_body!(body);
        miss.load_owned(body, own)
    }
        .await
}
///What is cached of `generate`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum generate {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl generate {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "generate",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .labelled()
            .mortal()
            .fingerprint(4918740065154790405u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<Vec<u8>>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<Vec<u8>> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<Vec<u8>>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_sized_plan()
        }
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        generate::__cache_site().stats()
    }
    /// What happened so far by label, the one with the most hits first.
    fn labels() -> ::cache_core::__private::Vec<::cache_core::LabelStats> {
        generate::__cache_site().labels()
    }
    /// Drops every entry.
    fn clear() {
        generate::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate(model: &String, least: &usize) -> ::cache_core::__private::bool {
        let call = &mut generate::__cache_site().call();
        call.arg(&*model);
        call.arg(&*least);
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    fn expire(model: &String, least: &usize) -> ::cache_core::__private::bool {
        let call = &mut generate::__cache_site().call();
        call.arg(&*model);
        call.arg(&*least);
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    fn peek(model: &String, least: &usize) -> ::cache_core::__private::Option<Vec<u8>> {
        let call = &mut generate::__cache_site().call();
        call.arg(&*model);
        call.arg(&*least);
        call.peek(generate::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put(model: String, least: usize, out: Vec<u8>) -> ::cache_core::__private::bool {
        let call = &mut generate::__cache_site().call();
        call.arg(&model);
        call.arg(&least);
        let mut all_terms = ::cache_core::__private::Terms::of_put();
        let terms = &mut all_terms;
        terms.label(::cache_core::__private::format_args!("img:{model}"));
        terms.ttl(lifetime(&model));
        terms
            .cache_if(
                {
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    ::cache_core::__private::Returns::<Vec<u8>>::NEW.__cache_kind()
                },
                &out,
                |image| image.len() > least,
            );
        terms
            .size(
                {
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    ::cache_core::__private::Returns::<Vec<u8>>::NEW.__cache_kind()
                },
                &out,
                |image| image.len() + model.len(),
            );
        call.put(generate::__cache_plan(), &out, all_terms)
    }
    /// Calls the function and replaces what is stored.
    async fn refresh(model: String, least: usize) -> Vec<u8> {
        generate::__cache_site().refresh_async(generate(model, least)).await
    }
    /// Calls the function and leaves what is stored alone.
    async fn uncached(model: String, least: usize) -> Vec<u8> {
        generate::__cache_site().uncached_async(generate(model, least)).await
    }
    /// Calls the function once for each tuple of arguments.
    fn warm<
        'cache_warm,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (String, usize),
                IntoIter: ::cache_core::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> ::cache_core::WarmAsync<
        'cache_warm,
        impl ::cache_core::__private::Iterator<
            Item = impl ::cache_core::__private::Future<Output = ()>,
        >,
    > {
        ::cache_core::WarmAsync::new(
            ::cache_core::__private::map(
                calls,
                |(model, least)| async move {
                    let _ = generate(model, least).await;
                },
            ),
        )
    }
}
impl ::cache_core::__private::Addressed for generate {
    fn function() -> &'static ::cache_core::__private::Function {
        generate::__cache_site().function()
    }
}
