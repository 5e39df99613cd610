//! What is talked to, for people to see.

use std::fmt;

/// What a service talks to, as far as it is known before the first call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The region.
    pub region: Option<String>,
    /// The URL, when it is not the region's own.
    pub endpoint: Option<String>,
    /// The profile of the AWS configuration files, when one is named.
    pub profile: Option<String>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.endpoint.as_deref().unwrap_or("Amazon SWF"))?;
        if let Some(region) = &self.region {
            write!(f, ", region {region}")?;
        }
        if let Some(profile) = &self.profile {
            write!(f, ", profile {profile}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_says_what_differs_from_the_usual() {
        let mut target = Target {
            region: Some("eu-west-1".into()),
            ..Target::default()
        };
        assert_eq!(target.to_string(), "Amazon SWF, region eu-west-1");
        target.endpoint = Some("http://127.0.0.1:8042".into());
        target.profile = Some("tests".into());
        assert_eq!(
            target.to_string(),
            "http://127.0.0.1:8042, region eu-west-1, profile tests"
        );
    }
}
