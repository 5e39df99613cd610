//! Objects over S3's protocol: the server in the box, and answers as S3 gives them.

mod common;

use std::process::Stdio;

use common::{ACCESS_KEY_ID, Answer, SECRET_ACCESS_KEY, Scripted, header};
use simpleflow_aws::Places;
use simpleflow_objects::{Objects, Place, Problem};
use simpleflow_server::{Config, Credentials, RunningServer, Server, Storage};
use tokio::process::Command;

async fn server(credentials: Option<Credentials>) -> RunningServer {
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage: Storage::Memory,
        credentials,
    };
    Server::new(config).start().await.unwrap()
}

fn of_server(addr: std::net::SocketAddr) -> Objects {
    let place: Place = format!("http://{addr}/objects").parse().unwrap();
    Places::new().open(&place)
}

/// Uses a place in every way.
async fn use_it(objects: &Objects) {
    let long = vec![7_u8; 5 << 20];
    objects.put("long", long.clone()).await.unwrap();
    assert_eq!(objects.get("long").await.unwrap(), long);
    let mut downloaded = Vec::new();
    let size = objects.download("long", &mut downloaded).await.unwrap();
    assert_eq!((size, downloaded), (5 << 20, long));
    objects.put("empty", "").await.unwrap();
    assert_eq!(objects.get("empty").await.unwrap(), "");
    for key in ["é &<>+%/../x y", "a/b", "a/c?d=e&f", "a//", "/a", "~'\"()"] {
        objects.put(key, key.to_owned()).await.unwrap();
        assert_eq!(objects.get(key).await.unwrap(), key);
        assert_eq!(objects.size(key).await.unwrap(), Some(key.len() as u64));
    }
    let keys = async |prefix: &str| {
        let listed = objects.list(prefix).await.unwrap();
        listed.into_iter().map(|it| it.key).collect::<Vec<_>>()
    };
    assert_eq!(keys("a/").await, ["a//", "a/b", "a/c?d=e&f"]);
    assert_eq!(keys("é &").await, ["é &<>+%/../x y"]);
    objects.delete("a/b").await.unwrap();
    objects.delete("a/b").await.unwrap();
    assert!(!objects.exists("a/b").await.unwrap());
    assert!(objects.get("a/b").await.unwrap_err().is_not_found());
    assert_eq!(keys("").await.len(), 7);
}

#[tokio::test]
async fn the_server_in_the_box_is_a_place() {
    let server = server(None).await;
    use_it(&of_server(server.addr()).under("x")).await;
    // What went over the wire is there for the process too.
    use_it(&Objects::new(server.objects()).under("y")).await;
    let here = Objects::new(server.objects());
    assert_eq!(here.list("x/").await.unwrap().len(), 7);
    let error = of_server(server.addr()).get("none").await.unwrap_err();
    let expected = format!(
        "object \"none\" in http://{}/objects: there is none",
        server.addr()
    );
    assert_eq!(error.to_string(), expected);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn listings_have_many_pages() {
    let server = server(None).await;
    let here = Objects::new(server.objects());
    for number in 0..2_100 {
        here.put(&format!("many/{number:04}"), "").await.unwrap();
    }
    let there = of_server(server.addr());
    let listed = there.list("many/").await.unwrap();
    assert_eq!(listed.len(), 2_100);
    assert_eq!(listed, here.list("many/").await.unwrap());
    server.stop().await.unwrap();
}

/// Uses the place that the environment names. Run by the tests, as a process.
#[tokio::test]
#[ignore = "run by the tests"]
async fn child() {
    let url = std::env::var("SIMPLEFLOW_TEST_PLACE").unwrap();
    let objects = Places::new().open(&url.parse().unwrap());
    match objects.put("key", "value").await {
        Ok(()) => use_it(&objects.under("x")).await,
        Err(error) => println!("\nproblem: {:?}", error.problem),
    }
}

/// What the child says, in an environment with nothing else.
async fn child_says(environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .stderr(Stdio::inherit())
        .output()
        .await
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    let line = lines.find(|line| line.starts_with("problem: "));
    line.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_server_that_checks_signatures_checks_those_for_objects() {
    let keys = format!("{ACCESS_KEY_ID} {SECRET_ACCESS_KEY}");
    let server = server(Some(Credentials::parse(&keys).unwrap())).await;
    let url = format!("http://{}/objects", server.addr());
    let says = async |id, secret| {
        child_says(&[
            ("SIMPLEFLOW_TEST_PLACE", url.as_str()),
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ])
        .await
    };
    assert_eq!(says(ACCESS_KEY_ID, SECRET_ACCESS_KEY).await, "");
    for (id, secret) in [(ACCESS_KEY_ID, "wrong"), ("wrong", SECRET_ACCESS_KEY)] {
        let said = says(id, secret).await;
        assert!(said.starts_with("problem: Denied("), "{said}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_wrong_setting_is_told() {
    let said = child_says(&[
        ("SIMPLEFLOW_TEST_PLACE", "s3://bucket"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("SIMPLEFLOW_S3_SSE", "rot13"),
    ])
    .await;
    assert!(said.contains("SIMPLEFLOW_S3_SSE is"), "{said}");
}

fn error(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>why</Message></Error>");
    Answer::Http(status, body)
}

#[tokio::test]
async fn what_s3_refuses_is_told_apart() {
    for (answer, problem) in [
        (error(404, "NoSuchKey"), Problem::NotFound),
        (
            error(422, "ObjectDamaged"),
            Problem::Damaged("why".to_owned()),
        ),
        (
            error(403, "AccessDenied"),
            Problem::Denied("AccessDenied: why".into()),
        ),
    ] {
        let s3 = Scripted::start([answer]).await;
        let got = of_server(s3.addr).get("key").await.unwrap_err();
        assert_eq!(got.problem, problem);
        assert!(!got.is_retryable());
    }
    let s3 = Scripted::start([error(404, "NoSuchBucket")]).await;
    let got = of_server(s3.addr).put("key", "").await.unwrap_err();
    let missing = format!("there is no bucket objects at http://{}", s3.addr);
    assert_eq!(got.problem, Problem::NoPlace(missing));
    // A server that has no objects at all, and an answer without a body.
    let s3 = Scripted::start([Answer::Http(404, "not found\n".into())]).await;
    let got = of_server(s3.addr).put("key", "").await.unwrap_err();
    assert!(matches!(got.problem, Problem::NoPlace(_)), "{got:?}");
    let none = || Answer::Http(404, String::new());
    let s3 = Scripted::start([none()]).await;
    let got = of_server(s3.addr).exists("key").await.unwrap_err();
    assert!(matches!(got.problem, Problem::NoPlace(_)), "{got:?}");
    let s3 = Scripted::start([none(), Answer::ok(""), none()]).await;
    let objects = of_server(s3.addr);
    for _ in 0..2 {
        assert!(!objects.exists("key").await.unwrap());
    }
    assert_eq!(s3.requests().len(), 3, "the bucket is looked for once");
    let s3 = Scripted::start([error(503, "SlowDown")]).await;
    let got = of_server(s3.addr).get("key").await.unwrap_err();
    assert!(got.is_retryable(), "{got:?}");
    assert_eq!(s3.requests().len(), 3, "it is tried again before that");
}

#[tokio::test]
async fn a_bucket_in_another_region_is_found_once() {
    let s3 = Scripted::start([
        Answer::Raw(
            "HTTP/1.1 301 x\r\nx-amz-bucket-region: eu-west-3\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
        ),
        Answer::ok("there"),
    ])
    .await;
    let objects = of_server(s3.addr);
    assert_eq!(objects.get("key").await.unwrap(), "there");
    assert_eq!(objects.get("key").await.unwrap(), "there");
    let requests = s3.requests();
    let regions: Vec<_> = requests
        .iter()
        .map(|request| header(request, "authorization").unwrap().split('/').nth(2))
        .collect();
    let (first, other) = (Some("us-east-1"), Some("eu-west-3"));
    assert_eq!(regions, [first, other, other]);
}

const CUT: &str = "HTTP/1.1 200 x\r\nETag: \"1\"\r\nContent-Length: 6\r\n\r\nabc";

#[tokio::test]
async fn a_download_that_is_cut_off_is_taken_up() {
    let rest = "HTTP/1.1 206 x\r\nETag: \"1\"\r\nContent-Length: 3\r\n\
                Content-Range: bytes 3-5/6\r\nConnection: close\r\n\r\ndef";
    let s3 = Scripted::start([Answer::Raw(CUT), Answer::Raw(rest)]).await;
    assert_eq!(of_server(s3.addr).get("key").await.unwrap(), "abcdef");
    let requests = s3.requests();
    assert_eq!(header(&requests[1], "range"), Some("bytes=3-"));
    assert_eq!(header(&requests[1], "if-match"), Some("\"1\""));
}

#[tokio::test]
async fn a_download_whose_object_changed_is_not_mixed() {
    let s3 = Scripted::start([Answer::Raw(CUT), error(412, "PreconditionFailed")]).await;
    let error = of_server(s3.addr).get("key").await.unwrap_err();
    assert!(error.to_string().contains("PreconditionFailed"), "{error}");
}
