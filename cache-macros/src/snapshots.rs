//! What the attributes and the derive make of representative items, for reading.
//!
//! `BLESS=1 cargo test -p cache-macros` writes the files anew.

use std::path::PathBuf;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::quote;

/// Compares the expansion with the file of that name.
fn check(name: &str, args: TokenStream, item: TokenStream) {
    check_expansion(name, crate::on_item(args, item));
}

fn check_expansion(name: &str, expansion: TokenStream) {
    let file =
        syn::parse2(expansion.clone()).unwrap_or_else(|error| panic!("{error}\n{expansion}"));
    let actual = prettyplease::unparse(&file);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/snapshots")
        .join(name)
        .with_extension("expanded.rs");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &actual).expect("the snapshot can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs; `BLESS=1` writes it anew", path.display());
}

#[test]
fn plain_function() {
    check(
        "plain_function",
        quote!(),
        quote! {
            /// How much fits in.
            #[must_use]
            pub fn area(width: u32, height: u32) -> u64 {
                u64::from(width) * u64::from(height)
            }
        },
    );
}

#[test]
fn async_with_skip_and_ttl() {
    check(
        "async_with_skip_and_ttl",
        quote!(skip(db), ttl = 5m),
        quote! {
            pub async fn profile(db: &Db, user: &str) -> Result<Profile, Error> {
                Ok(db.load(user).await?)
            }
        },
    );
}

#[test]
fn result_with_err_ttl() {
    check(
        "result_with_err_ttl",
        quote!(ttl = 1h30m, err_ttl = 250ms, jitter = 10%),
        quote! {
            fn price(product: u64) -> Result<u64, Error> {
                lookup(product)
            }
        },
    );
}

#[test]
fn loads_that_run_without_their_callers() {
    check(
        "loads_that_run_without_their_callers",
        quote!(skip(db), ttl = 5m, refresh_at = 80%, stale = 1h, on_err = stale, timeout = 2s),
        quote! {
            async fn profile(db: &Db, user: &str, page: u32) -> Result<Profile, Error> {
                db.load(user, page).await
            }
        },
    );
}

#[test]
fn events() {
    check(
        "events",
        quote!(invalidate_on = [UserUpdated { user }, ("plan", 7), PlanChanged], inherit = false),
        quote! {
            fn profile(user: u64) -> Profile {
                load(user)
            }
        },
    );
}

#[test]
fn events_of_the_value() {
    check(
        "events_of_the_value",
        quote!(invalidate_on = |book| [AuthorChanged(book.author), BookChanged { id }]),
        quote! {
            async fn book(id: u64) -> Option<Book> {
                load(id).await
            }
        },
    );
}

#[test]
fn invalidates() {
    check_expansion(
        "invalidates",
        crate::invalidates::on_item(
            quote!(UserUpdated { user }, PlanChanged),
            quote! {
                pub async fn rename(db: &Db, user: u64, name: String) -> Result<(), Error> {
                    db.rename(user, name).await
                }
            },
        ),
    );
}

#[test]
fn event() {
    check_expansion(
        "event",
        crate::event::derive(quote! {
            enum CatalogChanged<'a, T> {
                Article { id: T, name: &'a str },
                Prices,
            }
        }),
    );
}

#[test]
fn key_expression() {
    check(
        "key_expression",
        quote!(key = (request.path(), page % 10), enabled = page > 0),
        quote! {
            fn render(request: &Request, page: u32, theme: Theme) -> String {
                theme.render(request, page)
            }
        },
    );
}

#[test]
fn generic_function() {
    check(
        "generic_function",
        quote!(),
        quote! {
            fn chunks<'a, T: Serialize, const N: usize>(items: &'a [T]) -> usize
            where
                T: Sync,
            {
                items.len() / N
            }
        },
    );
}

#[test]
fn method_with_handle() {
    check(
        "method_with_handle",
        quote!(),
        quote! {
            impl<T: Source> Catalog<T> {
                #[cached(key = (self.id, name), handle = Find)]
                pub fn find(&self, name: &str) -> Option<Product> {
                    self.source.find(name)
                }

                pub fn len(&self) -> usize {
                    self.source.len()
                }
            }
        },
    );
}

#[test]
fn after_async_trait() {
    check(
        "after_async_trait",
        quote!(skip(self)),
        quote! {
            fn get<'life0, 'async_trait>(
                &'life0 self,
                id: u64,
            ) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Option<String>> + ::core::marker::Send + 'async_trait>>
            where
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                Box::pin(async move {
                    let __self = self;
                    __self.load(id).await
                })
            }
        },
    );
}

#[test]
fn impl_trait_argument() {
    check(
        "impl_trait_argument",
        quote!(skip(db)),
        quote! {
            fn count<T: Table>(db: &impl Database, filter: impl Into<String> + Serialize) -> u64 {
                db.count::<T>(&filter.into())
            }
        },
    );
}

#[test]
fn patterns() {
    check(
        "patterns",
        quote!(skip(z)),
        quote! {
            fn distance((x, y): (f64, f64), Point { z, .. }: Point, _: u32, mut scale: f64) -> f64 {
                scale *= x + y + z;
                scale
            }
        },
    );
}

#[test]
fn label_and_value_words() {
    check(
        "label_and_value_words",
        quote!(
            label = "img:{model}",
            ttl = lifetime(&model),
            cache_if = |image| image.len() > least,
            size = |image| image.len() + model.len()
        ),
        quote! {
            async fn generate(model: String, least: usize) -> Vec<u8> {
                draw(model).await
            }
        },
    );
}

#[test]
fn without_handle() {
    check(
        "without_handle",
        quote!(handle = none, max_bytes = 64MiB, version = 2),
        quote! {
            fn warm_up() {
                prepare();
            }
        },
    );
}

#[test]
fn crate_path() {
    check(
        "crate_path",
        quote!(crate = facade::cache, name = "double", cache_none),
        quote! {
            #[cfg(feature = "math")]
            #[deprecated]
            pub(crate) fn twice(n: u32) -> Option<u32> {
                n.checked_mul(2)
            }
        },
    );
}

/// The messages of an attribute on an item, one a line.
fn messages(args: TokenStream, item: TokenStream) -> String {
    let emitted = crate::on_item(args, item.clone()).to_string();
    assert!(emitted.ends_with(&item.to_string()), "the item is emitted as it was: {emitted}");
    emitted.matches("compile_error").map(|_| "error\n").collect::<String>() + &emitted
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let messages = messages(
        quote!(tll = 5m, ttl = 5 parsecs, skip(nobody), max_entries = 0, jitter = 200%, stale = 5m, cache_err = true, ttl = 1s),
        quote!(fn find(&self, log: &mut Log) -> &str { half. }),
    );
    assert_eq!(messages.lines().filter(|line| *line == "error").count(), 11, "{messages}");
}

#[test]
fn what_is_no_function_is_emitted_as_it_was() {
    for item in [
        quote!(
            struct User {
                id: u64,
            }
        ),
        quote!(
            trait Shape {}
        ),
        quote!(
            const N: u32 = 1;
        ),
        quote!(
            fn area(&self) -> u32;
        ),
    ] {
        let messages = messages(quote!(), item);
        assert_eq!(messages.lines().filter(|line| *line == "error").count(), 1, "{messages}");
    }
}
