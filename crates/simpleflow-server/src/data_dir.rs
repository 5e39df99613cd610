//! The data directory as processes share it: one server has it at a time, and says in it where it
//! listens.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::store::StoreError;

/// Locked while a server has the directory.
const LOCK: &str = "lock";

/// Where that server listens, in the form `ADDRESS:PORT`, and a second line with [`PASSING`] if it
/// is one that ends by itself.
const ADDRESS: &str = "address";

const PASSING: &str = "passing";

/// How long a server may take from having the directory to listening. It reads its store meanwhile.
const STARTING: Duration = Duration::from_secs(5);

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

/// Says where the server of this directory listens, and whether it ends with what it was started
/// for.
pub(crate) fn announce(dir: &Path, addr: SocketAddr, passing: bool) -> Result<(), StoreError> {
    let failed = |error| StoreError::failed(dir, error);
    let passing = if passing { PASSING } else { "" };
    // Nobody may read the half of it.
    let part = dir.join(format!("{ADDRESS}.part"));
    fs::write(&part, format!("{addr}\n{passing}\n")).map_err(failed)?;
    fs::rename(part, dir.join(ADDRESS)).map_err(failed)
}

/// The server that runs on a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundServer {
    /// Where programs on this machine reach it.
    pub addr: SocketAddr,
    /// Whether it ends with the work of the program that it is in. Nobody should count on it for
    /// longer.
    pub passing: bool,
}

/// The server that runs on a data directory, if one does. One that is about to start is waited for,
/// a few seconds at most.
///
/// # Errors
/// The directory cannot be read, or is in use by a program that does not listen.
pub fn running_server(dir: &Path) -> Result<Option<FoundServer>, StoreError> {
    let failed = |error| StoreError::failed(dir, error);
    let lock = match File::options().read(true).open(dir.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let until = Instant::now() + STARTING;
    loop {
        // Shared, so that those who look do not take each other for a server. The address outlives
        // a server that was killed, its lock does not.
        match lock.try_lock_shared() {
            Ok(()) => return Ok(None),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        match fs::read_to_string(dir.join(ADDRESS)) {
            Ok(text) => {
                return parse(&text)
                    .map(Some)
                    .ok_or_else(|| StoreError::InUse(dir.to_owned()));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Err(_) if Instant::now() >= until => return Err(StoreError::InUse(dir.to_owned())),
            Err(_) => thread::sleep(LOOK),
        }
    }
}

fn parse(text: &str) -> Option<FoundServer> {
    let mut lines = text.lines();
    let mut addr: SocketAddr = lines.next()?.parse().ok()?;
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let passing = lines.next() == Some(PASSING);
    Some(FoundServer { addr, passing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_while_it_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let found = || running_server(dir.path()).unwrap();
        assert_eq!(found(), None);
        let held = lock(dir.path()).unwrap();
        announce(dir.path(), "0.0.0.0:8042".parse().unwrap(), false).unwrap();
        let here = FoundServer {
            addr: "127.0.0.1:8042".parse().unwrap(),
            passing: false,
        };
        assert_eq!(found(), Some(here));
        announce(dir.path(), here.addr, true).unwrap();
        assert!(found().unwrap().passing);
        drop(held);
        assert_eq!(found(), None);
        // What it said is not its successor's.
        let _held = lock(dir.path()).unwrap();
        assert!(!dir.path().join(ADDRESS).exists());
    }
}
