//! The signature of an activity's function: its parameters, and what it returns.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{
    Error, FnArg, GenericArgument, PatType, PathArguments, PathSegment, Result, ReturnType, Type,
    TypeReference,
};

use crate::parameter::{Parameter, at};

pub(crate) struct Signature {
    pub(crate) is_async: bool,
    pub(crate) is_method: bool,
    /// All parameters, in order; `None` is the context.
    pub(crate) parameters: Vec<Option<Parameter>>,
    pub(crate) output: Output,
    /// The place of the function's name.
    pub(crate) span: Span,
}

pub(crate) struct Output {
    /// The type of the result.
    pub(crate) ty: TokenStream,
    /// Whether the function returns a `Result` of it.
    pub(crate) is_result: bool,
    /// The place where the user wrote it.
    pub(crate) span: Span,
}

impl Signature {
    /// The signature of a function that stands alone.
    pub(crate) fn of_function(signature: &syn::Signature) -> Result<Self> {
        match signature.receiver() {
            Some(receiver) => Err(Error::new_spanned(
                receiver,
                "an activity with `self` is written as `#[activity]` on the `impl` block, \
                 with the method named `execute`",
            )),
            None => Self::new(signature),
        }
    }

    /// The signature of a program.
    pub(crate) fn of_program(signature: &syn::Signature) -> Result<Self> {
        if let Some(keyword) = &signature.asyncness {
            return Err(Error::new_spanned(
                keyword,
                "a program is a process of its own: leave out `async`",
            ));
        }
        if let Some(context) = signature.inputs.iter().find(|input| match input {
            FnArg::Receiver(_) => false,
            FnArg::Typed(input) => is_context(&input.ty),
        }) {
            return Err(Error::new_spanned(
                context,
                "a program has no `ActivityContext`: it learns of its task from variables of the \
                 environment such as SIMPLEFLOW_WORKFLOW_ID",
            ));
        }
        Self::of_function(signature)
    }

    /// The signature of a struct's `execute`.
    pub(crate) fn of_method(signature: &syn::Signature) -> Result<Self> {
        match signature.receiver() {
            Some(receiver) if receiver.reference.is_some() && receiver.mutability.is_none() => {
                Self::new(signature)
            }
            Some(receiver) => Err(Error::new_spanned(
                receiver,
                "`execute` takes `&self`: one value of the struct serves many tasks at once",
            )),
            None => Err(Error::new_spanned(
                &signature.ident,
                "`execute` takes `&self` as its first parameter; an activity without state is \
                 a function with `#[activity]`",
            )),
        }
    }

    fn new(signature: &syn::Signature) -> Result<Self> {
        if !signature.generics.params.is_empty() {
            return Err(Error::new_spanned(
                &signature.generics,
                "an activity cannot be generic: it is known by one name, and reads JSON",
            ));
        }
        if let Some(keyword) = &signature.unsafety {
            return Err(Error::new_spanned(
                keyword,
                "an activity cannot be unsafe: any workflow may call it",
            ));
        }
        let parameters: Vec<_> = signature
            .inputs
            .iter()
            .filter_map(|input| match input {
                FnArg::Receiver(_) => None,
                FnArg::Typed(input) => Some(parameter(input)),
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            is_async: signature.asyncness.is_some(),
            is_method: signature.receiver().is_some(),
            parameters,
            output: Output::of(signature)?,
            span: at(&signature.ident),
        })
    }

    /// The parameters that are arguments, in order.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().flatten()
    }
}

/// A parameter that is an argument; `None` is the context.
fn parameter(input: &PatType) -> Result<Option<Parameter>> {
    if is_context(&input.ty) {
        return Ok(None);
    }
    match bare(&input.ty) {
        Type::Reference(TypeReference { elem, .. }) if is_context(elem) => {
            return Err(Error::new_spanned(
                &input.ty,
                "an activity gets its context as a value: write `ActivityContext`",
            ));
        }
        Type::Reference(TypeReference { elem, .. }) => {
            return Err(Error::new_spanned(
                &input.ty,
                format!(
                    "an activity's parameter is a value that is read from JSON, \
                     not a reference: write {}",
                    owned(elem)
                ),
            ));
        }
        Type::ImplTrait(_) => {
            return Err(Error::new_spanned(
                &input.ty,
                "an activity's parameter has one type, which is read from JSON: \
                 write that type",
            ));
        }
        _ => {}
    }
    match &*input.pat {
        syn::Pat::Ident(pattern) => Ok(Some(Parameter::new(
            &pattern.ident,
            &input.ty,
            &input.attrs,
        ))),
        pattern => Err(Error::new_spanned(
            pattern,
            "an activity's parameter has a name, which is part of its interface: \
             write a plain name here",
        )),
    }
}

/// What to write in place of a reference to this type.
fn owned(ty: &Type) -> String {
    let owned = match ty {
        Type::Path(path) if path.path.is_ident("str") => quote!(String),
        Type::Slice(slice) => {
            let element = &slice.elem;
            quote!(Vec<#element>)
        }
        other => other.to_token_stream(),
    };
    format!("`{}`", owned.to_string().replace(' ', ""))
}

fn is_context(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "ActivityContext")
}

impl Output {
    fn of(signature: &syn::Signature) -> Result<Self> {
        let ReturnType::Type(_, ty) = &signature.output else {
            return Ok(Self {
                ty: quote!(()),
                is_result: false,
                span: at(&signature.ident),
            });
        };
        if let Type::ImplTrait(_) = bare(ty) {
            return Err(Error::new_spanned(
                ty,
                "an activity's result has one type, which is written as JSON: write that type",
            ));
        }
        let span = at(ty);
        let result = last_segment(ty).filter(|s| s.ident.to_string().ends_with("Result"));
        let (ty, is_result) = match result.map(|segment| first_argument(&segment.arguments)) {
            None => (quote!(#ty), false),
            Some(Some(first)) => (quote!(#first), true),
            // An alias without parameters: only the compiler knows what is in it.
            Some(None) => (
                quote_spanned!(span=> <#ty as ::simpleflow::__private::IsResult>::Ok),
                true,
            ),
        };
        Ok(Self {
            ty,
            is_result,
            span,
        })
    }
}

fn first_argument(arguments: &PathArguments) -> Option<&Type> {
    match arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
        }
        _ => None,
    }
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// The type without the parentheses, or the invisible ones that a macro's `$ty` has.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}
