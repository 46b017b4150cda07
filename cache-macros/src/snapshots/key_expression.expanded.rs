fn render(request: &Request, page: u32, theme: Theme) -> String {
    let call = &mut render::__cache_site().enable_if(page > 0).call();
    call.arg(&(request.path()));
    call.arg(&(page % 10));
    call.answer(
        render::__cache_plan(),
        move || -> String { theme.render(request, page) },
    )
}
///What is cached of `render`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum render {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl render {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "render",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .fingerprint(16876437511767741163u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<String>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<String> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<String>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        render::__cache_site().stats()
    }
    /// Drops every entry.
    fn clear() {
        render::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate(request: &Request, page: &u32) -> ::cache_core::__private::bool {
        let page = ::cache_core::__private::own!(page);
        let call = &mut render::__cache_site().call();
        call.arg(&(request.path()));
        call.arg(&(page % 10));
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    fn expire(request: &Request, page: &u32) -> ::cache_core::__private::bool {
        let page = ::cache_core::__private::own!(page);
        let call = &mut render::__cache_site().call();
        call.arg(&(request.path()));
        call.arg(&(page % 10));
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    fn peek(request: &Request, page: &u32) -> ::cache_core::__private::Option<String> {
        let page = ::cache_core::__private::own!(page);
        let call = &mut render::__cache_site().call();
        call.arg(&(request.path()));
        call.arg(&(page % 10));
        call.peek(render::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put(request: &Request, page: u32, out: String) -> ::cache_core::__private::bool {
        let call = &mut render::__cache_site().call();
        call.arg(&(request.path()));
        call.arg(&(page % 10));
        call.put(render::__cache_plan(), &out, ::cache_core::__private::Terms::new())
    }
    /// Calls the function and replaces what is stored.
    fn refresh(request: &Request, page: u32, theme: Theme) -> String {
        let _forced = render::__cache_site().refresh();
        render(request, page, theme)
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached(request: &Request, page: u32, theme: Theme) -> String {
        let _forced = render::__cache_site().uncached();
        render(request, page, theme)
    }
    /// Calls the function once for each tuple of arguments.
    fn warm<
        'cache_warm,
        'cache_0,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (&'cache_0 Request, u32, Theme),
                IntoIter: ::cache_core::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> ::cache_core::Warm<
        'cache_warm,
        <CacheCalls as ::cache_core::__private::IntoIterator>::IntoIter,
    >
    where
        &'cache_0 Request: 'cache_0,
    {
        ::cache_core::Warm::new(
            calls,
            |(request, page, theme)| {
                let _ = render(request, page, theme);
            },
        )
    }
}
impl ::cache_core::__private::Addressed for render {
    fn function() -> &'static ::cache_core::__private::Function {
        render::__cache_site().function()
    }
}
