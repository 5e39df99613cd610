//! The form of an entry: the value, and after it what tells whose it is and that it is whole.
//!
//! The value comes first, so that it needs no copy. The trailer: the signature, the length of the
//! value in bytes (8 bytes), its CRC-32 (4 bytes), and a mark.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

/// The end of every entry, with the version of its form.
const MARK: &[u8; 8] = b"sfjumbo1";

/// How many bytes the entry of a value has.
pub(super) fn size(value: &str, signature: &str) -> u64 {
    value.len() as u64 + trailer(0, 0, signature).len() as u64
}

pub(super) fn write(file: &mut File, value: &str, signature: &str) -> io::Result<()> {
    let checksum = crc32fast::hash(value.as_bytes());
    file.write_all(value.as_bytes())?;
    file.write_all(&trailer(value.len() as u64, checksum, signature))
}

/// The value of an entry, if it is that of the signature and whole.
pub(super) fn read(file: &mut File, signature: &str) -> Option<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let end = trailer(0, 0, signature).len();
    let (value, end) = bytes.split_at(bytes.len().checked_sub(end)?);
    let length = value.len();
    let is_whole = end == trailer(length as u64, crc32fast::hash(value), signature);
    bytes.truncate(length);
    is_whole.then(|| String::from_utf8(bytes).ok())?
}

fn trailer(length: u64, checksum: u32, signature: &str) -> Vec<u8> {
    let mut trailer = signature.as_bytes().to_vec();
    trailer.extend_from_slice(&length.to_le_bytes());
    trailer.extend_from_slice(&checksum.to_le_bytes());
    trailer.extend_from_slice(MARK);
    trailer
}
