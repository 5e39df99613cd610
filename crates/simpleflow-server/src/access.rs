//! Who may call: Signature Version 4.
//!
//! A request is signed over its method, path, headers and body with a key that belongs to an
//! access key id. The signature is computed again with AWS's own signer and compared; everything
//! that the client says it signed must be there.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::http::request::Parts;
use simpleflow_model::SmolStr;
use subtle::ConstantTimeEq;

/// The region of requests without a signature, and of an [`Embedded`](crate::Embedded) service.
pub const DEFAULT_REGION: &str = "us-east-1";

/// How old, or how far ahead, a signature may be.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// Why a credentials file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A line is not an access key id and a secret access key.
    #[error("line {0} is not an access key id and a secret access key with a space between them")]
    Line(usize),
    /// There is none.
    #[error("there are no credentials in it")]
    Empty,
}

/// The keys that may sign requests.
#[derive(Clone)]
pub struct Credentials(HashMap<String, AwsCredentials>);

impl Credentials {
    /// Reads credentials: on each line an access key id and a secret access key, with white space
    /// between them. Empty lines, and lines that begin with `#`, say nothing.
    ///
    /// # Errors
    /// A line is something else, or there is none.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let mut keys = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(id), Some(secret), None) = (words.next(), words.next(), words.next()) else {
                return Err(CredentialsError::Line(index + 1));
            };
            let key = AwsCredentials::from_keys(id, secret, None);
            keys.insert(id.to_owned(), key);
        }
        if keys.is_empty() {
            return Err(CredentialsError::Empty);
        }
        Ok(Self(keys))
    }
}

/// The secrets stay out of logs.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The `Authorization` header:
/// `AWS4-HMAC-SHA256 Credential=<id>/<date>/<region>/<service>/aws4_request, SignedHeaders=…,
/// Signature=…`.
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(headers: &'a HeaderMap) -> Option<Self> {
        let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let members = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let member = |name: &str| {
            let members = members.split(',').map(str::trim);
            members
                .filter_map(|member| member.split_once('='))
                .find_map(|(key, value)| (key == name).then_some(value))
        };
        // An access key id may have slashes.
        let mut scope = member("Credential")?.rsplitn(5, '/');
        (scope.next()? == "aws4_request").then_some(())?;
        let service = scope.next()?;
        let region = scope.next()?;
        Some(Self {
            service,
            region,
            date: scope.next()?,
            access_key_id: scope.next()?,
            signed_headers: member("SignedHeaders")?,
            signature: member("Signature")?,
        })
    }
}

/// The region of the caller: that of the credential scope.
///
/// # Errors
/// The header cannot be read.
pub(crate) fn region(headers: &HeaderMap) -> Result<SmolStr, Refused> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(SmolStr::new_static(DEFAULT_REGION));
    }
    let authorization = Authorization::parse(headers).ok_or(Refused::Incomplete)?;
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if authorization.region.is_empty()
        || authorization.region.len() > 64
        || !authorization.region.bytes().all(valid)
    {
        return Err(Refused::Incomplete);
    }
    Ok(authorization.region.into())
}

/// What a request is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// An operation of SWF.
    Swf,
    /// An operation on objects.
    S3,
    /// A page for operators, which has an address of its own.
    Page,
}

impl Protocol {
    fn service(self) -> &'static str {
        match self {
            Self::Swf | Self::Page => "swf",
            Self::S3 => "s3",
        }
    }

    /// The headers that must be signed beside the time. Otherwise the request could have been meant
    /// for another server, or with another operation or body.
    fn signed(self) -> &'static [&'static str] {
        match self {
            Self::Swf => &["host", "x-amz-target"],
            Self::S3 => &["host", "x-amz-content-sha256"],
            Self::Page => &["host"],
        }
    }
}

/// Why a request is refused. Each protocol has a name of its own for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It is not signed.
    #[error("Request is missing Authentication Token")]
    Unsigned,
    /// The signature cannot be read, or leaves out what must be signed.
    #[error(
        "The Authorization header, or what it says is signed, is not complete: it needs \
         Credential, SignedHeaders and Signature, and the headers host, x-amz-date, and \
         x-amz-target or, for objects, x-amz-content-sha256."
    )]
    Incomplete,
    /// Nobody has the key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// It is signed for another service than this.
    #[error("Credential should be scoped to correct service: '{0}'.")]
    OtherService(&'static str),
    /// The key is that of another day than the time.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"
    )]
    OtherDate,
    /// It was signed too long ago, or by a clock that is ahead.
    #[error("{0}")]
    OtherTime(String),
    /// It, or the secret key, is not what was signed.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check \
         your AWS Secret Access Key and signing method. Consult the service documentation for \
         details."
    )]
    OtherSignature,
}

/// Verifies the signature of a request.
///
/// # Errors
/// The signature is missing, unreadable, wrong or stale, or nobody has the key.
pub(crate) fn verify(
    credentials: &Credentials,
    protocol: Protocol,
    request: &Parts,
    body: SignableBody<'_>,
    now: SystemTime,
) -> Result<(), Refused> {
    let headers = &request.headers;
    if !headers.contains_key(AUTHORIZATION) {
        return Err(Refused::Unsigned);
    }
    let authorization = Authorization::parse(headers).ok_or(Refused::Incomplete)?;
    let Some(key) = credentials.0.get(authorization.access_key_id) else {
        return Err(Refused::UnknownKey);
    };
    let service = protocol.service();
    if authorization.service != service {
        return Err(Refused::OtherService(service));
    }
    let time = signed_at(headers).ok_or(Refused::Incomplete)?;
    check_time(time, authorization.date, now)?;
    let expected = signature(&authorization, key, protocol, request, body, time);
    let expected = expected.ok_or(Refused::Incomplete)?;
    let same = expected
        .as_bytes()
        .ct_eq(authorization.signature.as_bytes());
    if !bool::from(same) {
        return Err(Refused::OtherSignature);
    }
    Ok(())
}

/// The signature that a request should have. Nothing if it lacks what it says is signed.
fn signature(
    authorization: &Authorization<'_>,
    key: &AwsCredentials,
    protocol: Protocol,
    request: &Parts,
    body: SignableBody<'_>,
    time: SystemTime,
) -> Option<String> {
    let mut headers = Vec::new();
    for name in authorization.signed_headers.split(';') {
        headers.push((name, request.headers.get(name)?.to_str().ok()?));
    }
    let signed = |name: &&str| headers.iter().any(|(signed, _)| signed == name);
    protocol.signed().iter().all(signed).then_some(())?;
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::Headers;
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    // A path of S3 is a key as it stands.
    (
        settings.uri_path_normalization_mode,
        settings.percent_encoding_mode,
    ) = match protocol {
        Protocol::Swf | Protocol::Page => (
            UriPathNormalizationMode::Enabled,
            PercentEncodingMode::Double,
        ),
        Protocol::S3 => (
            UriPathNormalizationMode::Disabled,
            PercentEncodingMode::Single,
        ),
    };
    settings.excluded_headers = None;
    let identity = key.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(authorization.region)
        .name(authorization.service)
        .time(time)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let host = request.headers.get("host")?.to_str().ok()?;
    let uri = format!("http://{host}{}", request.uri.path_and_query()?);
    let signable =
        SignableRequest::new(request.method.as_str(), uri, headers.into_iter(), body).ok()?;
    let signed = sign(signable, &parameters).ok()?;
    Some(signed.signature().to_owned())
}

/// When a request was signed.
fn signed_at(headers: &HeaderMap) -> Option<SystemTime> {
    let text = headers.get("x-amz-date")?.to_str().ok()?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(SystemTime::from(time.timestamp()))
}

fn check_time(time: SystemTime, date: &str, now: SystemTime) -> Result<(), Refused> {
    let text = |time: SystemTime| {
        let time = jiff::Timestamp::try_from(time).unwrap_or_default();
        time.strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    let stale = |relation: &str, limit: SystemTime, sign: char| {
        let what = if sign == '-' {
            "expired"
        } else {
            "not yet current"
        };
        let (time, limit, now) = (text(time), text(limit), text(now));
        Err(Refused::OtherTime(format!(
            "Signature {what}: {time} is now {relation} than {limit} ({now} {sign} 5 min.)"
        )))
    };
    if !text(time).starts_with(date) {
        return Err(Refused::OtherDate);
    }
    if time + SKEW < now {
        return stale("earlier", now - SKEW, '-');
    }
    if time > now + SKEW {
        return stale("later", now + SKEW, '+');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_sigv4::http_request::SignatureLocation::Headers;

    use super::*;
    use crate::wire::Error;

    const EMPTY: SignableBody<'_> = SignableBody::Bytes(&[]);

    /// A GET that AWS's own signer signed.
    fn signed(path: &str, secret: &str, service: &str, now: SystemTime) -> Parts {
        let uri = format!("http://swf.example:8042{path}");
        let request = hyper::Request::get(&uri).header("host", "swf.example:8042");
        let mut request = request.body(()).unwrap();
        let identity = AwsCredentials::from_keys("id", secret, None).into();
        let mut settings = SigningSettings::default();
        settings.signature_location = Headers;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name(service)
            .time(now)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers = [("host", "swf.example:8042")].into_iter();
        let signable = SignableRequest::new("GET", uri, headers, EMPTY).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }

    #[test]
    fn a_page_is_for_who_signs_its_address() {
        let credentials = Credentials::parse("id secret").unwrap();
        let now = SystemTime::now();
        let verify = |request: &Parts| {
            let verified = verify(&credentials, Protocol::Page, request, EMPTY, now);
            verified.map_err(|refused| Error::from(refused).name)
        };
        let request = signed("/metrics", "secret", "swf", now);
        assert_eq!(verify(&request), Ok(()));
        let wrong = Err("InvalidSignatureException");
        assert_eq!(verify(&signed("/metrics", "other", "swf", now)), wrong);
        assert_eq!(verify(&signed("/metrics", "secret", "s3", now)), wrong);
        assert_eq!(
            verify(&signed("/metrics", "secret", "swf", now - SKEW * 2)),
            wrong
        );
        let mut elsewhere = request;
        elsewhere.uri = "/healthz".parse().unwrap();
        assert_eq!(verify(&elsewhere), wrong);
        elsewhere.headers.remove(AUTHORIZATION);
        assert_eq!(
            verify(&elsewhere),
            Err("MissingAuthenticationTokenException")
        );
    }
}
