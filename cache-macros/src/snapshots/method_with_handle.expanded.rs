impl<T: Source> Catalog<T> {
    pub fn find(&self, name: &str) -> Option<Product> {
        let miss = match Find::__cache_site::<T>()
            .get(
                ::cache_core::__private::plan!(Option < Product >),
                |key| {
                    key.arg(&(self.id));
                    key.arg(&(name));
                },
            )
        {
            ::cache_core::__private::Lookup::Hit(value) => return value,
            ::cache_core::__private::Lookup::Miss(miss) => miss,
        };
        miss.load(move || -> Option<Product> { self.source.find(name) })
    }
    pub fn len(&self) -> usize {
        self.source.len()
    }
}
///What is cached of `find`.
pub enum Find {}
#[allow(clippy::all, clippy::pedantic, clippy::nursery)]
impl Find {
    fn __cache_function() -> &'static ::cache_core::__private::Function {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
            "Catalog::find",
            ::cache_core::__private::module_path!(),
            ::cache_core::__private::file!(),
            ::cache_core::__private::line!(),
        );
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        &CACHE_FUNCTION
    }
    fn __cache_site<T: Source>() -> ::cache_core::__private::Site {
        ::cache_core::__private::Site::generic(Find::__cache_function(), &|| {})
    }
    /// What happened so far.
    pub fn stats() -> ::cache_core::Stats {
        ::cache_core::__private::Site::of(Find::__cache_function()).stats()
    }
    /// Drops every entry.
    pub fn clear() {
        ::cache_core::__private::Site::of(Find::__cache_function()).clear()
    }
    /// Drops the entry of this call; true if there was one.
    pub fn invalidate<T: Source>(this: &Catalog<T>, name: &str) -> bool {
        Find::__cache_site::<T>()
            .invalidate(|key| {
                key.arg(&(this.id));
                key.arg(&(name));
            })
    }
    /// What is stored for this call; never runs the body.
    pub fn peek<T: Source>(
        this: &Catalog<T>,
        name: &str,
    ) -> ::cache_core::__private::Option<Option<Product>> {
        Find::__cache_site::<T>()
            .peek(
                ::cache_core::__private::plan!(Option < Product >),
                |key| {
                    key.arg(&(this.id));
                    key.arg(&(name));
                },
            )
    }
    /// Stores a result for this call; true if it is stored now.
    pub fn put<T: Source>(
        this: &Catalog<T>,
        name: &str,
        value: Option<Product>,
    ) -> bool {
        Find::__cache_site::<T>()
            .put(
                ::cache_core::__private::plan!(Option < Product >),
                |key| {
                    key.arg(&(this.id));
                    key.arg(&(name));
                },
                value,
            )
    }
    /// Calls the function and replaces what is stored.
    pub fn refresh<T: Source>(this: &Catalog<T>, name: &str) -> Option<Product> {
        Find::__cache_site::<T>().refresh(|| <(Catalog<T>)>::find(this, name))
    }
    /// Calls the function and leaves what is stored alone.
    pub fn uncached<T: Source>(this: &Catalog<T>, name: &str) -> Option<Product> {
        Find::__cache_site::<T>().uncached(|| <(Catalog<T>)>::find(this, name))
    }
    /// Calls the function once for each tuple of arguments.
    pub fn warm<
        'cache_warm,
        'cache_0,
        'cache_1,
        T: Source,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = (&'cache_0 Catalog<T>, &'cache_1 str),
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
        &'cache_0 Catalog<T>: 'cache_0,
        &'cache_1 str: 'cache_1,
    {
        ::cache_core::Warm::new(
            ::cache_core::__private::map(
                calls,
                |(this, name)| move || {
                    let _ = <(Catalog<T>)>::find(this, name);
                },
            ),
        )
    }
}
