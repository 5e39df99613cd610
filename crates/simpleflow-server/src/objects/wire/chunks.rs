//! Bodies in chunks (`aws-chunked`): how clients send a value whose checksum they know at its end only.
//!
//! Each chunk is its length in hexadecimal digits, perhaps with extensions after a `;`, and as many
//! bytes, with the end of a line after both. The last one is empty; headers come after it.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

const LINE_END: &[u8] = b"\r\n";

/// Leaves nothing but the value of a body. Gives the headers that came after it; nothing if the body is
/// no such one.
pub(super) fn unpack(body: &mut Vec<u8>) -> Option<HeaderMap> {
    let (mut read, mut kept) = (0, 0);
    loop {
        let line = line(body, read)?;
        read += line.len() + LINE_END.len();
        let length = std::str::from_utf8(line).ok()?.split(';').next()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            break;
        }
        let end = read.checked_add(length)?;
        body.get(end..)?.strip_prefix(LINE_END)?;
        body.copy_within(read..end, kept);
        kept += length;
        read = end + LINE_END.len();
    }
    let mut headers = HeaderMap::new();
    while let Some(line) = line(body, read).filter(|line| !line.is_empty()) {
        read += line.len() + LINE_END.len();
        let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        let name = HeaderName::try_from(name.trim()).ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    body.truncate(kept);
    Some(headers)
}

/// The line that begins at a place.
fn line(body: &[u8], begin: usize) -> Option<&[u8]> {
    let rest = body.get(begin..)?;
    let end = rest
        .windows(LINE_END.len())
        .position(|window| window == LINE_END)?;
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(body: &[u8]) -> Option<(Vec<u8>, HeaderMap)> {
        let mut body = body.to_vec();
        let headers = unpack(&mut body)?;
        Some((body, headers))
    }

    #[test]
    fn a_value_comes_in_chunks_with_headers_after_it() {
        let (value, headers) =
            unpacked(b"5;x=y\r\na\r\nbc\r\n1\r\nd\r\n0\r\nx-a:1\r\nX-B: 2\r\n\r\n").unwrap();
        assert_eq!(value, b"a\r\nbcd");
        assert!(headers["x-a"] == "1" && headers["x-b"] == "2");
        assert_eq!(unpacked(b"0\r\n\r\n").unwrap().0, b"");
        for wrong in [
            "",
            "abc",
            "4\r\nabc\r\n0\r\n\r\n",
            "3\r\nabcd\r\n0\r\n\r\n",
            "3\r\nabc\r\n",
            "-1\r\n\r\n",
            "ffffffffffffffff\r\na\r\n0\r\n\r\n",
            "0\r\nno header\r\n\r\n",
        ] {
            assert!(unpacked(wrong.as_bytes()).is_none(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_value_comes_back(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 0..5),
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend(format!("{:x}\r\n", chunk.len()).bytes());
                body.extend(chunk);
                body.extend(LINE_END);
            }
            body.extend(b"0\r\n\r\n");
            prop_assert_eq!(unpacked(&body).unwrap().0, chunks.concat());
            // A part of it is none.
            body.truncate(body.len() - 4);
            prop_assert!(unpacked(&body).is_none());
        }
    }
}
