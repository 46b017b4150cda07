fn price(product: u64) -> Result<u64, Error> {
    ::cache_core::__private::require_result::<Result<u64, Error>>();
    let declaration = <__cache_price as ::cache_core::handle::Declared<
        _,
        _,
    >>::declaration();
    let call = &mut declaration.site.call();
    call.arg(&product);
    call.answer(declaration.plan, move || -> Result<u64, Error> { lookup(product) })
}
#[doc(hidden)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum __cache_price {}
///What is cached of `price`.
type price = ::cache_core::handle::Handle<
    __cache_price,
    Result<u64, Error>,
    (::cache_core::handle::Own<u64>,),
>;
impl ::cache_core::handle::Declared<
    (::cache_core::handle::Own<u64>,),
    Result<u64, Error>,
> for __cache_price {
    #[inline]
    fn declaration() -> ::cache_core::handle::Declaration<Result<u64, Error>> {
        static CACHE_FUNCTION: ::cache_core::__private::Function = ::cache_core::__private::Function::new(
                "price",
                ::cache_core::__private::module_path!(),
                ::cache_core::__private::file!(),
                {
                    use ::cache_core::__private::line as __cache_line;
                    __cache_line!()
                },
            )
            .ttl(::cache_core::__private::Duration::from_secs(5400))
            .err_ttl(::cache_core::__private::Duration::from_millis(250))
            .jitter(10)
            .fingerprint(1823438442189534387u64)
            .stow(|| {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                (&::cache_core::__private::Stowed(
                    ::cache_core::__private::Whole(
                        ::cache_core::__private::Returns::<Result<u64, Error>>::NEW
                            .__cache_kind(),
                    ),
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
                        ::cache_core::__private::Whole(
                            ::cache_core::__private::Returns::<Result<u64, Error>>::NEW
                                .__cache_kind(),
                        ),
                    ))
                        .__cache_compared(),
                ))
                    .__cache_plan()
            },
        )
    }
    fn call((product,): (u64,)) -> Result<u64, Error> {
        price(product)
    }
}
