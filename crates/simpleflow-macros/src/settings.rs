//! The settings in the parentheses of an attribute: `name = value, …`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use simpleflow_model::{TaskListName, TypeName, Version, limits};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Result, Token};

use crate::Problems;

/// What a setting's value must be.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Name,
    /// A text that is not empty.
    Text,
    Version,
    TaskList,
    OptionalTaskList,
    /// A number of retries, or an expression for a policy.
    Retry,
    /// A number of at least 1.
    Positive,
    Priority,
    Flag,
    /// Seconds, or `"NONE"`.
    Timeout,
    ChildPolicy,
    Tags,
    /// Any text.
    OptionalText,
    /// The text of a JSON object.
    Json,
    /// A list of texts `name=location`, which goes into `meta`.
    Binaries,
    /// The text of a program, or a list that begins with it.
    Program,
}

/// What stands for the tags of the parent.
const INHERIT_TAG_LIST: &str = "INHERIT_TAG_LIST";

/// `name = value`, of which the value may have been forgotten.
struct Setting {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let at_end = || input.is_empty() || input.peek(Token![,]);
        let name = input.parse()?;
        if !at_end() {
            input.parse::<Token![=]>()?;
        }
        let value = if at_end() { None } else { Some(input.parse()?) };
        Ok(Self { name, value })
    }
}

/// The place of a setting, if it is among them.
pub(crate) fn place_of(name: &str, settings: &TokenStream) -> Option<Span> {
    let settings = Punctuated::<Setting, Token![,]>::parse_terminated
        .parse2(settings.clone())
        .ok()?;
    let setting = settings.iter().find(|setting| setting.name == name)?;
    Some(setting.name.span())
}

/// The statements that put each setting into the definition in the variable `definition`, which
/// has mixed-site hygiene.
pub(crate) fn assignments(
    settings: TokenStream,
    known: &[(&str, Kind)],
    problems: &mut Problems,
) -> Vec<TokenStream> {
    let settings = Punctuated::<Setting, Token![,]>::parse_terminated
        .parse2(settings)
        .unwrap_or_else(|problem| {
            problems.push(problem);
            Punctuated::new()
        });
    let definition = Ident::new("definition", Span::mixed_site());
    let mut seen: Vec<&Ident> = Vec::new();
    let mut assignments = Vec::new();
    // What goes into what another setting says.
    let mut additions = Vec::new();
    for Setting { name, value } in &settings {
        let twice = seen.contains(&name);
        seen.push(name);
        let checked = match known.iter().find(|(known, _)| name == known) {
            None => Err(unknown(name, known)),
            Some(_) if twice => Err(Error::new(name.span(), format!("`{name}` is given twice"))),
            Some((_, kind)) => kind.check(name, value.as_ref()),
        };
        match checked {
            Ok(value) if name == "binaries" => additions.push(quote! {
                #definition.meta = ::simpleflow::__private::meta_with_binaries(
                    #definition.meta.take(),
                    #value,
                );
            }),
            Ok(value) => assignments.push(quote!(#definition.#name = #value;)),
            Err(problem) => problems.push(problem),
        }
    }
    assignments.extend(additions);
    assignments
}

fn unknown(name: &Ident, known: &[(&str, Kind)]) -> Error {
    let names: Vec<_> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
    Error::new(
        name.span(),
        format!(
            "there is no setting `{name}`; the settings are {}",
            names.join(", ")
        ),
    )
}

impl Kind {
    /// The value as an expression of the definition's type.
    fn check(self, name: &Ident, value: Option<&Expr>) -> Result<TokenStream> {
        let (expected, example) = self.expected();
        let Some(value) = value else {
            return Err(Error::new(
                name.span(),
                format!("`{name}` needs a value: {expected}, as in `{name} = {example}`"),
            ));
        };
        self.expression(name, value).unwrap_or_else(|| {
            Err(Error::new_spanned(
                value,
                format!("`{name}` must be {expected}, as in `{name} = {example}`"),
            ))
        })
    }

    /// The expression, or what is wrong with the value; `None` if it is of another kind.
    fn expression(self, name: &Ident, value: &Expr) -> Option<Result<TokenStream>> {
        let literal = match value {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        };
        let span = value.span();
        Some(Ok(match (self, literal) {
            (Self::Name, Some(Lit::Str(text))) => {
                return Some(checked(name, text, TypeName::new(text.value())));
            }
            (Self::Text, Some(Lit::Str(text))) if !text.value().is_empty() => {
                quote!(::core::convert::Into::into(#text))
            }
            (Self::Version, Some(Lit::Str(text))) => {
                return Some(checked(name, text, Version::new(text.value())));
            }
            (Self::TaskList, Some(Lit::Str(text))) => {
                return Some(checked(name, text, TaskListName::new(text.value())));
            }
            (Self::OptionalTaskList, Some(_)) => {
                let text = Self::TaskList.expression(name, value)?;
                return Some(text.map(|text| quote!(::core::option::Option::Some(#text))));
            }
            (Self::Retry, Some(Lit::Int(number))) => {
                number.base10_parse::<u32>().ok()?;
                quote!(::simpleflow::RetryPolicy::new(#number))
            }
            (Self::Retry, None) if !matches!(value, Expr::Unary(_)) => {
                let policy = quote!(::core::convert::Into::<::simpleflow::RetryPolicy>);
                quote_spanned!(span=> #policy::into(#value))
            }
            (Self::Positive, Some(Lit::Int(number))) => {
                let positive = number.base10_parse::<u32>().ok()? > 0;
                positive.then(|| quote!(#number))?
            }
            (Self::Priority, _) => {
                integer(value)?;
                quote_spanned! {span=>
                    ::core::option::Option::Some(::simpleflow::model::TaskPriority(#value))
                }
            }
            (Self::Flag, Some(Lit::Bool(flag))) => quote!(#flag),
            (Self::Timeout, Some(Lit::Int(number))) => {
                number.base10_parse::<u32>().ok()?;
                quote!(::simpleflow::model::Timeout::Seconds(#number))
            }
            (Self::Timeout, Some(Lit::Str(text))) if text.value() == "NONE" => {
                quote!(::simpleflow::model::Timeout::None)
            }
            (Self::ChildPolicy, Some(Lit::Str(text))) => {
                let policy = match text.value().as_str() {
                    "TERMINATE" => quote!(Terminate),
                    "REQUEST_CANCEL" => quote!(RequestCancel),
                    "ABANDON" => quote!(Abandon),
                    _ => return None,
                };
                quote!(::simpleflow::model::ChildPolicy::#policy)
            }
            (Self::OptionalText, Some(Lit::Str(text))) => {
                quote!(::core::option::Option::Some(::core::convert::Into::into(#text)))
            }
            (Self::Tags, Some(Lit::Str(text))) if text.value() == INHERIT_TAG_LIST => {
                quote!(::simpleflow::TagList::Inherited)
            }
            (Self::Tags, _) => {
                let Expr::Array(array) = value else {
                    return None;
                };
                let tags: Vec<_> = array.elems.iter().map(text).collect::<Option<_>>()?;
                if let Some(extra) = tags.get(limits::TAGS) {
                    let problem = format!("an execution has at most {} tags", limits::TAGS);
                    return Some(Err(Error::new(extra.span(), problem)));
                }
                quote!(::simpleflow::TagList::Own(
                    ::core::convert::From::from([#(::core::convert::Into::into(#tags)),*])
                ))
            }
            (Self::Json, Some(Lit::Str(text))) => {
                type Object = serde_json::Map<String, serde_json::Value>;
                serde_json::from_str::<Object>(&text.value()).ok()?;
                quote!(::core::option::Option::Some(::core::convert::Into::into(#text)))
            }
            (Self::Binaries, _) => {
                let Expr::Array(array) = value else {
                    return None;
                };
                let binaries: Vec<_> = array.elems.iter().map(text).collect::<Option<_>>()?;
                for binary in &binaries {
                    let text = binary.value();
                    let (name, location) = text.split_once('=')?;
                    if name.is_empty() || !location.contains("://") {
                        return None;
                    }
                }
                quote!(&[#(#binaries),*])
            }
            (Self::Program, _) => {
                let parts: Vec<_> = match value {
                    Expr::Array(array) => array.elems.iter().map(text).collect::<Option<_>>()?,
                    _ => vec![text(value)?],
                };
                if parts.first()?.value().is_empty() {
                    return None;
                }
                quote!(&[#(#parts),*])
            }
            _ => return None,
        }))
    }

    /// What is expected, and an example of it.
    fn expected(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("a text", "\"thumbnails.resize\""),
            Self::Text => ("a text that is not empty", "\"timing\""),
            Self::Version => ("a text", "\"1.0\""),
            Self::TaskList | Self::OptionalTaskList => ("a text", "\"thumbnails\""),
            Self::Retry => ("a number or a `RetryPolicy`", "3"),
            Self::Positive => ("a number of at least 1", "100"),
            Self::Priority => ("an integer", "5"),
            Self::Flag => ("true or false", "true"),
            Self::Timeout => ("a number of seconds or \"NONE\"", "300"),
            Self::ChildPolicy => (
                "\"TERMINATE\", \"REQUEST_CANCEL\" or \"ABANDON\"",
                "\"ABANDON\"",
            ),
            Self::OptionalText => ("a text", "\"arn:aws:iam::123456789012:role/swf-lambda\""),
            Self::Tags => (
                "a list of texts or \"INHERIT_TAG_LIST\"",
                "[\"nightly\", \"video\"]",
            ),
            Self::Binaries => (
                "a list of texts, each NAME=LOCATION",
                "[\"ffmpeg=s3://tools/v1/ffmpeg\"]",
            ),
            Self::Json => ("the text of a JSON object", "r#\"{\"owner\": \"video\"}\"#"),
            Self::Program => (
                "the name of a program, or a list of it and its first arguments",
                "[\"python3\", \"thumbnail.py\"]",
            ),
        }
    }
}

/// SWF's rules for names, told at compile time.
fn checked<T>(
    setting: &Ident,
    text: &LitStr,
    name: std::result::Result<T, simpleflow_model::InvalidName>,
) -> Result<TokenStream> {
    match name {
        Ok(_) => Ok(quote!(::core::convert::Into::into(#text))),
        Err(problem) => Err(Error::new(text.span(), format!("`{setting}`: {problem}"))),
    }
}

fn text(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text),
        _ => None,
    }
}

/// The value as an `i32`.
fn integer(value: &Expr) -> Option<i32> {
    let (sign, digits) = match value {
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => ("-", &*unary.expr),
        _ => ("", value),
    };
    match digits {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => format!("{sign}{}", number.base10_digits()).parse().ok(),
        _ => None,
    }
}
