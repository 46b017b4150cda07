async fn book(id: u64) -> Option<Book> {
    let miss = {
        let call = &mut book::__cache_site().call();
        call.arg(&id);
        match call.get(book::__cache_plan()) {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        }
    };
    {
        let body = async move {
            let mut all_terms = ::cache_core::__private::Terms::new();
            let terms = &mut all_terms;
            terms.watch();
            let kept = (::cache_core::__private::own!(& id),);
            let out = 'run: {
                if let ::cache_core::__private::Option::Some(out) = ::cache_core::__private::recalled::<
                    Option<Book>,
                >() {
                    break 'run out;
                }
                async move {
                    if false {
                        return ::cache_core::__private::never::<Option<Book>>();
                    }
                    let out: Option<Book> = { load(id).await };
                    out
                }
                    .await
            };
            let (id,) = kept;
            terms
                .on_value(
                    {
                        #[allow(unused_imports)]
                        use ::cache_core::__private::probes::*;
                        ::cache_core::__private::Returns::<Option<Book>>::NEW
                            .__cache_kind()
                    },
                    &out,
                    |book, found| {
                        found.on(&(AuthorChanged(book.author)));
                        found.on(&(BookChanged { id }));
                    },
                );
            (out, all_terms)
        };
        let own = ::cache_core::__private::own_body!(body);
        miss.load_owned(body, own)
    }
        .await
}
///What is cached of `book`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum book {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl book {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "book",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .events(&["AuthorChanged", "BookChanged"])
            .fingerprint(11428047034277735075u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<Option<Book>>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<Option<Book>> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<Option<Book>>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        book::__cache_site().stats()
    }
    /// Drops every entry.
    fn clear() {
        book::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate(id: &u64) -> ::cache_core::__private::bool {
        let call = &mut book::__cache_site().call();
        call.arg(&*id);
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    fn expire(id: &u64) -> ::cache_core::__private::bool {
        let call = &mut book::__cache_site().call();
        call.arg(&*id);
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    fn peek(id: &u64) -> ::cache_core::__private::Option<Option<Book>> {
        let call = &mut book::__cache_site().call();
        call.arg(&*id);
        call.peek(book::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put(id: u64, out: Option<Book>) -> ::cache_core::__private::bool {
        let call = &mut book::__cache_site().call();
        call.arg(&id);
        let mut all_terms = ::cache_core::__private::Terms::of_put();
        let terms = &mut all_terms;
        terms.watch();
        terms
            .on_value(
                {
                    #[allow(unused_imports)]
                    use ::cache_core::__private::probes::*;
                    ::cache_core::__private::Returns::<Option<Book>>::NEW.__cache_kind()
                },
                &out,
                |book, found| {
                    found.on(&(AuthorChanged(book.author)));
                    found.on(&(BookChanged { id }));
                },
            );
        call.put(book::__cache_plan(), &out, all_terms)
    }
    /// Calls the function and replaces what is stored.
    async fn refresh(id: u64) -> Option<Book> {
        book::__cache_site().refresh_async(book(id)).await
    }
    /// Calls the function and leaves what is stored alone.
    async fn uncached(id: u64) -> Option<Book> {
        book::__cache_site().uncached_async(book(id)).await
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
    ) -> ::cache_core::WarmAsync<
        'cache_warm,
        impl ::cache_core::__private::Iterator<
            Item = impl ::cache_core::__private::Future<Output = ()>,
        >,
    > {
        ::cache_core::WarmAsync::new(
            ::cache_core::__private::map(
                calls,
                |(id,)| async move {
                    let _ = book(id).await;
                },
            ),
        )
    }
}
impl ::cache_core::__private::Addressed for book {
    fn function() -> &'static ::cache_core::__private::Function {
        book::__cache_site().function()
    }
}
