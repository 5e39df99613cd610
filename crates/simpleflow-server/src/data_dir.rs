//! The data directory as processes share it: one server has it at a time, and says in it where it
//! listens.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::store::StoreError;

/// Locked while a server has the directory.
const LOCK: &str = "lock";

/// Where that server listens, in the form `ADDRESS:PORT`.
const ADDRESS: &str = "address";

/// How often to try for the lock, since whoever looks for a server holds it for a moment.
const LOOKS: u32 = 10;

/// How long that moment is at most.
const LOOK: Duration = Duration::from_millis(5);

/// Takes the lock of a data directory, which is released when the process ends, however it does.
pub(crate) fn lock(dir: &Path) -> Result<File, StoreError> {
    let failed = |error: io::Error| StoreError::failed(dir, error);
    fs::create_dir_all(dir).map_err(failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK))
        .map_err(failed)?;
    let mut tries = 0..LOOKS;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            // It may be somebody who looks for a server.
            Err(TryLockError::WouldBlock) if tries.next().is_some() => thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    // What it says is of the server before.
    match fs::remove_file(dir.join(ADDRESS)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(file),
    }
}

/// Says where the server of this directory listens.
pub(crate) fn announce(dir: &Path, addr: SocketAddr) -> Result<(), StoreError> {
    fs::write(dir.join(ADDRESS), format!("{addr}\n"))
        .map_err(|error| StoreError::failed(dir, error))
}

/// The server that runs on a data directory, if one does: where programs on this machine reach it.
pub fn running_server(dir: &Path) -> Option<SocketAddr> {
    let lock = File::options().write(true).open(dir.join(LOCK)).ok()?;
    // The address outlives a server that was killed, its lock does not.
    if !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let address = fs::read_to_string(dir.join(ADDRESS)).ok()?;
    let mut address: SocketAddr = address.trim().parse().ok()?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_while_it_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(running_server(dir.path()), None);
        let held = lock(dir.path()).unwrap();
        announce(dir.path(), "0.0.0.0:8042".parse().unwrap()).unwrap();
        assert_eq!(
            running_server(dir.path()),
            Some("127.0.0.1:8042".parse().unwrap())
        );
        drop(held);
        assert_eq!(running_server(dir.path()), None);
    }
}
