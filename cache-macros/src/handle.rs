//! The handle of a function: an uninhabited enum whose verbs address what is cached.
//!
//! A verb stands outside the function, and for a method outside its `impl` block. So the handle has its own form of
//! everything that a signature may leave to its surroundings: `self`, `Self`, `impl Trait`, lifetimes without a name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{
    Attribute, GenericParam, Generics, Lifetime, LifetimeParam, Pat, ReceiverKind, Type,
    Visibility, WherePredicate, parse_quote,
};

use crate::args::Args;
use crate::errors::Errors;
use crate::item::{Function, Impl};
use crate::model::Argument;
use crate::walk::{self, Part};

/// The handle of a function.
pub(crate) struct Handle {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) is_deprecated: bool,
    /// Of the `impl` block and the function together, with a name for every `impl Trait`.
    pub(crate) generics: Generics,
    /// What `generics` are inside the function, where an `impl Trait` is inferred: `T, N, _`.
    pub(crate) instance: Vec<TokenStream>,
    /// `self` first.
    pub(crate) params: Vec<Param>,
    /// Lifetimes for the types in `Param::named`, and what they are bounds of.
    pub(crate) lifetimes: Vec<Lifetime>,
    pub(crate) outlives: Vec<WherePredicate>,
    /// The function as a path.
    pub(crate) callee: TokenStream,
    /// What `Self` and `self` stand for in a method's verbs.
    pub(crate) owner: Option<(Type, Ident)>,
    /// The verbs are the library's.
    pub(crate) is_listed: bool,
}

/// An argument as the verbs take it.
pub(crate) struct Param {
    /// What it is called where it is only passed on. It has the hygiene of generated code, and so hides no function.
    pub(crate) name: Ident,
    /// What it is called where it becomes a key.
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
    /// The type with a name for every lifetime.
    pub(crate) named: Type,
    /// What the library's verbs take; `None` if there is no word for it.
    pub(crate) listed: Option<Listed>,
    /// It is `self`.
    pub(crate) is_self: bool,
    /// The type has an `impl Trait` in it.
    pub(crate) is_impl: bool,
    pub(crate) in_key: bool,
    /// Names in `pat` that the key is made of.
    pub(crate) used: Vec<Ident>,
    /// Names in `pat` that it is not made of.
    pub(crate) unused: Vec<Ident>,
}

/// An argument in the type of a handle.
pub(crate) enum Listed {
    /// By value.
    Own(Type),
    /// By reference to this.
    Ref(Type),
}

/// Of how many arguments the library has verbs.
const MOST_LISTED: usize = 12;

impl Handle {
    /// `has_words`: the attribute says something about the arguments or the result of a call.
    pub(crate) fn new(
        ident: Ident,
        args: &Args,
        item: &Function,
        arguments: &[Argument],
        block: Option<&Impl>,
        has_words: bool,
        errors: &mut Errors,
    ) -> Self {
        let sig = &item.sig;
        let this = Ident::new("this", Span::mixed_site());
        let mut generics = merged(block.map(|block| &block.generics), &sig.generics);
        let named: Vec<Ident> = idents(&sig.generics).cloned().collect();
        let mut instance: Vec<TokenStream> =
            idents(&generics).map(ToTokens::to_token_stream).collect();
        let (mut lifetimes, mut outlives) = (Vec::new(), Vec::new());

        let in_key = |name: &Ident| match &args.key {
            Some(key) => walk::mentions(key, name),
            None => !args.skip.contains(name),
        };
        let mut params = Vec::new();
        if let Some(receiver) = sig.receiver() {
            let ty = match &receiver.kind {
                ReceiverKind::Reference(and, lifetime, mutability) => {
                    parse_quote!(#and #lifetime #mutability Self)
                }
                ReceiverKind::Typed(_, ty) => (**ty).clone(),
                _ => parse_quote!(Self),
            };
            params.push(Param {
                name: this.clone(),
                pat: parse_quote!(#this),
                named: with_lifetimes(&ty, &mut lifetimes, &mut outlives),
                ty,
                listed: None,
                is_self: true,
                is_impl: false,
                in_key: in_key(&Ident::new("self", Span::call_site())),
                used: Vec::new(),
                unused: Vec::new(),
            });
        }
        for (idx, argument) in arguments.iter().enumerate() {
            let mut ty = argument.ty.clone();
            let n_before = generics.params.len();
            name_impls(&mut ty, &mut generics);
            let is_impl = generics.params.len() > n_before;
            instance.extend((n_before..generics.params.len()).map(|_| quote!(_)));
            let name = match &argument.pat {
                Pat::Ident(binding) => binding.ident.clone(),
                other => {
                    if is_impl {
                        errors.on(
                            other,
                            "the handle needs a name for an `impl Trait` argument: write a plain name here, or `handle = none`",
                        );
                    }
                    format_ident!("arg{idx}")
                }
            };
            let (used, unused) = argument.bindings.iter().cloned().partition::<Vec<_>, _>(in_key);
            params.push(Param {
                name: at_mixed_site(name),
                pat: plain(&argument.pat),
                named: with_lifetimes(&ty, &mut lifetimes, &mut outlives),
                // Other patterns put their names in the key one by one.
                listed: if used.is_empty() || is_name(&argument.pat) { listed(&ty) } else { None },
                ty,
                is_self: false,
                is_impl,
                in_key: !used.is_empty(),
                used,
                unused,
            });
        }

        let function = &sig.ident;
        let callee = match block {
            None if named.is_empty() => quote!(#function),
            None => quote!(#function::<#(#named),*>),
            Some(Impl { of_trait, .. }) => {
                let of_trait = of_trait.as_ref().map(|path| quote!(as #path));
                quote!(<(Self) #of_trait>::#function::<#(#named),*>)
            }
        };
        let is_plain = |param: &GenericParam| matches!(param, GenericParam::Lifetime(param) if param.bounds.is_empty());
        let is_listed = block.is_none()
            && sig.generics.params.iter().all(is_plain)
            && sig.generics.where_clause.is_none()
            && params.len() <= MOST_LISTED
            && params.iter().all(|param| param.listed.is_some() && !param.is_impl)
            && !has_words;
        Self {
            is_listed,
            vis: item.vis.clone(),
            cfgs: item.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect(),
            is_deprecated: item.has_attr("deprecated"),
            owner: block.map(|block| (block.self_ty.clone(), this)),
            ident,
            generics,
            instance,
            params,
            lifetimes,
            outlives,
            callee,
        }
    }
}

/// Parameters of types and values, which a path may name.
pub(crate) fn idents(generics: &Generics) -> impl Iterator<Item = &Ident> {
    generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    })
}

/// The generics of a block and of a function in it as those of one function.
fn merged(block: Option<&Generics>, function: &Generics) -> Generics {
    let all = || block.into_iter().chain([function]);
    let (lifetimes, others): (Vec<_>, Vec<_>) = all()
        .flat_map(|generics| generics.params.clone())
        .partition(|param| matches!(param, GenericParam::Lifetime(_)));
    let mut merged =
        Generics { params: lifetimes.into_iter().chain(others).collect(), ..Generics::default() };
    for predicates in all().filter_map(|generics| generics.where_clause.as_ref()) {
        merged.make_where_clause().predicates.extend(predicates.predicates.clone());
    }
    merged
}

/// Makes every `impl Trait` of an argument a parameter.
fn name_impls(ty: &mut Type, generics: &mut Generics) {
    walk::types(ty, &mut |part| {
        if let Part::ImplTrait(ty) = part
            && let Type::ImplTrait(implementor) = &*ty
        {
            let ident =
                format_ident!("CacheImpl{}", generics.params.len(), span = Span::mixed_site());
            let bounds = &implementor.bounds;
            generics.params.push(parse_quote!(#ident: #bounds));
            *ty = parse_quote!(#ident);
        }
    });
}

/// The type with a name for every lifetime, because a bound must name them, and with what its references imply, because
/// a bound implies nothing.
fn with_lifetimes(
    ty: &Type,
    lifetimes: &mut Vec<Lifetime>,
    outlives: &mut Vec<WherePredicate>,
) -> Type {
    let mut ty = ty.clone();
    let mut fresh = || {
        let lifetime = Lifetime::new(&format!("'cache_{}", lifetimes.len()), Span::mixed_site());
        lifetimes.push(lifetime.clone());
        lifetime
    };
    walk::types(&mut ty, &mut |part| match part {
        Part::Reference(reference) => {
            let lifetime = reference
                .lifetime
                .take()
                .filter(|lifetime| lifetime.ident != "_")
                .unwrap_or_else(&mut fresh);
            reference.lifetime = Some(lifetime.clone());
            outlives.push(parse_quote!(#reference: #lifetime));
        }
        Part::Lifetime(lifetime) if lifetime.ident == "_" => *lifetime = fresh(),
        _ => {}
    });
    ty
}

/// The type of an argument for the library's verbs, if it has no lifetime but perhaps that of a reference to it.
fn listed(ty: &Type) -> Option<Listed> {
    match unwrapped(ty) {
        Type::Reference(reference) => {
            let lifetime = reference.lifetime.as_ref();
            let is_static = lifetime.is_some_and(|lifetime| lifetime.ident == "static");
            let elem = unwrapped(&reference.elem);
            // Behind a reference, `dyn Trait` has the lifetime of the reference.
            let is_dyn = matches!(elem, Type::TraitObject(_));
            (reference.mutability.is_none() && !is_static && !is_dyn && owns_all(elem))
                .then(|| Listed::Ref(elem.clone()))
        }
        ty => owns_all(ty).then(|| Listed::Own(ty.clone())),
    }
}

fn unwrapped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => unwrapped(&group.elem),
        Type::Paren(paren) => unwrapped(&paren.elem),
        ty => ty,
    }
}

/// Whether nothing of a type is borrowed or unknown, as far as its tokens tell.
fn owns_all(ty: &Type) -> bool {
    let mut owns_all = !matches!(ty, Type::Macro(_));
    walk::types(&mut ty.clone(), &mut |_| owns_all = false);
    owns_all
}

fn is_name(pat: &Pat) -> bool {
    matches!(pat, Pat::Ident(binding) if binding.subpat.is_none())
}

/// The pattern without `mut` and `ref`: a verb does not change its arguments, and takes some of them by reference.
fn plain(pat: &Pat) -> Pat {
    let mut pat = pat.clone();
    walk::bindings(&mut pat, &mut |binding| {
        binding.mutability = None;
        binding.by_ref = None;
    });
    pat
}

impl Handle {
    /// The type that stands for the function where the verbs are the library's.
    pub(crate) fn function(&self) -> Ident {
        let span = Span::mixed_site().located_at(self.ident.span());
        format_ident!("__cache_{}", self.ident.unraw(), span = span)
    }

    /// The generics of `warm`.
    pub(crate) fn warm_generics(&self) -> Generics {
        let mut generics = self.generics.clone();
        for lifetime in self.lifetimes.iter().rev() {
            generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(lifetime.clone())));
        }
        if !self.outlives.is_empty() {
            generics.make_where_clause().predicates.extend(self.outlives.clone());
        }
        generics
    }
}

/// The same name at the same place, with the hygiene of generated code.
pub(crate) fn at_mixed_site(mut ident: Ident) -> Ident {
    ident.set_span(Span::mixed_site().located_at(ident.span()));
    ident
}
