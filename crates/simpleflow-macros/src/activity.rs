//! `#[activity]`: on a function, and on the `impl` of a struct.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, Ident, ImplItem, Item, ItemFn, ItemImpl, Result, Type, Visibility};

use crate::Problems;
use crate::definition::definition;
use crate::parameter::{self, Parameter, at};
use crate::settings::{self, Kind};
use crate::signature::Signature;

const SETTINGS: &[(&str, Kind)] = &[
    ("name", Kind::Name),
    ("version", Kind::Version),
    ("task_list", Kind::TaskList),
    ("retry", Kind::Unsigned),
    ("raises_on_failure", Kind::Flag),
    ("start_to_close_timeout", Kind::Timeout),
    ("schedule_to_close_timeout", Kind::Timeout),
    ("schedule_to_start_timeout", Kind::Timeout),
    ("heartbeat_timeout", Kind::Timeout),
    ("task_priority", Kind::Priority),
    ("idempotent", Kind::Flag),
    ("meta", Kind::Json),
];

pub(crate) fn expand(
    settings: TokenStream,
    item: &Item,
    problems: &mut Problems,
) -> Result<TokenStream> {
    let assignments = settings::assignments(settings, SETTINGS, problems);
    match item {
        Item::Fn(function) => expand_function(&assignments, function),
        Item::Impl(block) => expand_impl(&assignments, block),
        other => Err(Error::new(
            other.span(),
            "`#[activity]` goes on a function, or on the `impl` block of a struct that has a \
             method `execute(&self, …)`",
        )),
    }
}

fn expand_function(assignments: &[TokenStream], function: &ItemFn) -> Result<TokenStream> {
    let signature = Signature::of_function(&function.sig)?;
    let ItemFn { attrs, vis, .. } = function;
    let name = &function.sig.ident;
    let conditions = parameter::conditions(attrs);
    let docs: Vec<_> = attrs.iter().filter(|a| a.path().is_ident("doc")).collect();
    let undocumented = |text: &str| docs.is_empty().then(|| quote!(#[doc = #text]));
    let (type_doc, run_doc) = (
        undocumented("An activity."),
        undocumented("The function itself."),
    );
    let activity = name.to_token_stream();
    let call = call(&signature, &activity, vis, name);
    let definition = definition(
        &quote!(::simpleflow::ActivityDefinition),
        name,
        assignments,
        signature.arguments(),
    );
    let implementation = implementation(&signature, &activity, &definition, &quote!(#name::run));
    let mut run = function.clone();
    run.sig.ident = format_ident!("run", span = name.span());
    Ok(quote! {
        #(#conditions)*
        #(#docs)*
        #type_doc
        #[allow(non_camel_case_types)]
        #[derive(::core::default::Default)]
        #vis struct #name {}

        #(#conditions)*
        impl #name {
            #run_doc
            #run
        }

        #(#conditions)*
        #(#docs)*
        #type_doc
        #call

        #(#conditions)*
        #implementation

        #(#conditions)*
        ::simpleflow::__private::inventory::submit! {
            ::simpleflow::__private::Linked::Activity(
                || ::simpleflow::__private::ActivityEntry::of(#name {})
            )
        }
    })
}

fn expand_impl(assignments: &[TokenStream], block: &ItemImpl) -> Result<TokenStream> {
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(
            path,
            "`#[activity]` goes on an `impl` block of the struct itself, not of a trait",
        ));
    }
    if !block.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &block.generics,
            "an activity cannot be generic: it is known by one name, and reads JSON",
        ));
    }
    let ty = &*block.self_ty;
    let name = match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    };
    let Some(name) = name else {
        return Err(Error::new_spanned(
            ty,
            "an activity with state is a struct: write its name",
        ));
    };
    let execute = block.items.iter().find_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == "execute" => Some(method),
        _ => None,
    });
    let Some(execute) = execute else {
        return Err(Error::new_spanned(
            ty,
            "an activity with state has a method `execute(&self, …)` in this `impl` block: \
             that is what runs",
        ));
    };
    let signature = Signature::of_method(&execute.sig)?;
    let conditions = parameter::conditions(&block.attrs);
    let activity = ty.to_token_stream();
    let call = call(
        &signature,
        &activity,
        &execute.vis,
        &format_ident!("call", span = execute.sig.ident.span()),
    );
    let definition = definition(
        &quote!(::simpleflow::ActivityDefinition),
        name,
        assignments,
        signature.arguments(),
    );
    let implementation =
        implementation(&signature, &activity, &definition, &quote!(<#ty>::execute));
    Ok(quote! {
        #block

        #(#conditions)*
        impl #ty {
            /// The call of this activity, to be given to `flow.submit`.
            #call
        }

        #(#conditions)*
        #implementation
    })
}

/// The function that makes a call of the activity.
fn call(
    signature: &Signature,
    activity: &TokenStream,
    vis: &Visibility,
    name: &Ident,
) -> TokenStream {
    let parameters = signature.arguments().map(|argument| {
        let Parameter {
            name,
            ty,
            conditions,
        } = argument;
        quote_spanned!(at(ty)=> #(#conditions)* #name: impl ::simpleflow::IntoArg<#ty>)
    });
    let arguments = signature.arguments().map(|argument| {
        let Parameter {
            name,
            ty,
            conditions,
        } = argument;
        quote!(#(#conditions)* ::simpleflow::IntoArg::<#ty>::into_arg(#name))
    });
    let output = &signature.output.ty;
    quote! {
        #[allow(dead_code, non_snake_case, clippy::too_many_arguments)]
        #vis fn #name(#(#parameters),*) -> ::simpleflow::ActivityCall<#output> {
            ::simpleflow::ActivityCall::new::<#activity>(::core::convert::From::from([#(#arguments),*]))
        }
    }
}

/// The implementation of the trait, of which `function` is what runs.
fn implementation(
    signature: &Signature,
    activity: &TokenStream,
    definition: &TokenStream,
    function: &TokenStream,
) -> TokenStream {
    let here = Span::mixed_site();
    let arguments = parameter::read_from(
        &quote_spanned!(here=> ::simpleflow::__private::Arguments::parse(input)?),
        &quote!(<Self as ::simpleflow::Activity>::definition()),
    );
    let reads = signature.arguments().map(|argument| {
        let Parameter {
            name,
            ty,
            conditions,
        } = argument;
        let read = argument.read(None);
        quote_spanned!(here=> #(#conditions)* let #name: #ty = #read;)
    });
    let running = running(signature, function);
    quote_spanned! {here=>
        impl ::simpleflow::Activity for #activity {
            #definition

            #[allow(unused, non_snake_case, clippy::all)]
            fn start(
                self: ::std::sync::Arc<Self>,
                context: ::simpleflow::ActivityContext,
                input: &::core::primitive::str,
            ) -> ::core::result::Result<::simpleflow::RunningActivity, ::simpleflow::Failure> {
                #arguments
                #(#reads)*
                ::core::result::Result::Ok(#running)
            }
        }
    }
}

/// The activity with its arguments in the variables of their names.
fn running(signature: &Signature, function: &TokenStream) -> TokenStream {
    let receiver = signature
        .is_method
        .then(|| quote_spanned!(Span::mixed_site()=> &self,));
    let passed = signature
        .parameters
        .iter()
        .map(|parameter| match parameter {
            Some(Parameter {
                name, conditions, ..
            }) => quote!(#(#conditions)* #name),
            None => {
                quote_spanned!(Span::mixed_site()=> ::core::clone::Clone::clone(&context))
            }
        });
    let wait = signature.is_async.then(|| quote!(.await));
    let call = quote!(#function(#receiver #(#passed),*) #wait);
    let call = if signature.output.is_result {
        call
    } else {
        quote!(::core::result::Result::<_, ::core::convert::Infallible>::Ok(#call))
    };
    // What is wrong with the result is shown at its type, with the future at the name.
    let run = quote_spanned! {signature.output.span=>
        let result = #call;
        ::simpleflow::__private::activity_result(result)
    };
    let boxed = if signature.is_async {
        quote_spanned!(signature.span=> Async(::std::boxed::Box::pin(async move { #run })))
    } else {
        quote_spanned!(signature.span=> Blocking(::std::boxed::Box::new(move || { #run })))
    };
    quote_spanned!(signature.span=> ::simpleflow::RunningActivity::#boxed)
}
