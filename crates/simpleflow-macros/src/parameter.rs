//! A parameter: of an activity's function, or a workflow's field.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Ident, Type};

pub(crate) struct Parameter {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    /// The `#[cfg(…)]` under which it exists.
    pub(crate) conditions: Vec<Attribute>,
}

impl Parameter {
    pub(crate) fn new(name: &Ident, ty: &Type, attributes: &[Attribute]) -> Self {
        Self {
            name: name.clone(),
            ty: ty.clone(),
            conditions: conditions(attributes),
        }
    }

    /// What reads it from the variables that [`read_from`] declares, or takes the default.
    pub(crate) fn read(&self, default: Option<&Expr>) -> TokenStream {
        let ty = &self.ty;
        match default {
            None => quote_spanned!(at(ty)=> arguments.get::<#ty>(next())?),
            Some(default) => {
                quote_spanned!(at(ty)=> arguments.get_or::<#ty>(next(), || #default)?)
            }
        }
    }
}

/// The place of what the user wrote, for code with names of its own.
pub(crate) fn at(tokens: &impl Spanned) -> Span {
    tokens.span().resolved_at(Span::mixed_site())
}

/// The attributes that say when an item exists.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .cloned()
        .collect()
}

/// The variables that [`Parameter::read`] uses: the `arguments`, bound to the parameters of
/// `definition`, and `next`, the position of the next. The positions are counted when the code
/// runs, because only the compiler knows which of the parameters a `#[cfg(…)]` leaves.
pub(crate) fn read_from(arguments: &TokenStream, definition: &TokenStream) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        let arguments = #arguments.bind(#definition.parameters)?;
        let mut position = 0..;
        let mut next = || {
            let index = position.start;
            position.start += 1;
            index
        };
    }
}

/// The list of parameters of a definition.
pub(crate) fn list<'a>(parameters: impl Iterator<Item = &'a Parameter>) -> TokenStream {
    let entries = parameters.map(|parameter| {
        let conditions = &parameter.conditions;
        let name = parameter.name.unraw().to_string();
        let ty = type_name(&parameter.ty);
        quote! {
            #(#conditions)*
            ::simpleflow::__private::Parameter { name: #name, type_name: #ty }
        }
    });
    quote!(&[#(#entries),*])
}

/// The type as one writes it: `quote` puts a space between all tokens.
fn type_name(ty: &Type) -> String {
    let spaced = quote!(#ty).to_string();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut name = String::with_capacity(spaced.len());
    for part in spaced.split(' ') {
        if name.ends_with([',', ';']) || (name.ends_with(is_word) && part.starts_with(is_word)) {
            name.push(' ');
        }
        name.push_str(part);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_as_one_writes_it() {
        for written in [
            "i64",
            "Option<Vec<(String, u8)>>",
            "std::collections::BTreeMap<String, [u8; 4]>",
            "&'static str",
            "Box<dyn Any>",
            "()",
        ] {
            let ty: Type = syn::parse_str(written).unwrap();
            assert_eq!(type_name(&ty), written);
        }
    }
}
