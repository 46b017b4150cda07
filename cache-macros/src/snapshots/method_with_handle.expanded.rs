impl<T: Source> Catalog<T> {
    pub fn find(&self, name: &str) -> Option<Product> {
        let call = &mut Find::__cache_site::<T>().call();
        call.arg(&(self.id));
        call.arg(&(name));
        call.answer(
            Find::__cache_plan::<T>(),
            move || -> Option<Product> { self.source.find(name) },
        )
    }
    pub fn len(&self) -> usize {
        self.source.len()
    }
}
///What is cached of `find`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub enum Find {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl Find {
    fn __cache_function() -> &'static ::cache_core::__private::Function {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "Catalog::find",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .fingerprint(698435881682564309u64);
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        &CACHE_FUNCTION
    }
    #[inline]
    fn __cache_site<T: Source>() -> ::cache_core::__private::Site {
        ::cache_core::__private::Site::generic(
            Find::__cache_function(),
            &|| {},
            || {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<Option<Product>>::NEW
                        .__cache_kind(),
                ))
                    .__cache_stow()
            },
        )
    }
    #[inline]
    fn __cache_plan<T: Source>() -> ::cache_core::__private::Plan<Option<Product>> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<Option<Product>>::NEW
                        .__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
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
    pub fn invalidate<T: Source>(
        this: &Catalog<T>,
        name: &str,
    ) -> ::cache_core::__private::bool {
        let call = &mut Find::__cache_site::<T>().call();
        call.arg(&(this.id));
        call.arg(&(name));
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    pub fn expire<T: Source>(
        this: &Catalog<T>,
        name: &str,
    ) -> ::cache_core::__private::bool {
        let call = &mut Find::__cache_site::<T>().call();
        call.arg(&(this.id));
        call.arg(&(name));
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    pub fn peek<T: Source>(
        this: &Catalog<T>,
        name: &str,
    ) -> ::cache_core::__private::Option<Option<Product>> {
        let call = &mut Find::__cache_site::<T>().call();
        call.arg(&(this.id));
        call.arg(&(name));
        call.peek(Find::__cache_plan::<T>())
    }
    /// Stores a result for this call; true if it is stored now.
    pub fn put<T: Source>(
        this: &Catalog<T>,
        name: &str,
        out: Option<Product>,
    ) -> ::cache_core::__private::bool {
        let call = &mut Find::__cache_site::<T>().call();
        call.arg(&(this.id));
        call.arg(&(name));
        call.put(Find::__cache_plan::<T>(), &out, ::cache_core::__private::Terms::new())
    }
    /// Calls the function and replaces what is stored.
    pub fn refresh<T: Source>(this: &Catalog<T>, name: &str) -> Option<Product> {
        let _forced = Find::__cache_site::<T>().refresh();
        <(Catalog<T>)>::find(this, name)
    }
    /// Calls the function and leaves what is stored alone.
    pub fn uncached<T: Source>(this: &Catalog<T>, name: &str) -> Option<Product> {
        let _forced = Find::__cache_site::<T>().uncached();
        <(Catalog<T>)>::find(this, name)
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
        <CacheCalls as ::cache_core::__private::IntoIterator>::IntoIter,
    >
    where
        &'cache_0 Catalog<T>: 'cache_0,
        &'cache_1 str: 'cache_1,
    {
        ::cache_core::Warm::new(
            calls,
            |(this, name)| {
                let _ = <(Catalog<T>)>::find(this, name);
            },
        )
    }
}
impl ::cache_core::__private::Addressed for Find {
    fn function() -> &'static ::cache_core::__private::Function {
        ::cache_core::__private::Site::of(Find::__cache_function()).function()
    }
}
