//! What a request says of its value: how it comes, and its checksums.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::refusal::Refusal;

/// The hash of the value that is signed.
const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// What stands in its place when the value comes in chunks, with its checksum at its end.
const UNSIGNED_CHUNKS: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// How many bytes a value has that comes in chunks.
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

const CONTENT_MD5: &str = "content-md5";

/// What the names of headers begin with that have a checksum.
const CHECKSUM: &str = "x-amz-checksum-";

/// What a request says of its value.
#[derive(Debug)]
pub(super) struct Said {
    /// What the signature is for: the hash of the value in hexadecimal digits, or that it is not signed.
    pub hash: String,
    /// How many bytes the value has, and which headers come after it, if it comes in chunks.
    pub chunks: Option<(u64, Vec<String>)>,
    /// Checksums with their headers.
    checksums: Vec<(HeaderName, Checksum, Vec<u8>)>,
}

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checksum {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Md5,
    Sha256,
}

impl Checksum {
    /// That of a header; nothing if it has none that is known here.
    fn of_header(name: &str) -> Option<Self> {
        match name.strip_prefix(CHECKSUM) {
            Some("crc32") => Some(Self::Crc32),
            Some("crc32c") => Some(Self::Crc32c),
            Some("crc64nvme") => Some(Self::Crc64Nvme),
            Some("sha256") => Some(Self::Sha256),
            Some(_) => None,
            None => (name == CONTENT_MD5).then_some(Self::Md5),
        }
    }

    /// How many bytes it has.
    fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Md5 => 16,
            Self::Sha256 => 32,
        }
    }

    fn of(self, value: &[u8]) -> Vec<u8> {
        let crc = |algorithm| {
            let crc = crc_fast::checksum(algorithm, value).to_be_bytes();
            crc.iter()
                .skip(crc.len() - self.length())
                .copied()
                .collect()
        };
        match self {
            Self::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            Self::Md5 => Md5::digest(value).to_vec(),
            Self::Sha256 => Sha256::digest(value).to_vec(),
        }
    }
}

impl Said {
    /// Reads the headers.
    ///
    /// # Errors
    /// They say what cannot be, or what this does not know.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let hash = headers.get(CONTENT_SHA256);
        let hash = hash.map_or(Ok(""), |hash| hash.to_str()).unwrap_or("?");
        let chunks = chunks(headers, hash)?;
        let mut checksums = Vec::new();
        if !matches!(hash, "" | "UNSIGNED-PAYLOAD" | UNSIGNED_CHUNKS) {
            let digest = unhex(hash).filter(|digest| digest.len() == Checksum::Sha256.length());
            let digest = digest.ok_or_else(|| {
                let message = format!(
                    "{CONTENT_SHA256} must be UNSIGNED-PAYLOAD, or a SHA-256 in hexadecimal digits"
                );
                Refusal::bad("InvalidArgument", message)
            })?;
            let name = HeaderName::from_static(CONTENT_SHA256);
            checksums.push((name, Checksum::Sha256, digest));
        }
        let hash = hash.to_owned();
        let mut said = Self {
            hash,
            chunks,
            checksums,
        };
        said.add(headers)?;
        Ok(said)
    }

    /// Adds the checksums in headers.
    pub(super) fn add(&mut self, headers: &HeaderMap) -> Result<(), Refusal> {
        for (name, value) in headers {
            let text = name.as_str();
            let checksum = match (Checksum::of_header(text), text.strip_prefix(CHECKSUM)) {
                (Some(checksum), _) => checksum,
                // These say something about checksums.
                (None, None | Some("type" | "algorithm" | "mode")) => continue,
                (None, Some(_)) => return Err(Refusal::not_implemented(text)),
            };
            let digest = BASE64_STANDARD.decode(value).ok();
            let digest = digest.filter(|digest| digest.len() == checksum.length());
            let digest = digest.ok_or_else(|| {
                let length = checksum.length();
                let message = format!("{name} must be {length} bytes in Base64");
                Refusal::bad("InvalidDigest", message)
            })?;
            self.checksums.push((name.clone(), checksum, digest));
        }
        Ok(())
    }

    /// Whether there is anything to check.
    pub(super) fn is_silent(&self) -> bool {
        self.chunks.is_none() && self.checksums.is_empty()
    }

    /// Holds a value to what was said of it.
    pub(super) fn check(&self, value: &[u8]) -> Result<(), Refusal> {
        for (header, checksum, digest) in &self.checksums {
            if checksum.of(value) != *digest {
                let code = match header.as_str() {
                    CONTENT_SHA256 => "XAmzContentSHA256Mismatch",
                    _ => "BadDigest",
                };
                let message = format!("The value that arrived is not that of {header}");
                return Err(Refusal::bad(code, message));
            }
        }
        Ok(())
    }
}

/// What is said of chunks.
fn chunks(headers: &HeaderMap, hash: &str) -> Result<Option<(u64, Vec<String>)>, Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let list = |name| text(name).unwrap_or_default().split(',').map(str::trim);
    let is_chunked = list("content-encoding").any(|encoding| encoding == "aws-chunked");
    match hash {
        UNSIGNED_CHUNKS => {}
        _ if is_chunked || hash.starts_with("STREAMING-") => {
            return Err(Refusal::not_implemented("A body in chunks that are signed"));
        }
        _ => return Ok(None),
    }
    let length = text(DECODED_LENGTH).and_then(|length| length.parse().ok());
    let length = length.ok_or_else(|| {
        let message = format!("{DECODED_LENGTH} must say how many bytes the value has");
        Refusal::new(StatusCode::LENGTH_REQUIRED, "MissingContentLength", message)
    })?;
    let after = list("x-amz-trailer").map(str::to_ascii_lowercase);
    Ok(Some((
        length,
        after.filter(|name| !name.is_empty()).collect(),
    )))
}

/// Bytes from hexadecimal digits.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        for (checksum, expected) in [
            (Checksum::Crc32, "cbf43926"),
            (Checksum::Crc32c, "e3069283"),
            (Checksum::Crc64Nvme, "ae8b14860a799888"),
            (Checksum::Md5, "25f9e794323b453885f5181f1b624d0b"),
        ] {
            assert_eq!(hex(checksum.of(b"123456789")), expected, "{checksum:?}");
            assert_eq!(unhex(expected).unwrap().len(), checksum.length());
        }
        assert!(unhex("abc").is_none() && unhex("zz").is_none());
    }
}
