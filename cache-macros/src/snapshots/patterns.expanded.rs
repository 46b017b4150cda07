fn distance((x, y): (f64, f64), Point { z, .. }: Point, _: u32, mut scale: f64) -> f64 {
    let call = &mut distance::__cache_site().call();
    call.arg(&x);
    call.arg(&y);
    call.arg(&scale);
    call.answer(
        distance::__cache_plan(),
        move || -> f64 {
            scale *= x + y + z;
            scale
        },
    )
}
///What is cached of `distance`.
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum distance {}
#[allow(unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
impl distance {
    #[inline]
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "distance",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .fingerprint(2958472364942228924u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<f64>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
    #[inline]
    fn __cache_plan() -> ::cache_core::__private::Plan<f64> {
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<f64>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        }
    }
    /// What happened so far.
    fn stats() -> ::cache_core::Stats {
        distance::__cache_site().stats()
    }
    /// Drops every entry.
    fn clear() {
        distance::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate((x, y): &(f64, f64), scale: &f64) -> ::cache_core::__private::bool {
        let call = &mut distance::__cache_site().call();
        call.arg(&*x);
        call.arg(&*y);
        call.arg(&*scale);
        call.invalidate()
    }
    /// Has the entry of this call expire now; true if it was fresh.
    fn expire((x, y): &(f64, f64), scale: &f64) -> ::cache_core::__private::bool {
        let call = &mut distance::__cache_site().call();
        call.arg(&*x);
        call.arg(&*y);
        call.arg(&*scale);
        call.expire()
    }
    /// What is stored for this call; never runs the body.
    fn peek((x, y): &(f64, f64), scale: &f64) -> ::cache_core::__private::Option<f64> {
        let call = &mut distance::__cache_site().call();
        call.arg(&*x);
        call.arg(&*y);
        call.arg(&*scale);
        call.peek(distance::__cache_plan())
    }
    /// Stores a result for this call; true if it is stored now.
    fn put((x, y): (f64, f64), scale: f64, out: f64) -> ::cache_core::__private::bool {
        let call = &mut distance::__cache_site().call();
        call.arg(&x);
        call.arg(&y);
        call.arg(&scale);
        call.put(distance::__cache_plan(), &out, ::cache_core::__private::Terms::new())
    }
    /// Calls the function and replaces what is stored.
    fn refresh(arg0: (f64, f64), arg1: Point, arg2: u32, scale: f64) -> f64 {
        let _forced = distance::__cache_site().refresh();
        distance(arg0, arg1, arg2, scale)
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached(arg0: (f64, f64), arg1: Point, arg2: u32, scale: f64) -> f64 {
        let _forced = distance::__cache_site().uncached();
        distance(arg0, arg1, arg2, scale)
    }
    /// Calls the function once for each tuple of arguments.
    fn warm<
        'cache_warm,
        CacheCalls: ::cache_core::__private::IntoIterator<
                Item = ((f64, f64), Point, u32, f64),
                IntoIter: ::cache_core::__private::Send,
            >,
    >(
        calls: CacheCalls,
    ) -> ::cache_core::Warm<
        'cache_warm,
        <CacheCalls as ::cache_core::__private::IntoIterator>::IntoIter,
    > {
        ::cache_core::Warm::new(
            calls,
            |(arg0, arg1, arg2, scale)| {
                let _ = distance(arg0, arg1, arg2, scale);
            },
        )
    }
}
impl ::cache_core::__private::Addressed for distance {
    fn function() -> &'static ::cache_core::__private::Function {
        distance::__cache_site().function()
    }
}
