//! `#[middleware]`, on a function.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Error, Item, Result};

use crate::Problems;
use crate::parameter;
use crate::settings::{self, Kind};

const SETTINGS: &[(&str, Kind)] = &[("name", Kind::Text)];

pub(crate) fn expand(
    settings: TokenStream,
    item: &Item,
    problems: &mut Problems,
) -> Result<TokenStream> {
    let assignments = settings::assignments(settings, SETTINGS, problems);
    let Item::Fn(function) = item else {
        return Err(Error::new(
            item.span(),
            "`#[middleware]` goes on an `async` function",
        ));
    };
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new(
            signature.fn_token.span,
            "a middleware is an `async` function: write `async fn`",
        ));
    }
    let name = &signature.ident;
    let text = name.unraw().to_string();
    let conditions = parameter::conditions(&function.attrs);
    // That it is no middleware is told at its name.
    let made = quote_spanned!(name.span()=> ::simpleflow::__private::Middleware::new(#name));
    let registration = quote_spanned! {Span::mixed_site()=>
        ::simpleflow::__private::inventory::submit! {
            ::simpleflow::__private::Linked::Middleware(|| {
                struct Definition {
                    name: ::simpleflow::model::SmolStr,
                }
                #[allow(unused_mut)]
                let mut definition = Definition {
                    name: ::simpleflow::__private::path(::core::module_path!(), #text),
                };
                #(#assignments)*
                let location = ::core::concat!(::core::file!(), ":", ::core::line!());
                (definition.name, #made.at(location))
            })
        }
    };
    Ok(quote! {
        #function

        #(#conditions)*
        #registration
    })
}
