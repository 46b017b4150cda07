/// How much fits in.
#[must_use]
pub fn area(width: u32, height: u32) -> u64 {
    let declaration = <__cache_area as ::cache_core::handle::Declared<
        _,
        _,
    >>::declaration();
    let call = &mut declaration.site.call();
    call.arg(&width);
    call.arg(&height);
    call.answer(
        declaration.plan,
        move || -> u64 { u64::from(width) * u64::from(height) },
    )
}
#[doc(hidden)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub enum __cache_area {}
///What is cached of `area`.
pub type area = ::cache_core::handle::Handle<
    __cache_area,
    u64,
    (::cache_core::handle::Own<u32>, ::cache_core::handle::Own<u32>),
>;
impl ::cache_core::handle::Declared<
    (::cache_core::handle::Own<u32>, ::cache_core::handle::Own<u32>),
    u64,
> for __cache_area {
    #[inline]
    fn declaration() -> ::cache_core::handle::Declaration<u64> {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "area",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .fingerprint(16624690233849992499u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Returns::<u64>::NEW.__cache_kind(),
                ))
                    .__cache_stow()
            });
        ::cache_core::__private::register! {
            & CACHE_FUNCTION
        }
        ::cache_core::handle::Declaration::new(
            &CACHE_FUNCTION,
            {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Planned(
                    (&::cache_core::__private::Compared(
                        ::cache_core::__private::Returns::<u64>::NEW.__cache_kind(),
                    ))
                        .__cache_compared(),
                ))
                    .__cache_plan()
            },
        )
    }
    fn call((width, height): (u32, u32)) -> u64 {
        area(width, height)
    }
}
