//! Values as bytes, compressed or not.
//!
//! What is compressed tells so by itself: the first bytes of a zstd frame are not UTF-8, so no text
//! begins with them.

use std::io::Read as _;

use simpleflow_objects::Bytes;

/// What a frame of zstd begins with.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How many bytes a character has at most in UTF-8.
const WIDEST: u64 = 4;

/// The bytes of a text, compressed at a level if there is one and if that makes it shorter.
pub(crate) fn to_bytes(text: &str, level: Option<i32>) -> Bytes {
    let compressed = level.and_then(|level| {
        let compressed = zstd::bulk::compress(text.as_bytes(), level);
        compressed
            .inspect_err(|error| tracing::warn!("a value goes as it is: zstd: {error}"))
            .ok()
    });
    match compressed {
        Some(compressed) if compressed.len() < text.len() => compressed.into(),
        _ => Bytes::copy_from_slice(text.as_bytes()),
    }
}

/// The text of some bytes, which has to have that many characters.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn to_text(bytes: Bytes, length: usize) -> Result<String, String> {
    let bytes = match bytes.starts_with(&MAGIC) {
        true => decompress(&bytes, length)?,
        false => bytes.into(),
    };
    let text = String::from_utf8(bytes)
        .map_err(|error| format!("it is no UTF-8: {}", error.utf8_error()))?;
    match text.chars().count() {
        found if found == length => Ok(text),
        found => Err(format!("it has {found} chars")),
    }
}

fn decompress(bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let error = |error| format!("its zstd frame cannot be read: {error}");
    let most = WIDEST.saturating_mul(length as u64);
    // A few bytes may be said to be any number of them.
    let frame = zstd::stream::read::Decoder::new(bytes).map_err(error)?;
    let mut text = Vec::new();
    let read = frame.take(most.saturating_add(1)).read_to_end(&mut text);
    match read.map_err(error)? as u64 {
        read if read > most => Err(format!("it has more than {most} bytes")),
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_compressed_or_not() {
        for text in ["", "short", &"é".repeat(10_000)] {
            for level in [None, Some(1), Some(19)] {
                let bytes = to_bytes(text, level);
                assert!(bytes.len() <= text.len());
                let length = text.chars().count();
                assert_eq!(to_text(bytes, length).as_deref(), Ok(text));
            }
        }
        let long = "a".repeat(10_000);
        assert_eq!(to_bytes(&long, None), long);
        assert!(to_bytes(&long, Some(3)).len() < 100);
    }

    #[test]
    fn what_is_not_the_text_is_told() {
        for (bytes, length, problem) in [
            (Bytes::from("abc"), 4, "it has 3 chars"),
            (Bytes::from_static(b"\xff"), 1, "no UTF-8"),
            (Bytes::from_static(&MAGIC), 1, "zstd frame"),
            // A bomb is not unpacked.
            (
                to_bytes(&"a".repeat(1 << 20), Some(3)),
                10,
                "more than 40 bytes",
            ),
        ] {
            let error = to_text(bytes, length).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
