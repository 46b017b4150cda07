//! What an attribute stands on: a function or an `impl` block.
//!
//! Signatures are read, bodies are not: a body that is half typed goes through as it is, so that an editor can still
//! complete it. Everything that is not a function goes through as it is, too.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::{
    AttrStyle, Attribute, Generics, Path, Result, Signature, Token, Type, Visibility, braced,
};

/// A function with a body, anywhere.
#[derive(Clone)]
pub(crate) struct Function {
    /// With those from inside the body, which mean the same.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    /// In its braces.
    pub(crate) body: Group,
}

/// `impl Trait for Type { … }`.
pub(crate) struct Impl {
    pub(crate) attrs: Vec<Attribute>,
    /// `default unsafe impl`, as written.
    intro: TokenStream,
    pub(crate) generics: Generics,
    pub(crate) of_trait: Option<Path>,
    pub(crate) self_ty: Type,
    pub(crate) items: Vec<ImplItem>,
}

/// A part of an `impl` block.
pub(crate) enum ImplItem {
    Function(Box<Function>),
    /// Tokens up to a `;` or a `}`, as they are.
    Other(TokenStream),
}

impl Function {
    /// The part before the body.
    pub(crate) fn head(&self) -> TokenStream {
        let Self { attrs, vis, defaultness, sig, .. } = self;
        quote!(#(#attrs)* #vis #defaultness #sig)
    }

    /// Takes off the first attribute of that name.
    pub(crate) fn take_attr(&mut self, name: &str) -> Option<Attribute> {
        let idx = self.attrs.iter().position(|attr| is_named(attr, name))?;
        Some(self.attrs.remove(idx))
    }

    pub(crate) fn has_attr(&self, name: &str) -> bool {
        self.attrs.iter().any(|attr| is_named(attr, name))
    }
}

/// Whether an attribute has that name, wherever it comes from: `#[cached]`, `#[cache_core::cached]`.
pub(crate) fn is_named(attr: &Attribute, name: &str) -> bool {
    attr.path().segments.last().is_some_and(|segment| segment.ident == name)
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        Self::after_attrs(attrs, input)
    }
}

impl Function {
    fn after_attrs(mut attrs: Vec<Attribute>, input: ParseStream<'_>) -> Result<Self> {
        let vis = input.parse()?;
        let defaultness = input.parse()?;
        let sig: Signature = input.parse()?;
        let mut body: Group = match unwrapped(input.parse()?) {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => group,
            TokenTree::Punct(end) if end.as_char() == ';' => {
                let message =
                    "this function has no body: put the attribute where it is implemented";
                return Err(syn::Error::new(sig.ident.span(), message));
            }
            other => {
                return Err(syn::Error::new(other.span(), "expected the body of the function"));
            }
        };
        let inside = |input: ParseStream<'_>| {
            Ok((input.call(Attribute::parse_inner)?, input.parse::<TokenStream>()?))
        };
        if let Ok((inner, rest)) = syn::parse::Parser::parse2(inside, body.stream())
            && !inner.is_empty()
        {
            // A closure cannot have them; on the function they mean the same.
            attrs.extend(
                inner.into_iter().map(|attr| Attribute { style: AttrStyle::Outer, ..attr }),
            );
            let span = body.span();
            body = Group::new(body.delimiter(), rest);
            body.set_span(span);
        }
        Ok(Self { attrs, vis, defaultness, sig, body })
    }
}

/// A token without the invisible group that a `macro_rules!` puts around what it was passed.
fn unwrapped(token: TokenTree) -> TokenTree {
    let mut token = token;
    while let TokenTree::Group(group) = &token
        && group.delimiter() == Delimiter::None
    {
        let mut inside = group.stream().into_iter();
        match (inside.next(), inside.next()) {
            (Some(only), None) => token = only,
            _ => break,
        }
    }
    token
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.head());
        self.body.to_tokens(tokens);
    }
}

impl Parse for Impl {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let defaultness: Option<Token![default]> = input.parse()?;
        let unsafety: Option<Token![unsafe]> = input.parse()?;
        let impl_token: Token![impl] = input.parse()?;
        let mut generics: Generics = input.parse()?;
        let first: Type = input.parse()?;
        let (of_trait, self_ty) = match (input.parse::<Option<Token![for]>>()?, first) {
            (Some(_), Type::Path(path)) => (Some(path.path), input.parse()?),
            (Some(token), _) => {
                return Err(syn::Error::new(token.span, "expected a trait before `for`"));
            }
            (None, ty) => (None, ty),
        };
        generics.where_clause = input.parse()?;
        let content;
        braced!(content in input);
        let mut items = Vec::new();
        while !content.is_empty() {
            items.push(content.parse()?);
        }
        Ok(Self {
            attrs,
            intro: quote!(#defaultness #unsafety #impl_token),
            generics,
            of_trait,
            self_ty,
            items,
        })
    }
}

impl Parse for ImplItem {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ahead = input.fork();
        if let Ok(function) = ahead.parse() {
            input.advance_to(&ahead);
            return Ok(Self::Function(Box::new(function)));
        }
        let mut tokens = TokenStream::new();
        while !input.is_empty() {
            let token: TokenTree = input.parse()?;
            let is_last = match &token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                TokenTree::Punct(punct) => punct.as_char() == ';',
                _ => false,
            };
            tokens.extend([token]);
            if is_last {
                break;
            }
        }
        Ok(Self::Other(tokens))
    }
}

impl Impl {
    /// The block with other items in it.
    pub(crate) fn with_items(&self, items: TokenStream) -> TokenStream {
        let Self { attrs, intro, generics, of_trait, self_ty, .. } = self;
        let of_trait = of_trait.as_ref().map(|path| quote!(#path for));
        let where_clause = &generics.where_clause;
        quote!(#(#attrs)* #intro #generics #of_trait #self_ty #where_clause { #items })
    }

    /// The name of the type, without its path and parameters.
    pub(crate) fn type_name(&self) -> Option<String> {
        match &self.self_ty {
            Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        }
    }
}
