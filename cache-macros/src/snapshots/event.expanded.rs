#[automatically_derived]
impl<'a, T: ::cache_core::__private::EventField> ::cache_core::Event
for CatalogChanged<'a, T> {
    const TITLE: ::cache_core::__private::Option<
        &'static ::cache_core::__private::str,
    > = ::cache_core::__private::Option::Some("CatalogChanged");
    fn family() -> ::cache_core::__private::Family {
        ::cache_core::__private::Family::of::<Self>()
    }
    #[allow(unused_variables, clippy::pedantic)]
    fn write_to(&self, __cache_key: &mut ::cache_core::__private::KeyWriter) {
        match self {
            Self::Article { id: __cache_0, name: __cache_1 } => {
                __cache_key.arg(&0u32);
                ::cache_core::__private::EventField::__cache_write_to(
                    __cache_0,
                    __cache_key,
                );
                ::cache_core::__private::EventField::__cache_write_to(
                    __cache_1,
                    __cache_key,
                );
            }
            Self::Prices {} => {
                __cache_key.arg(&1u32);
            }
        }
    }
}
