//! The function `definition` of the traits: the settings and what the source says.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::Ident;
use syn::ext::IdentExt as _;

use crate::parameter::{self, Parameter};

/// The function that gives the definition, a `ty`.
pub(crate) fn definition<'a>(
    ty: &TokenStream,
    name: &Ident,
    assignments: &[TokenStream],
    parameters: impl Iterator<Item = &'a Parameter>,
) -> TokenStream {
    let parameters = parameter::list(parameters);
    let name = name.unraw().to_string();
    quote_spanned! {Span::mixed_site()=>
        fn definition() -> &'static #ty {
            static DEFINITION: ::std::sync::LazyLock<#ty> = ::std::sync::LazyLock::new(|| {
                let path = ::simpleflow::__private::path(::core::module_path!(), #name);
                let mut definition = #ty::new(path, #parameters);
                definition.location = ::core::concat!(::core::file!(), ":", ::core::line!());
                #(#assignments)*
                definition
            });
            &DEFINITION
        }
    }
}
