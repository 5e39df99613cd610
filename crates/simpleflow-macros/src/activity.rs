//! `#[activity]`: on a function, and on the `impl` of a struct.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Error, FnArg, GenericArgument, Ident, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Pat,
    PathArguments, Result, ReturnType, Signature, Type,
};

use crate::settings::{Kind, Settings};

const SETTINGS: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("version", Kind::Text),
    ("task_list", Kind::Text),
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

pub(crate) fn expand(settings: &Settings, item: Item) -> Result<TokenStream> {
    match item {
        Item::Fn(function) => expand_function(settings, function),
        Item::Impl(block) => expand_impl(settings, block),
        other => Err(Error::new(
            other.span(),
            "#[activity] goes on a function, or on an `impl` block with a method `execute`",
        )),
    }
}

fn expand_function(settings: &Settings, mut function: ItemFn) -> Result<TokenStream> {
    let parts = Parts::of(&function.sig)?;
    let name = function.sig.ident.clone();
    let vis = function.vis.clone();
    let docs: Vec<_> = function
        .attrs
        .iter()
        .filter(|a| a.path().is_ident("doc"))
        .cloned()
        .collect();
    let definition = definition(settings, &name.to_string(), &parts)?;
    let (call_params, call_args) = parts.call();
    let output = &parts.output;
    let start = parts.start(&quote!(#name::run));

    function.sig.ident = format_ident!("run", span = name.span());
    let run_docs = if docs.is_empty() {
        quote!(#[doc = "The function itself."])
    } else {
        quote!()
    };
    let type_docs = if docs.is_empty() {
        quote!(#[doc = "An activity."])
    } else {
        quote!()
    };
    Ok(quote! {
        #(#docs)*
        #type_docs
        #[allow(non_camel_case_types)]
        #[derive(::core::default::Default)]
        #vis struct #name {}

        impl #name {
            #run_docs
            #function
        }

        #(#docs)*
        #type_docs
        #[allow(clippy::too_many_arguments)]
        #vis fn #name(#call_params) -> ::simpleflow::ActivityCall<#output> {
            ::simpleflow::ActivityCall::new::<#name>(::std::vec![#call_args])
        }

        impl ::simpleflow::Activity for #name {
            #definition
            #start
        }

        ::simpleflow::__private::inventory::submit! {
            ::simpleflow::__private::Linked::Activity(
                || ::simpleflow::__private::ActivityEntry::of(#name {})
            )
        }
    })
}

fn expand_impl(settings: &Settings, block: ItemImpl) -> Result<TokenStream> {
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new(
            path.span(),
            "#[activity] goes on an `impl` block of the struct itself, not of a trait",
        ));
    }
    if !block.generics.params.is_empty() {
        return Err(Error::new(
            block.generics.span(),
            "an activity cannot be generic: it is known by one name",
        ));
    }
    let Type::Path(self_type) = &*block.self_ty else {
        return Err(Error::new(
            block.self_ty.span(),
            "expected the name of a struct",
        ));
    };
    let name = self_type
        .path
        .segments
        .last()
        .map(|segment| segment.ident.clone())
        .ok_or_else(|| Error::new(self_type.span(), "expected the name of a struct"))?;
    let execute = block
        .items
        .iter()
        .find_map(|item| match item {
            ImplItem::Fn(method) if method.sig.ident == "execute" => Some(method),
            _ => None,
        })
        .ok_or_else(|| {
            Error::new(
                block.self_ty.span(),
                "an activity's `impl` block has a method `execute(&self, …)`: that is what runs",
            )
        })?;
    let ImplItemFn { sig, vis, .. } = execute;
    let parts = Parts::of_method(sig)?;
    let definition = definition(settings, &name.to_string(), &parts)?;
    let (call_params, call_args) = parts.call();
    let output = &parts.output;
    let start = parts.start(&quote!(#name::execute));
    Ok(quote! {
        #block

        impl #name {
            /// The call of this activity, to be given to `flow.submit`.
            #[allow(clippy::too_many_arguments)]
            #vis fn call(#call_params) -> ::simpleflow::ActivityCall<#output> {
                ::simpleflow::ActivityCall::new::<#name>(::std::vec![#call_args])
            }
        }

        impl ::simpleflow::Activity for #name {
            #definition
            #start
        }
    })
}

/// The function `definition` of the trait.
fn definition(settings: &Settings, name: &str, parts: &Parts) -> Result<TokenStream> {
    let assignments = settings.assignments(SETTINGS)?;
    let parameters = crate::workflow::parameters(
        parts
            .arguments
            .iter()
            .map(|argument| (&argument.name, &argument.ty)),
    );
    Ok(quote! {
        fn definition() -> &'static ::simpleflow::ActivityDefinition {
            static DEFINITION: ::std::sync::LazyLock<::simpleflow::ActivityDefinition> =
                ::std::sync::LazyLock::new(|| {
                    let path = ::simpleflow::__private::path(::core::module_path!(), #name);
                    #[allow(unused_mut)]
                    let mut definition = ::simpleflow::ActivityDefinition::new(path, #parameters);
                    definition.location =
                        ::core::concat!(::core::file!(), ":", ::core::line!());
                    #(#assignments)*
                    definition
                });
            &DEFINITION
        }
    })
}

struct Argument {
    name: Ident,
    ty: Type,
    is_context: bool,
}

/// What matters of a function's signature.
struct Parts {
    is_async: bool,
    is_method: bool,
    /// All parameters, in order, the context among them.
    parameters: Vec<Argument>,
    /// Those that are arguments.
    arguments: Vec<Argument>,
    output: TokenStream,
    returns_result: bool,
}

impl Parts {
    fn of(signature: &Signature) -> Result<Self> {
        if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
            return Err(Error::new(
                receiver.span(),
                "an activity with `self` is written as #[activity] on the `impl` block, \
                 with the method named `execute`",
            ));
        }
        Self::parse(signature, false)
    }

    fn of_method(signature: &Signature) -> Result<Self> {
        match signature.inputs.first() {
            Some(FnArg::Receiver(receiver))
                if receiver.reference.is_some() && receiver.mutability.is_none() =>
            {
                Self::parse(signature, true)
            }
            other => Err(Error::new(
                other.map_or_else(|| signature.span(), |argument| argument.span()),
                "`execute` takes `&self`: one value serves many tasks at once",
            )),
        }
    }

    fn parse(signature: &Signature, is_method: bool) -> Result<Self> {
        if !signature.generics.params.is_empty() {
            return Err(Error::new(
                signature.generics.span(),
                "an activity cannot be generic: it is known by one name",
            ));
        }
        let mut parameters = Vec::new();
        for input in signature.inputs.iter().skip(usize::from(is_method)) {
            let FnArg::Typed(input) = input else {
                continue;
            };
            let Pat::Ident(pattern) = &*input.pat else {
                return Err(Error::new(
                    input.pat.span(),
                    "an activity's parameter is a plain name: the name is part of its interface",
                ));
            };
            let is_context = last_segment(&input.ty).is_some_and(|s| s.ident == "ActivityContext");
            if let Type::Reference(reference) = &*input.ty {
                return Err(Error::new(
                    reference.span(),
                    "an activity's parameter is a value, not a reference: it comes from JSON",
                ));
            }
            if let Type::ImplTrait(imp) = &*input.ty {
                return Err(Error::new(
                    imp.span(),
                    "an activity cannot be generic: it is known by one name",
                ));
            }
            parameters.push(Argument {
                name: pattern.ident.clone(),
                ty: (*input.ty).clone(),
                is_context,
            });
        }
        let arguments = parameters
            .iter()
            .filter(|parameter| !parameter.is_context)
            .map(|p| Argument {
                name: p.name.clone(),
                ty: p.ty.clone(),
                is_context: false,
            })
            .collect();
        let (output, returns_result) = output(&signature.output);
        Ok(Self {
            is_async: signature.asyncness.is_some(),
            is_method,
            parameters,
            arguments,
            output,
            returns_result,
        })
    }

    /// The parameters of the call, and the arguments that it makes of them.
    fn call(&self) -> (TokenStream, TokenStream) {
        let names: Vec<_> = self.arguments.iter().map(|a| &a.name).collect();
        let types: Vec<_> = self.arguments.iter().map(|a| &a.ty).collect();
        (
            quote!(#(#names: impl ::simpleflow::IntoArg<#types>),*),
            quote!(#(::simpleflow::IntoArg::<#types>::into_arg(#names)),*),
        )
    }

    /// The function `start` of the trait, which runs `function`.
    fn start(&self, function: &TokenStream) -> TokenStream {
        let receiver = self.is_method.then(|| quote!(&self,));
        let names: Vec<_> = self.arguments.iter().map(|a| &a.name).collect();
        let indexes = 0..names.len();
        let types = self.arguments.iter().map(|a| &a.ty);
        let passed = self.parameters.iter().map(|parameter| {
            if parameter.is_context {
                quote!(context)
            } else {
                let name = &parameter.name;
                quote!(#name)
            }
        });
        let wait = self.is_async.then(|| quote!(.await));
        let mut call = quote!(#function(#receiver #(#passed),*)#wait);
        if !self.returns_result {
            call = quote! {
                ::core::result::Result::<_, ::core::convert::Infallible>::Ok(#call)
            };
        }
        let run = quote!(::simpleflow::__private::activity_result(#call));
        let running = if self.is_async {
            quote!(Async(::std::boxed::Box::pin(async move { #run })))
        } else {
            quote!(Blocking(::std::boxed::Box::new(move || #run)))
        };
        quote! {
            #[allow(unused_variables, clippy::unit_arg)]
            fn start(
                self: ::std::sync::Arc<Self>,
                context: ::simpleflow::ActivityContext,
                input: &str,
            ) -> ::core::result::Result<::simpleflow::RunningActivity, ::simpleflow::Failure> {
                let arguments = ::simpleflow::__private::Arguments::parse(input)?
                    .bind(<Self as ::simpleflow::Activity>::definition().parameters)?;
                #(let #names: #types = arguments.get(#indexes)?;)*
                ::core::result::Result::Ok(::simpleflow::RunningActivity::#running)
            }
        }
    }
}

/// The type of the result, and whether the function returns a `Result` of it.
fn output(output: &ReturnType) -> (TokenStream, bool) {
    let ReturnType::Type(_, ty) = output else {
        return (quote!(()), false);
    };
    let Some(segment) =
        last_segment(ty).filter(|segment| segment.ident.to_string().ends_with("Result"))
    else {
        return (quote!(#ty), false);
    };
    if let PathArguments::AngleBracketed(arguments) = &segment.arguments
        && let Some(GenericArgument::Type(first)) = arguments.args.first()
    {
        return (quote!(#first), true);
    }
    // An alias without parameters: only the compiler knows what is in it.
    let span = ty.span();
    (
        quote_spanned!(span=> <#ty as ::simpleflow::__private::IsResult>::Ok),
        true,
    )
}

fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}
