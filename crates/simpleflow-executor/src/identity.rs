//! Who polls: what the service records as the identity of a decider or worker.

use std::sync::OnceLock;

use simpleflow_model::{Identity, limits};

/// The identity of this process, in the original's form: JSON with the user, the host, the process
/// id and the program.
pub fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let program = std::env::current_exe().unwrap_or_default();
        let text = serde_json::json!({
            "user": std::env::var("USER").unwrap_or_default(),
            "hostname": host(),
            "pid": std::process::id(),
            "exe": program.to_string_lossy(),
        })
        .to_string();
        if text.chars().count() <= limits::IDENTITY_LENGTH {
            return text.into();
        }
        let start: String = text.chars().take(limits::IDENTITY_LENGTH - 4).collect();
        Identity::from(start + " ...")
    })
}

/// The name of this machine, as far as it is known.
pub(crate) fn host() -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = std::env::var("HOSTNAME").unwrap_or(host);
    host.trim().to_owned()
}
