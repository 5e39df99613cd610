//! The settings of the environment, in processes of their own.

mod common;

use std::fs;
use std::path::Path;

use common::{Answer, Scripted};
use simpleflow_aws::AwsSwf;
use simpleflow_model::RegistrationStatus;
use simpleflow_model::operation::ListDomains;
use simpleflow_service::SwfService as _;
use tokio::process::Command;

const EMPTY: &str = r#"{"domainInfos":[]}"#;

/// Tells what the environment comes to. Run by the tests, as a process.
#[tokio::test]
#[ignore = "run by the tests"]
async fn child() {
    let service = match AwsSwf::from_env().await {
        Ok(service) => service,
        Err(error) => return println!("\nfailed: {error:?}"),
    };
    println!("\ntarget: {}", service.target());
    let request = ListDomains {
        registration_status: RegistrationStatus::Registered,
        ..Default::default()
    };
    // The service of the region itself is not for tests.
    if service.target().endpoint.is_some() {
        println!("\nanswer: {:?}", service.list_domains(request).await);
    }
}

/// What the child says, in an environment with nothing else.
async fn told(home: &Path, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env_clear()
        .env("HOME", home)
        .envs(environment.iter().copied())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = ["failed: ", "target: ", "answer: "];
    let lines = text.lines();
    let lines = lines.filter(|line| said.iter().any(|word| line.starts_with(word)));
    lines.collect::<Vec<_>>().join("\n")
}

/// There is no machine in AWS around it.
const ALONE: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

const KEY: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", common::ACCESS_KEY_ID),
    ("AWS_SECRET_ACCESS_KEY", common::SECRET_ACCESS_KEY),
];

#[tokio::test]
async fn a_region_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let mut environment = KEY.to_vec();
    environment.push(ALONE);
    let text = told(home.path(), &environment).await;
    assert!(
        text.starts_with("failed: Config(\"there is no region: "),
        "{text}"
    );
}

#[tokio::test]
async fn credentials_are_needed() {
    let home = tempfile::tempdir().unwrap();
    let text = told(home.path(), &[ALONE, ("AWS_REGION", "eu-west-1")]).await;
    assert!(
        text.starts_with("failed: Denied(\"there are no credentials: "),
        "{text}"
    );
}

#[tokio::test]
async fn region_and_credentials_are_enough() {
    let home = tempfile::tempdir().unwrap();
    let mut environment = KEY.to_vec();
    environment.push(("AWS_DEFAULT_REGION", "eu-west-1"));
    let text = told(home.path(), &environment).await;
    assert_eq!(text, "target: Amazon SWF, region eu-west-1");
}

#[tokio::test]
async fn a_server_on_this_machine_needs_an_endpoint_alone() {
    let home = tempfile::tempdir().unwrap();
    let server = Scripted::start([Answer::ok(EMPTY)]).await;
    let url = format!("http://{}", server.addr);
    // Asked for an account, it would keep the program waiting.
    let metadata = Scripted::start([Answer::Silence]).await;
    let machine = format!("http://{}", metadata.addr);
    let machine = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.as_str());
    for name in ["AWS_ENDPOINT_URL_SWF", "AWS_ENDPOINT_URL"] {
        let text = told(home.path(), &[(name, &url), machine]).await;
        let target = format!("target: {url}, region us-east-1\nanswer: Ok(");
        assert!(text.starts_with(&target), "{text}");
    }
    assert!(metadata.requests().is_empty());
}

#[tokio::test]
async fn a_profile_says_it_all() {
    let home = tempfile::tempdir().unwrap();
    let server = Scripted::start([Answer::ok(EMPTY)]).await;
    let url = format!("http://{}", server.addr);
    // The command counts how often it is asked.
    let script = home.path().join("credentials.sh");
    let asked = home.path().join("asked");
    let key = r#"{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"s"}"#;
    let text = format!("echo x >> '{}'\necho '{key}'\n", asked.display());
    fs::write(&script, text).unwrap();
    let config = format!(
        "[profile tests]\nregion = eu-west-3\nservices = here\n\
         credential_process = /bin/sh {}\n[services here]\nswf =\n  endpoint_url = {url}\n",
        script.display()
    );
    let file = home.path().join("config");
    fs::write(&file, config).unwrap();
    let environment = [
        ("AWS_CONFIG_FILE", file.to_str().unwrap()),
        ("AWS_PROFILE", "tests"),
    ];
    let text = told(home.path(), &environment).await;
    let target = format!("target: {url}, region eu-west-3, profile tests\nanswer: Ok(");
    assert!(text.starts_with(&target), "{text}");
    let requests = server.requests();
    let authorization = common::header(&requests[0], "authorization").unwrap();
    assert!(authorization.contains("AKIDPROCESS"), "{authorization}");
    assert!(authorization.contains("/eu-west-3/swf/"), "{authorization}");
    assert_eq!(fs::read_to_string(asked).unwrap(), "x\n");
}

#[tokio::test]
async fn attempts_are_set_as_in_the_original() {
    let home = tempfile::tempdir().unwrap();
    let server = Scripted::start([Answer::error(500, "InternalFailure")]).await;
    let url = format!("http://{}", server.addr);
    let mut environment = vec![
        ("AWS_ENDPOINT_URL_SWF", url.as_str()),
        ("SWF_CONNECTION_RETRIES", "1"),
    ];
    let text = told(home.path(), &environment).await;
    assert!(text.contains("answer: Err(Internal("), "{text}");
    assert_eq!(server.requests().len(), 1);
    environment[1].1 = "none";
    let text = told(home.path(), &environment).await;
    assert!(
        text.starts_with("failed: Config(\"SWF_CONNECTION_RETRIES is "),
        "{text}"
    );
}
