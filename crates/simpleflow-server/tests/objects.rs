//! The objects of the server: kept through a crash, in limits, refused for what it does not have.

mod common;

use common::*;
use simpleflow_objects::{Objects, Problem};
use simpleflow_server::OBJECT_BYTES;

#[tokio::test]
#[ignore = "the server of the tests, in a process of its own"]
async fn child() {
    child::serve().await;
}

async fn ask(addr: std::net::SocketAddr, line: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n\
         {body}"
    );
    raw(addr, request).await
}

async fn put(addr: std::net::SocketAddr, key: &str, value: &str) -> Answer {
    ask(addr, &format!("PUT /objects/{key}"), "", value).await
}

async fn get(addr: std::net::SocketAddr, path: &str) -> Answer {
    ask(addr, &format!("GET {path}"), "", "").await
}

#[tokio::test]
async fn an_object_is_there_from_the_answer_on() {
    let dir = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    for (round, value) in ["first", "second"].into_iter().enumerate() {
        let server = child::Server::start(dir.path(), any, None).await.unwrap();
        if round > 0 {
            assert_eq!(get(server.addr, "/objects/a/b").await.body, "first");
            assert_eq!(get(server.addr, "/objects/gone").await.status, 404);
        }
        assert_eq!(put(server.addr, "gone", "x").await.status, 200);
        assert_eq!(put(server.addr, "a/b", value).await.status, 200);
        let deleted = ask(server.addr, "DELETE /objects/gone", "", "").await;
        assert_eq!(deleted.status, 204);
        server.kill().await;
    }
    let server = start(disk(dir.path())).await;
    let objects = Objects::new(server.objects());
    assert_eq!(objects.get("a/b").await.unwrap(), "second");
    assert_eq!(objects.list("").await.unwrap().len(), 1);
    server.stop().await.unwrap();
    // A handle that is left tells its end.
    assert!(objects.get("a/b").await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn what_it_does_not_have_is_refused_with_a_reason() {
    let server = start(memory()).await;
    let addr = server.addr();
    let code = async |line: &str, headers: &str| {
        let answer = ask(addr, line, headers, "").await;
        let code = answer.body.split("<Code>").nth(1).unwrap();
        (answer.status, code.split('<').next().unwrap().to_owned())
    };
    let implemented = (501, "NotImplemented".to_owned());
    for line in [
        "PUT /objects",
        "POST /objects/a?uploads",
        "GET /objects/a?acl",
        "PATCH /objects/a",
    ] {
        assert_eq!(code(line, "").await, implemented, "{line}");
    }
    for headers in [
        "x-amz-checksum-xxhash64: AAAA\r\n",
        "If-None-Match: \"1\"\r\n",
        "If-Match: \"1\"\r\nIf-None-Match: *\r\n",
        "If-Unmodified-Since: Sun, 22 Nov 2026 00:00:00 GMT\r\n",
        "x-amz-copy-source: /objects/b\r\n",
        "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n",
        "content-encoding: aws-chunked\r\n",
    ] {
        assert_eq!(code("PUT /objects/a", headers).await, implemented);
    }
    for (line, refusal) in [
        ("GET /objects/none", (404, "NoSuchKey")),
        ("GET /objects/%FF", (400, "InvalidURI")),
        ("GET /objects/%00", (400, "InvalidURI")),
        ("GET /objects?max-keys=many", (400, "InvalidArgument")),
        ("GET /objects?max-keys=-1", (400, "InvalidArgument")),
    ] {
        let (status, code) = code(line, "").await;
        assert_eq!((status, code.as_str()), refusal);
    }
    assert_eq!(get(addr, "/objectsx").await.status, 404);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_object_that_is_too_long_is_refused_before_it_is_read() {
    let server = start(memory()).await;
    let request = format!(
        "PUT /objects/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        OBJECT_BYTES + 1
    );
    let answer = raw(server.addr(), request).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("EntityTooLarge"), "{}", answer.body);
    assert!(answer.body.contains("at most 67108864 bytes"));
    let long = vec![0; OBJECT_BYTES as usize + 1];
    let error = Objects::new(server.objects()).put("a", long).await;
    let (size, limit) = (OBJECT_BYTES + 1, OBJECT_BYTES);
    assert_eq!(
        error.unwrap_err().problem,
        Problem::TooLarge { size, limit }
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_part_can_be_read_while_the_object_is_the_same() {
    let server = start(memory()).await;
    let addr = server.addr();
    put(addr, "a", "abcdef").await;
    let whole = get(addr, "/objects/a").await;
    let etag = whole.header("etag").unwrap();
    let part = async |headers: &str| ask(addr, "GET /objects/a", headers, "").await;
    for (range, shown, text) in [
        ("2-3", "bytes 2-3/6", "cd"),
        ("2-", "bytes 2-5/6", "cdef"),
        ("4-99", "bytes 4-5/6", "ef"),
        ("-2", "bytes 4-5/6", "ef"),
    ] {
        let headers = format!("Range: bytes={range}\r\nIf-Match: {etag}\r\n");
        let answer = part(&headers).await;
        assert_eq!((answer.status, answer.body.as_str()), (206, text));
        assert_eq!(answer.header("content-range"), Some(shown));
    }
    for range in ["6-", "3-2", "x", "99999999999999999999-"] {
        let answer = part(&format!("Range: bytes={range}\r\n")).await;
        assert_eq!(answer.status, 416, "{range}");
    }
    put(addr, "a", "ABCDEF").await;
    let answer = part(&format!("If-Match: {etag}\r\n")).await;
    assert_eq!(answer.status, 412);
    let head = ask(addr, "HEAD /objects/a", "", "").await;
    assert_eq!(head.header("content-length"), Some("6"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_listing_shows_one_level() {
    let server = start(memory()).await;
    let addr = server.addr();
    for key in ["a/1", "a/2", "a/b/3", "a0", "b//4", "c", "\u{10ffff}/5"] {
        Objects::new(server.objects()).put(key, "x").await.unwrap();
    }
    // Keys and levels, in pages of so many.
    let list = async |prefix: &str, most: usize| {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let query = format!("prefix={prefix}&delimiter=%2F&max-keys={most}&list-type=2");
            let path = format!("/objects?{query}&continuation-token={token}");
            let body = get(addr, &path).await.body;
            let texts = |name: &str| -> Vec<String> {
                let start = format!("<{name}>");
                let parts = body.split(&start).skip(1);
                let texts = parts.map(|part| part.split('<').next().unwrap().to_owned());
                texts.collect()
            };
            let mut page = texts("Key");
            page.extend(texts("CommonPrefixes><Prefix"));
            page.sort();
            assert_eq!(texts("KeyCount"), [page.len().to_string()]);
            found.extend(page);
            match texts("NextContinuationToken").pop() {
                Some(next) => token = percent_encoded(&next),
                None => return found,
            }
        }
    };
    for most in [1, 2, 3, 1_000] {
        let top = ["a/", "a0", "b/", "c", "\u{10ffff}/"];
        assert_eq!(list("", most).await, top, "{most}");
        assert_eq!(list("a/", most).await, ["a/1", "a/2", "a/b/"]);
        assert_eq!(list("b/", most).await, ["b//"]);
        assert_eq!(list("a", most).await, ["a/", "a0"]);
        assert!(list("d", most).await.is_empty());
    }
    server.stop().await.unwrap();
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn objects_are_counted() {
    let server = start(memory()).await;
    put(server.addr(), "a", "1").await;
    get(server.addr(), "/objects/b").await;
    let metrics = get(server.addr(), "/metrics").await.body;
    for line in [
        "simpleflow_requests_total{operation=\"PutObject\"} 1",
        "simpleflow_errors_total{error=\"NoSuchKey\",operation=\"GetObject\"} 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{metrics}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_put_stays() {
    let dir = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    // In blocks of a kilobyte. The log of the other file alone has four thousand.
    let server = child::Server::start(dir.path(), any, Some(6_000)).await;
    let server = server.unwrap();
    let value = "x".repeat(1 << 20);
    let mut kept = 0;
    loop {
        let answer = put(server.addr, &format!("{kept}"), &value).await;
        if answer.status != 200 {
            assert_eq!(answer.status, 500);
            assert!(answer.body.contains("InternalError"), "{}", answer.body);
            break;
        }
        kept += 1;
        assert!(kept < 20, "the disk is never full");
    }
    assert!(kept > 0);
    for number in 0..kept {
        let answer = get(server.addr, &format!("/objects/{number}")).await;
        assert_eq!((answer.status, answer.body.len()), (200, 1 << 20));
    }
    assert_eq!(get(server.addr, "/healthz").await.status, 200);
    server.kill().await;
}

#[tokio::test]
async fn an_object_that_is_damaged_is_not_given_out() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(disk(dir.path())).await;
    put(server.addr(), "a", "good").await;
    server.stop().await.unwrap();
    let file = rusqlite::Connection::open(dir.path().join("objects.sqlite3")).unwrap();
    let bad = "UPDATE objects SET value = CAST('evil' AS BLOB)";
    file.execute(bad, ()).unwrap();
    drop(file);
    let server = start(disk(dir.path())).await;
    let answer = get(server.addr(), "/objects/a").await;
    // Nobody needs to ask again.
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("<Code>ObjectDamaged<"));
    let dir = dir.path().display().to_string();
    assert!(!answer.body.contains(&dir), "{}", answer.body);
    let error = Objects::new(server.objects()).get("a").await.unwrap_err();
    assert!(error.is_damaged(), "{error}");
    assert_eq!(put(server.addr(), "a", "good").await.status, 200);
    assert_eq!(get(server.addr(), "/objects/a").await.body, "good");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_of_a_later_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = rusqlite::Connection::open(dir.path().join("objects.sqlite3")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let server = start(disk(dir.path())).await;
    let error = Objects::new(server.objects()).put("a", "").await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("has schema version 99"), "{error}");
    let answer = put(server.addr(), "a", "").await;
    assert_eq!(answer.status, 500);
    let dir = dir.path().display().to_string();
    assert!(!answer.body.contains(&dir), "{}", answer.body);
    // Executions have another file.
    assert_eq!(get(server.addr(), "/healthz").await.status, 200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_known_of_an_object_is_told_in_every_answer() {
    let server = start(memory()).await;
    let addr = server.addr();
    let etag = put(addr, "a", "1").await.header("etag").unwrap().to_owned();
    assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'));
    for line in ["HEAD /objects/a", "GET /objects/a"] {
        let answer = ask(addr, line, "", "").await;
        assert_eq!(answer.header("etag"), Some(etag.as_str()), "{line}");
        let time = answer.header("last-modified").unwrap();
        assert!(time.ends_with(" GMT"), "{time}");
        assert!(answer.header("x-amz-request-id").is_some());
    }
    let listed = get(addr, "/objects").await.body;
    assert!(listed.contains(&format!("<ETag>{etag}</ETag>")), "{listed}");
    assert!(listed.contains("Z</LastModified>"), "{listed}");
    let here = Objects::new(server.objects()).list("").await.unwrap();
    let age = here[0].modified.unwrap().elapsed();
    assert!(age.is_ok_and(|age| age.as_secs() < 600));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn of_two_who_write_only_a_new_object_one_does() {
    let server = start(memory()).await;
    let addr = server.addr();
    let lock = || ask(addr, "PUT /objects/lock", "If-None-Match: *\r\n", "mine");
    let (one, other) = tokio::join!(lock(), lock());
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let etag = get(addr, "/objects/lock").await;
    let etag = etag.header("etag").unwrap();
    let matching = async |line: &str, etag: &str| {
        let headers = format!("If-Match: {etag}\r\n");
        ask(addr, line, &headers, "next").await.status
    };
    assert_eq!(matching("PUT /objects/lock", "\"other\"").await, 412);
    assert_eq!(matching("DELETE /objects/lock", "\"other\"").await, 412);
    assert_eq!(matching("PUT /objects/none", etag).await, 404);
    assert_eq!(matching("DELETE /objects/none", etag).await, 204);
    assert_eq!(get(addr, "/objects/lock").await.body, "mine");
    assert_eq!(matching("PUT /objects/lock", etag).await, 200);
    assert_eq!(get(addr, "/objects/lock").await.body, "next");
    assert_eq!(matching("DELETE /objects/lock", etag).await, 412);
    assert_eq!(matching("DELETE /objects/lock", "*").await, 204);
    assert_eq!(lock().await.status, 200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_value_is_held_to_what_was_said_of_it() {
    let server = start(memory()).await;
    let addr = server.addr();
    let digits = "123456789";
    for (header, checksum, code) in [
        ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==", "BadDigest"),
        ("x-amz-checksum-crc32", "y/Q5Jg==", "BadDigest"),
        ("x-amz-checksum-crc32c", "4waSgw==", "BadDigest"),
        ("x-amz-checksum-crc64nvme", "rosUhgp5mIg=", "BadDigest"),
        (
            "x-amz-checksum-sha256",
            "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
            "BadDigest",
        ),
        (
            "x-amz-content-sha256",
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            "XAmzContentSHA256Mismatch",
        ),
    ] {
        let headers = format!("{header}: {checksum}\r\n");
        let answer = ask(addr, "PUT /objects/a", &headers, "other").await;
        assert!(answer.body.contains(code), "{header}: {}", answer.body);
        assert_eq!(answer.status, 400);
        assert_eq!(get(addr, "/objects/a").await.status, 404);
        let answer = ask(addr, "PUT /objects/a", &headers, digits).await;
        assert_eq!(answer.status, 200, "{header}: {}", answer.body);
        let deleted = ask(addr, "DELETE /objects/a", "", "").await;
        assert_eq!(deleted.status, 204);
    }
    for (headers, code) in [
        ("content-md5: x\r\n", "InvalidDigest"),
        ("x-amz-checksum-crc32: AAAAAAAA\r\n", "InvalidDigest"),
        ("x-amz-content-sha256: abc\r\n", "InvalidArgument"),
    ] {
        let answer = ask(addr, "PUT /objects/a", headers, digits).await;
        assert!(answer.body.contains(code), "{}", answer.body);
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_value_may_come_in_chunks_with_its_checksum_at_the_end() {
    let server = start(memory()).await;
    let addr = server.addr();
    let chunked = async |length: &str, body: &str| {
        let headers = format!(
            "Content-Encoding: aws-chunked\r\nx-amz-trailer: x-amz-checksum-crc32\r\n\
             x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n{length}"
        );
        let answer = ask(addr, "PUT /objects/a", &headers, body).await;
        let code = answer.body.split("<Code>").nth(1).unwrap_or_default();
        let code = code.split('<').next().unwrap_or_default();
        (answer.status, code.to_owned())
    };
    let nine = "x-amz-decoded-content-length: 9\r\n";
    let last = "x-amz-checksum-crc32:y/Q5Jg==";
    let whole = format!("4\r\n1234\r\n5\r\n56789\r\n0\r\n{last}\r\n\r\n");
    assert_eq!(chunked(nine, &whole).await, (200, String::new()));
    assert_eq!(get(addr, "/objects/a").await.body, "123456789");
    for (length, body, refusal) in [
        ("", whole.clone(), (411, "MissingContentLength")),
        (nine, whole.replace("1234", "4321"), (400, "BadDigest")),
        (nine, whole.replace(last, "x-a:1"), (400, "IncompleteBody")),
        (nine, "0\r\n\r\n".to_owned(), (400, "IncompleteBody")),
        (nine, "4\r\n12".to_owned(), (400, "IncompleteBody")),
        (
            "x-amz-decoded-content-length: 99999999\r\n",
            whole.clone(),
            (400, "EntityTooLarge"),
        ),
    ] {
        let (status, code) = chunked(length, &body).await;
        assert_eq!((status, code.as_str()), refusal, "{body}");
    }
    assert_eq!(get(addr, "/objects/a").await.body, "123456789");
    server.stop().await.unwrap();
}
