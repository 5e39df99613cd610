//! Amazon SWF, and any server that speaks its protocol, as a
//! [`SwfService`](simpleflow_service::SwfService): the official SDK with the model's types. And
//! places for objects, S3 among them: [`Places`].
//!
//! Endpoint, region, profile, credentials, signing, retries and connections are the SDK's, and are
//! set as they are for any other program that uses it. To a server on this machine calls go a
//! shorter way.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use simpleflow_aws::AwsSwf;
//! use simpleflow_model::operation::DescribeDomain;
//! use simpleflow_service::SwfService as _;
//!
//! let service = AwsSwf::from_env().await?;
//! eprintln!("{}", service.target());
//! let request = DescribeDomain { name: "quickstart".into(), ..DescribeDomain::default() };
//! println!("{:?}", service.describe_domain(request).await?);
//! # Ok(())
//! # }
//! ```

mod answer;
mod call;
mod environment;
mod error;
mod places;
mod plain;
mod s3;
mod service;
mod target;

pub use environment::{Configured, configured};
pub use places::Places;
pub use service::AwsSwf;
pub use target::Target;
