//! `#[activity]`: on a function, and on the `impl` of a struct.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Error, ForeignItemFn, Ident, ImplItem, Item, ItemFn, ItemImpl, Result, Type,
    Visibility,
};

use crate::Problems;
use crate::definition::definition;
use crate::parameter::{self, Parameter, at};
use crate::settings::{self, Kind};
use crate::signature::Signature;

const SETTINGS: &[(&str, Kind)] = &[
    ("name", Kind::Name),
    ("version", Kind::Version),
    ("task_list", Kind::TaskList),
    ("retry", Kind::Retry),
    ("raises_on_failure", Kind::Flag),
    ("start_to_close_timeout", Kind::Timeout),
    ("schedule_to_close_timeout", Kind::Timeout),
    ("schedule_to_start_timeout", Kind::Timeout),
    ("heartbeat_timeout", Kind::Timeout),
    ("task_priority", Kind::Priority),
    ("idempotent", Kind::Flag),
    ("named_arguments", Kind::Flag),
    ("meta", Kind::Json),
    ("binaries", Kind::Binaries),
    ("program", Kind::Program),
];

pub(crate) fn expand(
    settings: TokenStream,
    item: &Item,
    problems: &mut Problems,
) -> Result<TokenStream> {
    let program = settings::place_of("program", &settings);
    let assignments = settings::assignments(settings, SETTINGS, problems);
    if let (Item::Fn(_) | Item::Impl(_), Some(place)) = (item, program) {
        problems.push(Error::new(
            place,
            "a program runs in place of code: end the function with `;` after its signature",
        ));
    }
    match item {
        Item::Fn(function) => expand_function(&assignments, function),
        Item::Impl(block) => expand_impl(&assignments, block),
        Item::Verbatim(tokens)
            if let Ok(function) = syn::parse2::<ForeignItemFn>(tokens.clone()) =>
        {
            if program.is_none() {
                return Err(Error::new(
                    function.sig.ident.span(),
                    "a function without a body is a program: name it, as in \
                     `#[activity(program = \"convert\")]`, or write the body",
                ));
            }
            expand_program(&assignments, &function)
        }
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
    let running = running(&signature, &quote!(#name::run));
    let item = stateless(assignments, attrs, vis, name, &signature, &running);
    let conditions = parameter::conditions(attrs);
    let run_doc = docs(attrs)
        .is_empty()
        .then(|| quote!(#[doc = "The function itself."]));
    let mut run = function.clone();
    run.sig.ident = format_ident!("run", span = name.span());
    Ok(quote! {
        #item

        #(#conditions)*
        impl #name {
            #run_doc
            #run
        }
    })
}

/// A signature alone: a program is what runs.
fn expand_program(assignments: &[TokenStream], function: &ForeignItemFn) -> Result<TokenStream> {
    let signature = Signature::of_program(&function.sig)?;
    let output = &signature.output.ty;
    let program = quote_spanned!(signature.output.span=> ::simpleflow::Program::new::<#output>);
    let running = quote_spanned! {Span::mixed_site()=>
        ::simpleflow::RunningActivity::Program(
            #program(<Self as ::simpleflow::Activity>::definition().program, input)?
        )
    };
    let ForeignItemFn { attrs, vis, .. } = function;
    let name = &function.sig.ident;
    Ok(stateless(
        assignments,
        attrs,
        vis,
        name,
        &signature,
        &running,
    ))
}

fn docs(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs.iter().filter(|a| a.path().is_ident("doc")).collect()
}

/// An activity without state, and its call: both have the function's name.
fn stateless(
    assignments: &[TokenStream],
    attrs: &[Attribute],
    vis: &Visibility,
    name: &Ident,
    signature: &Signature,
    running: &TokenStream,
) -> TokenStream {
    let conditions = parameter::conditions(attrs);
    let docs = docs(attrs);
    let type_doc = docs.is_empty().then(|| quote!(#[doc = "An activity."]));
    let activity = name.to_token_stream();
    let call = call(signature, &activity, vis, name);
    let definition = definition(
        &quote!(::simpleflow::ActivityDefinition),
        name,
        assignments,
        signature.arguments(),
    );
    let implementation = implementation(signature, &activity, &definition, running);
    quote! {
        #(#conditions)*
        #(#docs)*
        #type_doc
        #[allow(non_camel_case_types)]
        #[derive(::core::default::Default)]
        #vis struct #name {}

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
    }
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
    let running = running(&signature, &quote!(<#ty>::execute));
    let implementation = implementation(&signature, &activity, &definition, &running);
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

/// The implementation of the trait. `running` is the activity with its arguments, which are in the
/// variables of their names.
fn implementation(
    signature: &Signature,
    activity: &TokenStream,
    definition: &TokenStream,
    running: &TokenStream,
) -> TokenStream {
    let here = Span::mixed_site();
    let arguments = parameter::read_from(
        &quote_spanned!(here=> ::simpleflow::__private::Arguments::of_input(input)),
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
