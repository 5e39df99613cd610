//! The settings of the environment and of the AWS configuration files.

use std::env;
use std::ffi::OsStr;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_swf::config::retry::RetryConfig;
use aws_sdk_swf::config::{Builder, Config};
use aws_types::service_config::ServiceConfigKey;
use simpleflow_service::ServiceError;

use crate::plain::{PlainServer, Signer};
use crate::{Target, error};

/// How often a call is attempted.
const ATTEMPTS: &str = "SWF_CONNECTION_RETRIES";

/// The region of a server on this machine, when none is named; the original's.
pub(crate) const REGION: &str = "us-east-1";

/// The credentials of who has none.
const NOBODY: &str = "none";

/// What the settings come to.
pub(crate) struct Environment {
    pub config: Config,
    /// The way to a server on this machine, if that is what is named.
    pub plain: Option<PlainServer>,
    pub target: Target,
}

/// A service that is named otherwise than by the environment.
pub(crate) struct Wanted<'a> {
    pub endpoint: &'a str,
    pub region: &'a str,
}

/// The settings of a client, for the service that is wanted if one is.
pub(crate) async fn load(wanted: Option<Wanted<'_>>) -> Result<Environment, ServiceError> {
    let attempts = attempts(env::var_os(ATTEMPTS).as_deref())?;
    let endpoint = wanted.as_ref().map(|wanted| wanted.endpoint);
    let (mut sdk, endpoint) = settings("SWF", endpoint).await;
    let here = endpoint.as_deref().filter(|endpoint| is_here(endpoint));
    if let Some(wanted) = &wanted {
        let region = Region::new(wanted.region.to_owned());
        sdk = sdk.into_builder().region(region).build();
    }
    let Some(region) = sdk.region() else {
        return Err(ServiceError::Config(
            "there is no region: set AWS_REGION, or a region for the profile".into(),
        ));
    };
    let retries = sdk.retry_config().cloned();
    let mut retries = retries.unwrap_or_else(RetryConfig::standard);
    if let Some(attempts) = attempts {
        retries = retries.with_max_attempts(attempts);
    }
    let mut config = Builder::from(&sdk);
    if let Some(wanted) = wanted {
        config.set_endpoint_url(Some(wanted.endpoint.to_owned()));
    }
    let mut plain = None;
    if let Some(provider) = sdk.credentials_provider() {
        let (credentials, provider) = found(provider).await?;
        config.set_credentials_provider(Some(provider));
        // Those that end are asked for again by the SDK.
        if let Some(endpoint) = here
            && credentials.expiry().is_none()
        {
            let signer = signer(region.as_ref(), credentials);
            plain = PlainServer::new(endpoint, signer, retries.clone());
        }
    }
    config.set_retry_config(Some(retries));
    let target = Target {
        region: Some(region.to_string()),
        profile: env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty()),
        endpoint,
    };
    Ok(Environment {
        config: config.build(),
        plain,
        target,
    })
}

/// Who signs. Without a signature a server takes the usual region.
fn signer(region: &str, credentials: Credentials) -> Option<Signer> {
    let nobody = credentials.access_key_id() == NOBODY;
    (!nobody || region != REGION).then(|| Signer {
        region: region.to_owned(),
        credentials,
    })
}

/// The settings of the SDK for a service, and the endpoint that is wanted or else named for it.
pub(crate) async fn settings(
    service: &'static str,
    wanted: Option<&str>,
) -> (SdkConfig, Option<String>) {
    let sdk = named().await;
    let endpoint = match wanted {
        Some(wanted) => Some(wanted.to_owned()),
        None => endpoint(&sdk, service),
    };
    match endpoint.as_deref().is_some_and(is_here) {
        true => (sdk, endpoint),
        false => (
            aws_config::load_defaults(BehaviorVersion::latest()).await,
            endpoint,
        ),
    }
}

/// What the environment and the files say themselves. That is enough for a server on this machine,
/// which needs no account; who else could know of one is asked over the network, and on a machine
/// outside of AWS it takes seconds to learn that nobody answers.
async fn named() -> SdkConfig {
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(Region::from_static(REGION));
    // A request must be signed, but a server that knows nobody does not look at it.
    let nobody = Credentials::new(NOBODY, NOBODY, None, None, NOBODY);
    let environment = EnvironmentVariableCredentialsProvider::new();
    let profile = ProfileFileCredentialsProvider::builder().build();
    let credentials = CredentialsProviderChain::first_try("environment", environment)
        .or_else("profile", profile)
        .or_else(NOBODY, nobody);
    aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(credentials)
        .load()
        .await
}

/// Whether an endpoint is on this machine.
fn is_here(endpoint: &str) -> bool {
    let (_, rest) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let address = authority.parse().map(|address: SocketAddr| address.ip());
    let address = address.or_else(|_| authority.trim_matches(['[', ']']).parse::<IpAddr>());
    let name = authority.split(':').next().unwrap_or_default();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn attempts(value: Option<&OsStr>) -> Result<Option<u32>, ServiceError> {
    let Some(value) = value else {
        return Ok(None);
    };
    match value.to_str().and_then(|value| value.parse().ok()) {
        Some(attempts @ 1..) => Ok(Some(attempts)),
        _ => Err(ServiceError::Config(format!(
            "{ATTEMPTS} is {value:?}: it must be a number from 1 on"
        ))),
    }
}

/// What the environment and the AWS configuration files say of SWF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configured {
    /// They name an endpoint.
    Endpoint,
    /// They name a region or credentials: there is an account.
    Account,
    /// They say nothing. On a machine of AWS there may be an account all the same.
    Nothing,
}

/// What the environment and the AWS configuration files say of SWF. Nobody is asked over the
/// network.
pub async fn configured() -> Configured {
    if endpoint(&named().await, "SWF").is_some() {
        return Configured::Endpoint;
    }
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new());
    let profile = env::var_os("AWS_PROFILE").is_some_and(|name| !name.is_empty());
    let key = env::var_os("AWS_ACCESS_KEY_ID").is_some_and(|key| !key.is_empty());
    match profile || key || region.region().await.is_some() {
        true => Configured::Account,
        false => Configured::Nothing,
    }
}

/// The endpoint that is set for a service or for all services. The SDK finds it in the same way, and
/// tells nobody.
fn endpoint(sdk: &SdkConfig, service: &'static str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    sdk.service_config()
        .and_then(|config| config.load_config(key))
        .or_else(|| sdk.endpoint_url().map(str::to_owned))
}

/// Asks for the credentials once, so that it is known at the start when there are none.
async fn found(
    provider: SharedCredentialsProvider,
) -> Result<(Credentials, SharedCredentialsProvider), ServiceError> {
    let first = provider.provide_credentials().await;
    let first = first.map_err(|error| error::no_credentials(&error))?;
    let again = SharedCredentialsProvider::new(Found {
        first: Mutex::new(Some(first.clone())),
        provider,
    });
    Ok((first, again))
}

/// Credentials that were asked for already: who gives them may ask a person each time.
#[derive(Debug)]
struct Found {
    first: Mutex<Option<Credentials>>,
    provider: SharedCredentialsProvider,
}

impl ProvideCredentials for Found {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        match first.take() {
            Some(first) => future::ProvideCredentials::ready(Ok(first)),
            None => self.provider.provide_credentials(),
        }
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_several_names() {
        for here in [
            "http://127.0.0.1:8042",
            "http://127.0.0.2/",
            "http://LocalHost:8042/swf",
            "https://localhost",
            "http://[::1]:8042",
            "http://[::1]",
        ] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in [
            "https://swf.eu-west-1.amazonaws.com",
            "http://10.0.0.1:8042",
            "http://localhost.example.com",
            "http://[2001:db8::1]:8042",
            "",
        ] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn attempts_are_a_number_from_1_on() {
        assert_eq!(attempts(None), Ok(None));
        assert_eq!(attempts(Some("5".as_ref())), Ok(Some(5)));
        for wrong in ["", "0", "-1", "many"] {
            let error = attempts(Some(wrong.as_ref())).unwrap_err();
            assert!(matches!(error, ServiceError::Config(_)), "{wrong}");
        }
    }
}
