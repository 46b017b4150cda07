#[cfg(feature = "math")]
#[deprecated]
pub(crate) fn twice(n: u32) -> Option<u32> {
    facade::cache::__private::require_option::<Option<u32>>();
    let declaration = <__cache_twice as facade::cache::handle::Declared<
        _,
        _,
    >>::declaration();
    let call = &mut declaration.site.call();
    call.arg(&n);
    call.answer(declaration.plan, move || -> Option<u32> { n.checked_mul(2) })
}
#[cfg(feature = "math")]
#[doc(hidden)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub(crate) enum __cache_twice {}
#[cfg(feature = "math")]
///What is cached of `twice`.
pub(crate) type twice = facade::cache::handle::Handle<
    __cache_twice,
    Option<u32>,
    (facade::cache::handle::Own<u32>,),
>;
#[cfg(feature = "math")]
#[allow(deprecated)]
impl facade::cache::handle::Declared<(facade::cache::handle::Own<u32>,), Option<u32>>
for __cache_twice {
    #[inline]
    fn declaration() -> facade::cache::handle::Declaration<Option<u32>> {
        static CACHE_FUNCTION: facade::cache::__private::Function = facade::cache::__private::Function::new(
                "double",
                facade::cache::__private::module_path!(),
                facade::cache::__private::file!(),
                {
                    use facade::cache::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .cache_none()
            .fingerprint(13897071923374017986u64)
            .stow(|| {
                #[allow(unused_imports)]
                use facade::cache::__private::probes::*;
                (&facade::cache::__private::Stowed(
                    facade::cache::__private::Whole(
                        facade::cache::__private::Returns::<Option<u32>>::NEW
                            .__cache_kind(),
                    ),
                ))
                    .__cache_stow()
            });
        facade::cache::__private::register! {
            & CACHE_FUNCTION
        }
        facade::cache::handle::Declaration::new(
            &CACHE_FUNCTION,
            {
                #[allow(unused_imports)]
                use facade::cache::__private::probes::*;
                (&facade::cache::__private::Planned(
                    (&facade::cache::__private::Compared(
                        facade::cache::__private::Whole(
                            facade::cache::__private::Returns::<Option<u32>>::NEW
                                .__cache_kind(),
                        ),
                    ))
                        .__cache_compared(),
                ))
                    .__cache_plan()
            },
        )
    }
    fn call((n,): (u32,)) -> Option<u32> {
        twice(n)
    }
}
