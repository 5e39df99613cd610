//! `#[workflow]`: on a struct.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, Fields, Ident, Item, ItemStruct, Result, Type};

use crate::settings::{Kind, Settings};

const SETTINGS: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("version", Kind::Text),
    ("task_list", Kind::OptionalText),
    ("task_priority", Kind::Priority),
    ("retry", Kind::Unsigned),
    ("raises_on_failure", Kind::Flag),
    ("execution_timeout", Kind::Timeout),
    ("decision_tasks_timeout", Kind::Timeout),
    ("child_policy", Kind::ChildPolicy),
    ("tag_list", Kind::Texts),
    ("idempotent", Kind::Flag),
];

pub(crate) fn expand(settings: &Settings, item: Item) -> Result<TokenStream> {
    let Item::Struct(mut item) = item else {
        return Err(Error::new(
            item.span(),
            "#[workflow] goes on a struct: its fields are the workflow's input",
        ));
    };
    if !item.generics.params.is_empty() {
        return Err(Error::new(
            item.generics.span(),
            "a workflow cannot be generic: it is known by one name",
        ));
    }
    let fields = take_fields(&mut item)?;
    let name = &item.ident;
    let name_text = name.to_string();
    let assignments = settings.assignments(SETTINGS)?;
    let parameters = parameters(fields.iter().map(|field| (&field.name, &field.ty)));
    let names: Vec<_> = fields.iter().map(|field| &field.name).collect();
    let values = fields
        .iter()
        .enumerate()
        .map(|(index, field)| match &field.default {
            Some(default) => quote!(arguments.get_or(#index, || #default)?),
            None => quote!(arguments.get(#index)?),
        });
    let build = match item.fields {
        Fields::Unit => quote!(Self),
        _ => quote!(Self { #(#names: #values),* }),
    };
    Ok(quote! {
        #item

        impl ::simpleflow::WorkflowInput for #name {
            fn definition() -> &'static ::simpleflow::WorkflowDefinition {
                static DEFINITION: ::std::sync::LazyLock<::simpleflow::WorkflowDefinition> =
                    ::std::sync::LazyLock::new(|| {
                        let path = ::simpleflow::__private::path(::core::module_path!(), #name_text);
                        #[allow(unused_mut)]
                        let mut definition = ::simpleflow::WorkflowDefinition::new(path, #parameters);
                        definition.location =
                            ::core::concat!(::core::file!(), ":", ::core::line!());
                        #(#assignments)*
                        definition
                    });
                &DEFINITION
            }

            fn from_arguments(
                arguments: ::simpleflow::__private::Arguments<'_>,
            ) -> ::core::result::Result<Self, ::simpleflow::__private::ArgumentError> {
                #[allow(unused_variables)]
                let arguments = arguments
                    .bind(<Self as ::simpleflow::WorkflowInput>::definition().parameters)?;
                ::core::result::Result::Ok(#build)
            }

            fn to_arguments(
                &self,
            ) -> ::core::result::Result<
                ::std::vec::Vec<::simpleflow::model::SmolStr>,
                ::simpleflow::__private::JsonError,
            > {
                ::core::result::Result::Ok(::std::vec![
                    #(::simpleflow::__private::to_json(&self.#names)?),*
                ])
            }
        }

        ::simpleflow::__private::inventory::submit! {
            ::simpleflow::__private::Linked::Workflow(
                ::simpleflow::__private::WorkflowEntry::of::<#name>()
            )
        }
    })
}

struct Field {
    name: Ident,
    ty: Type,
    default: Option<Expr>,
}

/// The fields; their `#[default(…)]` is taken off the struct.
fn take_fields(item: &mut ItemStruct) -> Result<Vec<Field>> {
    if let Fields::Unnamed(fields) = &item.fields {
        return Err(Error::new(
            fields.span(),
            "a workflow's fields have names: the names are part of its interface",
        ));
    }
    item.fields
        .iter_mut()
        .filter_map(|field| field.ident.clone().map(|name| (name, field)))
        .map(|(name, field)| {
            let mut default = None;
            let mut problem = None;
            field.attrs.retain(|attribute| {
                if !attribute.path().is_ident("default") {
                    return true;
                }
                match attribute.parse_args::<Expr>() {
                    Ok(expression) => default = Some(expression),
                    Err(_) => {
                        problem = Some(Error::new(
                            attribute.span(),
                            "expected the value, as in `#[default(30.0)]`",
                        ));
                    }
                }
                false
            });
            match problem {
                Some(problem) => Err(problem),
                None => Ok(Field {
                    name,
                    ty: field.ty.clone(),
                    default,
                }),
            }
        })
        .collect()
}

/// The list of parameters of a definition.
pub(crate) fn parameters<'a>(fields: impl Iterator<Item = (&'a Ident, &'a Type)>) -> TokenStream {
    let entries = fields.map(|(name, ty)| {
        let name = name.to_string();
        // `quote` puts spaces between tokens; types read better without.
        let ty = quote!(#ty).to_string().replace(' ', "").replace(',', ", ");
        quote!(::simpleflow::__private::Parameter { name: #name, type_name: #ty })
    });
    quote!(&[#(#entries),*])
}
