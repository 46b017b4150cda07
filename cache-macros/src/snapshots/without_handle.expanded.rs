fn warm_up() {
    let call = &mut {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "warm_up",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .version(2)
            .max_bytes(67108864)
            .fingerprint(0u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<()>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::__private::Site::of(&CACHE_FUNCTION)
    }
        .call();
    call.answer(
        {
            #[allow(unused_imports)]
            use ::cache_core::__private::probes::*;
            (&::cache_core::__private::Planned(
                (&::cache_core::__private::Compared(
                    ::cache_core::__private::Returns::<()>::NEW.__cache_kind(),
                ))
                    .__cache_compared(),
            ))
                .__cache_plan()
        },
        move || {
            prepare();
        },
    )
}
