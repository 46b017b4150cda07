fn chunks<'a, T: Serialize, const N: usize>(items: &'a [T]) -> usize
where
    T: Sync,
{
    let call = &mut chunks::__cache_site::<T, N>().call();
    call.arg(&items);
    call.answer(chunks::__cache_plan::<T, N>(), move || -> usize { items.len() / N })
}
///What is cached of `chunks`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum chunks {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl chunks {
    fn __cache_function() -> &'static ::cache_core::__private::Function {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "chunks",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .fingerprint(8984580379420630420u64);
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        &CACHE_FUNCTION
    }
    #[inline]
    fn __cache_site<'a, T: Serialize, const N: usize>() -> ::cache_core::__private::Site
    where
        T: Sync,
    {
        ::cache_core::__private::Site::generic(
            chunks::__cache_function(),
            &|| {},
            || {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<usize>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            },
        )
    }
    #[inline]
    fn __cache_plan<'a, T: Serialize, const N: usize>() -> ::cache_core::__private::Plan<
        usize,
    >
    where
        T: Sync,
    {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<usize>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        ::cache_core::__private::Site::of(chunks::__cache_function()).stats()
    }
    /// Drops every entry.
    fn clear() {
        ::cache_core::__private::Site::of(chunks::__cache_function()).clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate<'a, T: Serialize, const N: usize>(
        items: &'a [T],
    ) -> ::cache_core::__private::bool
    where
        T: Sync,
    {
        let call = &mut chunks::__cache_site::<T, N>().call();
        call.arg(&items);
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    fn expire<'a, T: Serialize, const N: usize>(
        items: &'a [T],
    ) -> ::cache_core::__private::bool
    where
        T: Sync,
    {
        let call = &mut chunks::__cache_site::<T, N>().call();
        call.arg(&items);
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    fn peek<'a, T: Serialize, const N: usize>(
        items: &'a [T],
    ) -> ::cache_core::__private::Option<usize>
    where
        T: Sync,
    {
        let call = &mut chunks::__cache_site::<T, N>().call();
        call.arg(&items);
        call.peek(chunks::__cache_plan::<T, N>())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put<'a, T: Serialize, const N: usize>(
        items: &'a [T],
        out: usize,
    ) -> ::cache_core::__private::bool
    where
        T: Sync,
    {
        let call = &mut chunks::__cache_site::<T, N>().call();
        call.arg(&items);
        call.put(
            chunks::__cache_plan::<T, N>(),
            &out,
            ::cache_core::__private::Terms::new(),
        )
    }
    /// Calls the function and replaces what is stored.
    fn refresh<'a, T: Serialize, const N: usize>(items: &'a [T]) -> usize
    where
        T: Sync,
    {
        let _forced = chunks::__cache_site::<T, N>().refresh();
        chunks::<T, N>(items)
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached<'a, T: Serialize, const N: usize>(items: &'a [T]) -> usize
    where
        T: Sync,
    {
        let _forced = chunks::__cache_site::<T, N>().uncached();
        chunks::<T, N>(items)
    }
    /// Calls the function once for each tuple of arguments.
    fn warm<
        'cache_warm,
        'a,
        T: Serialize,
        const N: usize,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (&'a [T],),
                IntoIter: ::cache_core::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> ::cache_core::Warm<
        'cache_warm,
        <CacheCalls as ::cache_core::__private::IntoIterator>::IntoIter,
    >
    where
        T: Sync,
        &'a [T]: 'a,
    {
        ::cache_core::Warm::new(
            calls,
            |(items,)| {
                let _ = chunks::<T, N>(items);
            },
        )
    }
}
impl ::cache_core::__private::Addressed for chunks {
    fn function() -> &'static ::cache_core::__private::Function {
        ::cache_core::__private::Site::of(chunks::__cache_function()).function()
    }
}
