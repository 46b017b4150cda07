//! Events as they are written in attributes: `UserUpdated { user_id }`, `("user", id)`, `"POST"`, a bare `UserUpdated`.

use proc_macro2::{Ident, Span};
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Lit, Path, Result, Token, Type};

/// An event of an attribute.
pub(crate) enum EventArg {
    /// An expression.
    One(Expr),
    /// A type: any event of it, or all of them.
    All(Type),
}

impl Parse for EventArg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let is_done = |input: ParseStream<'_>| input.is_empty() || input.peek(Token![,]);
        let ahead = input.fork();
        let expr = match ahead.parse::<Expr>() {
            Ok(expr) if is_done(&ahead) => expr,
            expr => {
                // `Updated<User>` is no expression.
                let as_type = input.fork();
                return match as_type.parse::<Type>() {
                    Ok(ty @ Type::Path(_)) if is_done(&as_type) => {
                        input.advance_to(&as_type);
                        Ok(Self::All(ty))
                    }
                    _ => Err(expr.err().unwrap_or_else(|| {
                        Error::new(ahead.span(), "expected `,` before the next event")
                    })),
                };
            }
        };
        input.advance_to(&ahead);
        Ok(match &expr {
            Expr::Path(path) if path.qself.is_none() && is_type(&path.path) => {
                Self::All(syn::parse_quote!(#path))
            }
            _ => Self::One(expr),
        })
    }
}

impl EventArg {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::One(expr) => expr.span(),
            Self::All(ty) => ty.span(),
        }
    }

    /// What the library calls it where it is listed, as far as that can be told from how it is written.
    pub(crate) fn title(&self) -> Option<String> {
        match self {
            Self::One(expr) => title(expr),
            Self::All(Type::Path(path)) => type_name(&path.path),
            Self::All(_) => None,
        }
    }
}

fn title(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Struct(it) => type_name(&it.path),
        Expr::Path(it) => type_name(&it.path),
        Expr::Call(it) => match &*it.func {
            Expr::Path(func) => type_name(&func.path),
            _ => None,
        },
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(format!("{:?}", text.value())),
        Expr::Tuple(tuple) => match tuple.elems.first()? {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                Some(format!("({:?}{})", text.value(), ", _".repeat(tuple.elems.len() - 1)))
            }
            _ => None,
        },
        Expr::Reference(it) => title(&it.expr),
        Expr::Paren(it) => title(&it.expr),
        Expr::Group(it) => title(&it.expr),
        _ => None,
    }
}

/// The name of the type that a path is of, or of the enum that it is a variant of.
fn type_name(path: &Path) -> Option<String> {
    let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
    let last = names.next()?;
    let name = names.next().filter(|name| is_camel_case(name)).unwrap_or(last);
    (is_camel_case(name) && name != "Self").then(|| name.to_string())
}

/// Whether a path is that of a type, by its case: not of a variable, a constant or a variant.
fn is_type(path: &Path) -> bool {
    let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
    names.next().is_some_and(is_camel_case) && !names.next().is_some_and(is_camel_case)
}

fn is_camel_case(name: &Ident) -> bool {
    let name = name.to_string();
    name.starts_with(char::is_uppercase) && (name.len() == 1 || name.contains(char::is_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::TokenStream;
    use quote::quote;
    use syn::parse::Parser;
    use syn::punctuated::Punctuated;

    fn read(tokens: TokenStream) -> Vec<(bool, Option<String>)> {
        let events = Punctuated::<EventArg, Token![,]>::parse_terminated.parse2(tokens);
        let describe = |event: &EventArg| (matches!(event, EventArg::All(_)), event.title());
        events.expect("these are events").iter().map(describe).collect()
    }

    #[test]
    fn what_is_written_like_a_type_is_all_of_it() {
        let titles = |name: &str| (true, Some(name.to_owned()));
        assert_eq!(
            read(quote!(UserUpdated, shop::UserUpdated, Updated<User>, Updated::<User>, T)),
            [
                titles("UserUpdated"),
                titles("UserUpdated"),
                titles("Updated"),
                titles("Updated"),
                titles("T")
            ]
        );
    }

    #[test]
    fn anything_else_is_one_event_with_the_name_that_can_be_told() {
        let one = |title: Option<&str>| (false, title.map(str::to_owned));
        assert_eq!(
            read(quote! {
                UserUpdated { id }, UserUpdated(id), Change::Name, Change::Name { id }, Change::Id(7),
                "POST", ("user", id, 7), &UserUpdated { id }, MAINTENANCE, event, of(id), (id, "user")
            }),
            [
                one(Some("UserUpdated")),
                one(Some("UserUpdated")),
                one(Some("Change")),
                one(Some("Change")),
                one(Some("Change")),
                one(Some("\"POST\"")),
                one(Some("(\"user\", _, _)")),
                one(Some("UserUpdated")),
                one(None),
                one(None),
                one(None),
                one(None),
            ]
        );
    }
}
