fn distance((x, y): (f64, f64), Point { z, .. }: Point, _: u32, mut scale: f64) -> f64 {
    let miss = match distance::__cache_site()
        .get(
            ::cache_core::__private::plan!(f64),
            |key| {
                key.arg(&x);
                key.arg(&y);
                key.arg(&scale);
            },
        )
    {
        ::cache_core::__private::Lookup::Hit(value) => return value,
        ::cache_core::__private::Lookup::Miss(miss) => miss,
    };
    miss.load(move || -> f64 {
        scale *= x + y + z;
        scale
    })
}
///What is cached of `distance`.
enum distance {}
#[allow(clippy::all, clippy::pedantic, clippy::nursery)]
impl distance {
    fn __cache_site() -> ::cache_core::__private::Site {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
            "distance",
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
        distance::__cache_site().stats()
    }
    /// Drops every entry.
    fn clear() {
        distance::__cache_site().clear()
    }
    /// Drops the entry of this call; true if there was one.
    fn invalidate((x, y): &(f64, f64), scale: &f64) -> bool {
        distance::__cache_site()
            .invalidate(|key| {
                key.arg(&x);
                key.arg(&y);
                key.arg(&scale);
            })
    }
    /// What is stored for this call; never runs the body.
    fn peek((x, y): &(f64, f64), scale: &f64) -> ::cache_core::__private::Option<f64> {
        distance::__cache_site()
            .peek(
                ::cache_core::__private::plan!(f64),
                |key| {
                    key.arg(&x);
                    key.arg(&y);
                    key.arg(&scale);
                },
            )
    }
    /// Stores a result for this call; true if it is stored now.
    fn put((x, y): (f64, f64), scale: f64, value: f64) -> bool {
        distance::__cache_site()
            .put(
                ::cache_core::__private::plan!(f64),
                |key| {
                    key.arg(&x);
                    key.arg(&y);
                    key.arg(&scale);
                },
                value,
            )
    }
    /// Calls the function and replaces what is stored.
    fn refresh(arg0: (f64, f64), arg1: Point, arg2: u32, scale: f64) -> f64 {
        distance::__cache_site().refresh(|| distance(arg0, arg1, arg2, scale))
    }
    /// Calls the function and leaves what is stored alone.
    fn uncached(arg0: (f64, f64), arg1: Point, arg2: u32, scale: f64) -> f64 {
        distance::__cache_site().uncached(|| distance(arg0, arg1, arg2, scale))
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
        impl ::cache_core::__private::Iterator<
            Item = impl ::cache_core::__private::FnOnce(),
        >,
    > {
        ::cache_core::Warm::new(
            ::cache_core::__private::map(
                calls,
                |(arg0, arg1, arg2, scale)| move || {
                    let _ = distance(arg0, arg1, arg2, scale);
                },
            ),
        )
    }
}
