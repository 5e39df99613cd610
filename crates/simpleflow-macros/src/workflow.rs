//! `#[workflow]`: on a struct.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Expr, Fields, Item, ItemStruct, Meta, Result};

use crate::Problems;
use crate::definition::definition;
use crate::parameter::{self, Parameter, at};
use crate::settings::{self, Kind};

const SETTINGS: &[(&str, Kind)] = &[
    ("name", Kind::Name),
    ("version", Kind::Version),
    ("task_list", Kind::OptionalTaskList),
    ("task_priority", Kind::Priority),
    ("retry", Kind::Retry),
    ("raises_on_failure", Kind::Flag),
    ("execution_timeout", Kind::Timeout),
    ("decision_tasks_timeout", Kind::Timeout),
    ("child_policy", Kind::ChildPolicy),
    ("tag_list", Kind::Tags),
    ("lambda_role", Kind::OptionalText),
    ("idempotent", Kind::Flag),
    ("max_open_activity_count", Kind::Positive),
    ("propagate_signals_to_parent", Kind::Flag),
];

/// The expansion. The fields' `#[default(…)]` is taken off the item.
pub(crate) fn expand(
    settings: TokenStream,
    item: &mut Item,
    problems: &mut Problems,
) -> Result<TokenStream> {
    let assignments = settings::assignments(settings, SETTINGS, problems);
    let Item::Struct(item) = item else {
        return Err(Error::new(
            item.span(),
            "`#[workflow]` goes on a struct: its fields are the workflow's input",
        ));
    };
    let inputs = take_inputs(item, problems);
    if let Fields::Unnamed(fields) = &item.fields {
        return Err(Error::new_spanned(
            fields,
            "a workflow's fields have names, which are part of its interface: \
             write `{ name: type }`",
        ));
    }
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &item.generics,
            "a workflow cannot be generic: it is known by one name, and reads JSON",
        ));
    }
    let conditions = parameter::conditions(&item.attrs);
    let name = &item.ident;
    let definition = definition(
        &quote!(::simpleflow::WorkflowDefinition),
        name,
        &assignments,
        inputs.iter().map(|input| &input.parameter),
    );
    let arguments = parameter::read_from(
        &quote_spanned!(Span::mixed_site()=> arguments),
        &quote!(<Self as ::simpleflow::WorkflowInput>::definition()),
    );
    let reads = inputs.iter().map(Input::read);
    let writes = inputs.iter().map(Input::write);
    let raw = match &inputs[..] {
        [only] if only.is_raw() => only.write_raw(),
        _ => TokenStream::new(),
    };
    Ok(quote_spanned! {Span::mixed_site()=>
        #item

        #(#conditions)*
        impl ::simpleflow::WorkflowInput for #name {
            #definition

            #[allow(unused, clippy::all)]
            fn from_arguments(
                arguments: ::simpleflow::__private::Arguments<'_>,
            ) -> ::core::result::Result<Self, ::simpleflow::__private::ArgumentError> {
                #arguments
                ::core::result::Result::Ok(Self { #(#reads),* })
            }

            fn to_arguments(
                &self,
            ) -> ::core::result::Result<
                ::std::vec::Vec<::simpleflow::model::SmolStr>,
                ::simpleflow::__private::JsonError,
            > {
                ::core::result::Result::Ok(::core::convert::From::from([#(#writes),*]))
            }

            #raw
        }

        #(#conditions)*
        ::simpleflow::__private::inventory::submit! {
            ::simpleflow::__private::Linked::Workflow(
                ::simpleflow::__private::WorkflowEntry::of::<#name>()
            )
        }
    })
}

/// A field of the struct.
struct Input {
    parameter: Parameter,
    default: Option<Expr>,
}

impl Input {
    /// The field with its value, in the struct's literal.
    fn read(&self) -> TokenStream {
        let Parameter {
            name, conditions, ..
        } = &self.parameter;
        let value = self.parameter.read(self.default.as_ref());
        quote!(#(#conditions)* #name: #value)
    }

    /// The field as JSON.
    fn write(&self) -> TokenStream {
        let Parameter {
            name,
            ty,
            conditions,
        } = &self.parameter;
        quote_spanned! {at(ty)=>
            #(#conditions)* ::simpleflow::__private::to_json::<#ty>(&self.#name)?
        }
    }

    /// Whether its type is written as a `Raw`.
    fn is_raw(&self) -> bool {
        let syn::Type::Path(ty) = &self.parameter.ty else {
            return false;
        };
        let name = ty.path.segments.last();
        name.is_some_and(|name| name.ident == "Raw")
    }

    /// The only field as the whole input.
    fn write_raw(&self) -> TokenStream {
        let Parameter {
            name,
            ty,
            conditions,
        } = &self.parameter;
        let here = Span::mixed_site();
        let text = quote_spanned!(at(ty)=> ::simpleflow::__private::text_of::<#ty>(&self.#name));
        quote_spanned! {here=>
            #[allow(unused, clippy::all)]
            fn to_raw(&self) -> ::core::option::Option<::simpleflow::model::SmolStr> {
                let raw: ::core::option::Option<::simpleflow::model::SmolStr> =
                    ::core::option::Option::None;
                #(#conditions)*
                let raw = #text;
                raw
            }
        }
    }
}

fn take_inputs(item: &mut ItemStruct, problems: &mut Problems) -> Vec<Input> {
    let mut inputs = Vec::new();
    for field in &mut item.fields {
        let default = take_default(&mut field.attrs, problems);
        if let Some(name) = &field.ident {
            inputs.push(Input {
                parameter: Parameter::new(name, &field.ty, &field.attrs),
                default,
            });
        }
    }
    inputs
}

fn take_default(attributes: &mut Vec<Attribute>, problems: &mut Problems) -> Option<Expr> {
    let mut default = None;
    for attribute in attributes.extract_if(.., |a| a.path().is_ident("default")) {
        let value = match &attribute.meta {
            Meta::List(list) => list.parse_args::<Expr>().ok(),
            _ => None,
        };
        if value.is_none() {
            problems.push(Error::new_spanned(
                &attribute,
                "`#[default]` needs the value, as in `#[default(30.0)]`",
            ));
        } else if default.is_some() {
            problems.push(Error::new_spanned(
                &attribute,
                "`#[default]` is given twice",
            ));
        }
        default = default.or(value);
    }
    default
}
