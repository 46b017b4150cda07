fn render(request: &Request, page: u32, theme: Theme) -> String {
    let miss = match render::__cache_site()
        .enable_if(page > 0)
        .get(
            ::cache_core::__private::plan!(String),
            |key| {
                key.arg(&(request.path()));
                key.arg(&(page % 10));
            },
        )
    {
        ::cache_core::__private::Lookup::Hit(value) => return value,
        ::cache_core::__private::Lookup::Miss(miss) => miss,
    };
    miss.load(move || -> String { theme.render(request, page) })
}
///What is cached of `render`.
enum render {}
#[allow(clippy::all, clippy::pedantic, clippy::nursery)]
impl render {
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
            "render",
            ::cache_core::__private::module_path!(),
            ::cache_core::__private::file!(),
            ::cache_core::__private::line!(),
        );
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
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
    fn invalidate(request: &Request, page: &u32) -> bool {
        let page = ::cache_core::__private::own!(page);
        render::__cache_site()
            .invalidate(|key| {
                key.arg(&(request.path()));
                key.arg(&(page % 10));
            })
    }
    /// What is stored for this call; never runs the body.
    fn peek(request: &Request, page: &u32) -> ::cache_core::__private::Option<String> {
        let page = ::cache_core::__private::own!(page);
        render::__cache_site()
            .peek(
                ::cache_core::__private::plan!(String),
                |key| {
                    key.arg(&(request.path()));
                    key.arg(&(page % 10));
                },
            )
    }
    /// Stores a result for this call; true if it is stored now.
    fn put(request: &Request, page: u32, value: String) -> bool {
        render::__cache_site()
            .put(
                ::cache_core::__private::plan!(String),
                |key| {
                    key.arg(&(request.path()));
                    key.arg(&(page % 10));
                },
                value,
            )
    }
    /// Calls the function and replaces what is stored.
    fn refresh(request: &Request, page: u32, theme: Theme) -> String {
        render::__cache_site().refresh(|| render(request, page, theme))
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached(request: &Request, page: u32, theme: Theme) -> String {
        render::__cache_site().uncached(|| render(request, page, theme))
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
        impl ::cache_core::__private::Iterator<
            Item = impl ::cache_core::__private::FnOnce(),
        >,
    >
    where
        &'cache_0 Request: 'cache_0,
    {
        ::cache_core::Warm::new(
            ::cache_core::__private::map(
                calls,
                |(request, page, theme)| move || {
                    let _ = render(request, page, theme);
                },
            ),
        )
    }
}
