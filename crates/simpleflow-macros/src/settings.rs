//! The settings in the parentheses of an attribute: `name = value, …`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Result, Token};

/// What a setting's value must be.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Text,
    OptionalText,
    Unsigned,
    Priority,
    Flag,
    /// Seconds, or `"NONE"`.
    Timeout,
    ChildPolicy,
    Texts,
    /// The text of a JSON object.
    Json,
}

pub(crate) struct Settings(Vec<(Ident, Expr)>);

impl Parse for Settings {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        struct Setting(Ident, Expr);
        impl Parse for Setting {
            fn parse(input: ParseStream<'_>) -> Result<Self> {
                let name: Ident = input.parse()?;
                if input.is_empty() || input.peek(Token![,]) {
                    return Err(Error::new(
                        name.span(),
                        format!("`{name}` needs a value: `{name} = …`"),
                    ));
                }
                input.parse::<Token![=]>()?;
                Ok(Self(name, input.parse()?))
            }
        }
        let settings = Punctuated::<Setting, Token![,]>::parse_terminated(input)?;
        let mut seen: Vec<(Ident, Expr)> = Vec::new();
        for Setting(name, value) in settings {
            if seen.iter().any(|(other, _)| *other == name) {
                return Err(Error::new(name.span(), format!("`{name}` is given twice")));
            }
            seen.push((name, value));
        }
        Ok(Self(seen))
    }
}

impl Settings {
    /// The statements that put each setting into the definition in the variable `definition`.
    pub(crate) fn assignments(&self, known: &[(&str, Kind)]) -> Result<Vec<TokenStream>> {
        self.0
            .iter()
            .map(|(name, value)| {
                let Some((_, kind)) = known.iter().find(|(known, _)| name == known) else {
                    return Err(unknown(name, known));
                };
                let value = kind.value(name, value)?;
                Ok(quote!(definition.#name = #value;))
            })
            .collect()
    }
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
    fn value(self, name: &Ident, value: &Expr) -> Result<TokenStream> {
        let span = value.span();
        let wrong = || Error::new(span, format!("`{name}` must be {}", self.expected()));
        let literal = match value {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        };
        match (self, literal) {
            (Self::Text, Some(Lit::Str(text))) => {
                check_name(name, text)?;
                Ok(quote!(::core::convert::Into::into(#text)))
            }
            (Self::OptionalText, Some(Lit::Str(text))) => {
                check_name(name, text)?;
                Ok(quote!(::core::option::Option::Some(::core::convert::Into::into(#text))))
            }
            (Self::Unsigned, Some(Lit::Int(number))) => {
                number.base10_parse::<u32>().map_err(|_| wrong())?;
                Ok(quote!(#number))
            }
            (Self::Priority, _) if is_integer(value) => Ok(quote_spanned! {span=>
                ::core::option::Option::Some(::simpleflow::model::TaskPriority(#value))
            }),
            (Self::Flag, Some(Lit::Bool(flag))) => Ok(quote!(#flag)),
            (Self::Timeout, Some(Lit::Int(number))) => {
                number.base10_parse::<u32>().map_err(|_| wrong())?;
                Ok(quote!(::simpleflow::model::Timeout::Seconds(#number)))
            }
            (Self::Timeout, Some(Lit::Str(text))) if text.value() == "NONE" => {
                Ok(quote!(::simpleflow::model::Timeout::None))
            }
            (Self::ChildPolicy, Some(Lit::Str(text))) => {
                let policy = match text.value().as_str() {
                    "TERMINATE" => "Terminate",
                    "REQUEST_CANCEL" => "RequestCancel",
                    "ABANDON" => "Abandon",
                    _ => return Err(wrong()),
                };
                let policy = Ident::new(policy, Span::call_site());
                Ok(quote!(::simpleflow::model::ChildPolicy::#policy))
            }
            (Self::Texts, _) => match value {
                Expr::Array(array) => {
                    let texts = array
                        .elems
                        .iter()
                        .map(|element| match element {
                            Expr::Lit(ExprLit {
                                lit: Lit::Str(text),
                                ..
                            }) => Ok(text),
                            _ => Err(wrong()),
                        })
                        .collect::<Result<Vec<_>>>()?;
                    if texts.len() > 5 {
                        return Err(Error::new(span, "an execution has at most five tags"));
                    }
                    Ok(quote!(
                        ::std::vec![#(::core::convert::Into::into(#texts)),*]
                    ))
                }
                _ => Err(wrong()),
            },
            (Self::Json, Some(Lit::Str(text))) if text.value().trim_start().starts_with('{') => {
                Ok(quote!(::core::option::Option::Some(::core::convert::Into::into(#text))))
            }
            _ => Err(wrong()),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Text | Self::OptionalText => "a text, such as \"example\"",
            Self::Unsigned => "a number, such as 3",
            Self::Priority => "an integer, such as 5",
            Self::Flag => "true or false",
            Self::Timeout => "a number of seconds, such as 300, or \"NONE\"",
            Self::ChildPolicy => "\"TERMINATE\", \"REQUEST_CANCEL\" or \"ABANDON\"",
            Self::Texts => "a list of texts, such as [\"a\", \"b\"]",
            Self::Json => "the text of a JSON object, such as r#\"{\"key\": 1}\"#",
        }
    }
}

fn is_integer(value: &Expr) -> bool {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Int(_), ..
        }) => true,
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Neg(_)) && is_integer(&unary.expr),
        _ => false,
    }
}

/// SWF's rules for names, told at compile time.
fn check_name(setting: &Ident, text: &LitStr) -> Result<()> {
    let value = text.value();
    let most = if setting == "version" { 64 } else { 256 };
    let problem = if value.is_empty() {
        "must not be empty".to_owned()
    } else if value.chars().count() > most {
        format!("has at most {most} characters")
    } else if value == "arn" {
        "must not be the word `arn`".to_owned()
    } else if value
        .chars()
        .any(|c| matches!(c, ':' | '/' | '|') || c.is_control())
    {
        "must not contain `:`, `/`, `|` or control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::new(text.span(), format!("`{setting}` {problem}")))
}
