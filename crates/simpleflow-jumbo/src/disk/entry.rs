//! The form of an entry: the value, and after it what tells whose it is and that it is whole.
//!
//! The value comes first, so that it needs no copy. The trailer: the signature, the length of the
//! value in bytes and of the signature (8 and 4 bytes), the CRC-32 of all before it, and a mark.

/// The end of every entry, with the version of its form.
const MARK: &[u8; 8] = b"sfjumbo1";

/// How many bytes the trailer has beside the signature.
const FIXED: usize = 8 + 4 + 4 + MARK.len();

/// What comes after a value.
pub(super) fn trailer(value: &str, signature: &str) -> Vec<u8> {
    let mut trailer = Vec::with_capacity(signature.len() + FIXED);
    trailer.extend_from_slice(signature.as_bytes());
    trailer.extend_from_slice(&(value.len() as u64).to_le_bytes());
    // No signature is longer than a few hundred bytes.
    trailer.extend_from_slice(&(signature.len() as u32).to_le_bytes());
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(value.as_bytes());
    checksum.update(&trailer);
    trailer.extend_from_slice(&checksum.finalize().to_le_bytes());
    trailer.extend_from_slice(MARK);
    trailer
}

/// The value of an entry, if it is that of the signature and whole.
pub(super) fn value(mut bytes: Vec<u8>, signature: &str) -> Option<String> {
    let rest = bytes.strip_suffix(MARK)?;
    let (checked, checksum) = rest.split_last_chunk::<4>()?;
    let (rest, signature_length) = checked.split_last_chunk::<4>()?;
    let (rest, value_length) = rest.split_last_chunk::<8>()?;
    let value_length = usize::try_from(u64::from_le_bytes(*value_length)).ok()?;
    let (value, named) = rest.split_at_checked(value_length)?;
    let whole = named == signature.as_bytes()
        && u32::from_le_bytes(*signature_length) as usize == named.len()
        && crc32fast::hash(checked) == u32::from_le_bytes(*checksum);
    debug_assert_eq!(value.len(), value_length);
    if !whole {
        return None;
    }
    bytes.truncate(value_length);
    String::from_utf8(bytes).ok()
}
