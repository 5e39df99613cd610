//! The client of the SDK, which is made when it is needed.

use std::env;

use aws_config::Region;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::types::ServerSideEncryption;
use simpleflow_objects::Problem;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use crate::environment;

/// Whether S3 encrypts what is put, and how.
const SSE: &str = "SIMPLEFLOW_S3_SSE";

/// With which key of KMS, if not the account's.
const KMS_KEY: &str = "SIMPLEFLOW_S3_SSE_KMS_KEY_ID";

/// A client of S3, or of the server in the box, once there is something to ask.
#[derive(Debug, Default)]
pub(crate) struct Client {
    /// The URL of the server in the box, if it is its client.
    server: Option<String>,
    made: OnceCell<Made>,
}

/// A client with what its settings say beside.
#[derive(Debug)]
pub(super) struct Made {
    pub sdk: aws_sdk_s3::Client,
    /// The URL that is asked, if it is not Amazon's.
    pub endpoint: Option<String>,
    pub encryption: Option<Encryption>,
}

/// How S3 encrypts what is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Encryption {
    pub kind: ServerSideEncryption,
    /// The id or the ARN of a key of KMS; none stands for the account's.
    pub key: Option<String>,
}

impl Client {
    /// A client of the server in the box.
    pub(crate) fn of_server(endpoint: &str) -> Self {
        Self {
            server: Some(endpoint.to_owned()),
            made: OnceCell::new(),
        }
    }

    /// The URL of the server in the box, if it is its client.
    pub(super) fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// The client.
    ///
    /// # Errors
    /// A setting is wrong, or there is no runtime for the SDK.
    pub(super) async fn get(&self) -> Result<&Made, Problem> {
        if Handle::try_current().is_err() {
            return Err(Problem::Config(
                "S3 can be used on the threads of a tokio runtime only, as those of activities"
                    .into(),
            ));
        }
        self.made.get_or_try_init(|| self.make()).await
    }

    async fn make(&self) -> Result<Made, Problem> {
        let encryption = match &self.server {
            Some(_) => None,
            None => encryption(env::var(SSE).ok().as_deref(), env::var(KMS_KEY).ok())?,
        };
        let (sdk, endpoint) = environment::settings("S3", self.server()).await;
        let mut config = Builder::from(&sdk);
        if sdk.region().is_none() || self.server.is_some() {
            config.set_region(Some(Region::from_static(environment::REGION)));
        }
        // The SDK finds the others itself.
        if let Some(server) = &self.server {
            config.set_endpoint_url(Some(server.clone()));
        }
        let foreign = |endpoint: &String| !endpoint.contains(".amazonaws.com");
        config.set_force_path_style(endpoint.as_ref().map(foreign));
        Ok(Made {
            sdk: aws_sdk_s3::Client::from_conf(config.build()),
            endpoint,
            encryption,
        })
    }
}

/// What the variables say.
fn encryption(value: Option<&str>, key: Option<String>) -> Result<Option<Encryption>, Problem> {
    let (value, key) = (value.unwrap_or_default(), key.filter(|key| !key.is_empty()));
    let kind = match value.to_ascii_lowercase().as_str() {
        // Who names a key wants it used.
        "" if key.is_some() => ServerSideEncryption::AwsKms,
        "" | "0" | "false" | "no" | "off" => return Ok(None),
        "1" | "true" | "yes" | "on" | "aes256" => ServerSideEncryption::Aes256,
        "aws:kms" => ServerSideEncryption::AwsKms,
        _ => {
            return Err(Problem::Config(format!(
                "{SSE} is {value:?}: expected true, false, AES256 or aws:kms"
            )));
        }
    };
    match (kind, key) {
        (ServerSideEncryption::Aes256, Some(key)) => Err(Problem::Config(format!(
            "{KMS_KEY} is {key:?}, but {SSE} is {value:?}: expected aws:kms with a key"
        ))),
        (kind, key) => Ok(Some(Encryption { kind, key })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_is_on_or_off() {
        for off in [None, Some(""), Some("0"), Some("False")] {
            assert_eq!(encryption(off, None), Ok(None));
        }
        let with = |kind, key: Option<&str>| {
            let key = key.map(str::to_owned);
            Ok(Some(Encryption { kind, key }))
        };
        for on in ["1", "True", "AES256"] {
            let aes = with(ServerSideEncryption::Aes256, None);
            assert_eq!(encryption(Some(on), Some(String::new())), aes);
        }
        let kms = encryption(Some("aws:kms"), None);
        assert_eq!(kms, with(ServerSideEncryption::AwsKms, None));
        for sse in [None, Some("aws:kms")] {
            let kms = encryption(sse, Some("alias/values".into()));
            assert_eq!(
                kms,
                with(ServerSideEncryption::AwsKms, Some("alias/values"))
            );
        }
        assert!(encryption(Some("rot13"), None).is_err());
        assert!(encryption(Some("AES256"), Some("alias/values".into())).is_err());
    }
}
