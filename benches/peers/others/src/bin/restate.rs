//! Restate: a server that keeps the journals of executions, which it has a service run.
//!
//! Service and client are in this process, the server is one of its own. An activity has two forms
//! there, and both are measured. A step of `run` is cheap, but the next must not begin before it is
//! done; a call of another handler is an execution of its own, and any number can be under way.

#![expect(
    missing_docs,
    reason = "the macro of the services makes methods without"
)]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use measure::{Plan, System, measure, table};
use restate_sdk::ingress::{Client, RequestExecutor, RequestTarget};
use restate_sdk::prelude::*;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

/// Measures Restate, against a server with nothing in it
#[derive(Debug, Parser)]
struct Options {
    /// Where the server takes requests for executions: http://HOST:PORT
    #[arg(long)]
    ingress: Uri,

    /// Where it is administered
    #[arg(long)]
    admin: Uri,

    #[command(flatten)]
    plan: Plan,
}

/// Activities as steps.
struct Steps;

#[restate_sdk::service]
impl Steps {
    #[handler]
    async fn chain(&self, ctx: Context<'_>, steps: i64) -> HandlerResult<i64> {
        let mut x = 0;
        for _ in 0..steps {
            x = ctx.run(async move || Ok(x + 1)).await?;
        }
        Ok(x)
    }

    #[handler]
    async fn fan_out(&self, ctx: Context<'_>, width: i64) -> HandlerResult<i64> {
        let mut sum = 0;
        for x in 0..width {
            sum += ctx.run(async move || Ok(x + 1)).await?;
        }
        Ok(sum)
    }
}

/// Activities as executions of their own.
struct Calls;

#[restate_sdk::service]
impl Calls {
    #[handler]
    async fn increment(&self, _ctx: Context<'_>, x: i64) -> HandlerResult<i64> {
        Ok(x + 1)
    }

    #[handler]
    async fn chain(&self, ctx: Context<'_>, steps: i64) -> HandlerResult<i64> {
        let calls = ctx.service_client::<CallsClient<'_>>();
        let mut x = 0;
        for _ in 0..steps {
            x = calls.increment(x).call().await?;
        }
        Ok(x)
    }

    #[handler]
    async fn fan_out(&self, ctx: Context<'_>, width: i64) -> HandlerResult<i64> {
        let calls = ctx.service_client::<CallsClient<'_>>();
        // A call is on its way when it is made, not when it is awaited.
        let parts: Vec<_> = (0..width).map(|x| calls.increment(x).call()).collect();
        let mut sum = 0;
        for part in parts {
            sum += part.await?;
        }
        Ok(sum)
    }
}

/// One of the services, as a client sees it.
struct Restate {
    name: &'static str,
    service: &'static str,
    ingress: Client<Http>,
}

impl Restate {
    async fn call(&self, handler: &str, input: i64) -> Result<i64> {
        let target = RequestTarget::service(self.service, handler);
        Ok(self
            .ingress
            .request(target, input)
            .call()
            .await?
            .into_body()?)
    }
}

impl System for Restate {
    fn name(&self) -> &str {
        self.name
    }

    async fn chain(&self, steps: i64) -> Result<i64> {
        self.call("chain", steps).await
    }

    async fn fan_out(&self, width: i64) -> Result<i64> {
        self.call("fan_out", width).await
    }
}

/// HTTP/1.1, with connections that are kept.
#[derive(Clone)]
struct Http(legacy::Client<HttpConnector, Full<Bytes>>);

impl Http {
    fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(legacy::Client::builder(TokioExecutor::new()).build(connector))
    }
}

impl RequestExecutor for Http {
    type Error = io::Error;

    async fn execute(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let response = self.0.request(request.map(Full::new)).await;
        let (head, body) = response.map_err(io::Error::other)?.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// Waits until the server answers.
async fn wait(http: &Http, admin: &Uri) -> Result<()> {
    let answers = async || {
        let request = Request::get(format!("{admin}health")).body(Bytes::new())?;
        let response = http.execute(request).await?;
        ensure!(response.status().is_success(), "{}", response.status());
        anyhow::Ok(())
    };
    let limit = Instant::now() + Duration::from_secs(60);
    while let Err(error) = answers().await {
        if Instant::now() > limit {
            return Err(error.context(format!("no server at {admin}")));
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Tells the server of the services, which listen at `services`.
async fn register(http: &Http, admin: &Uri, services: SocketAddr) -> Result<()> {
    let body = serde_json::json!({ "uri": format!("http://{services}/") }).to_string();
    let request = Request::post(format!("{admin}deployments"))
        .header("content-type", "application/json")
        .body(Bytes::from(body))?;
    let response = http.execute(request).await?;
    let status = response.status();
    let body = String::from_utf8_lossy(response.body());
    ensure!(
        status.is_success(),
        "the services are refused: {status}: {body}"
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let services = listener.local_addr()?;
    let endpoint = Endpoint::builder().bind(Steps).bind(Calls).build();
    tokio::spawn(HttpServer::new(endpoint).serve(listener));

    let http = Http::new();
    wait(&http, &options.admin).await?;
    register(&http, &options.admin, services).await?;

    let ingress = Client::new(options.ingress, http)?;
    let mut figures = Vec::new();
    for (name, service) in [("restate-steps", "Steps"), ("restate-calls", "Calls")] {
        let ingress = ingress.clone();
        let system = Restate {
            name,
            service,
            ingress,
        };
        figures.extend(measure(&system, &options.plan).await?);
    }
    eprint!("{}", table(&figures));
    Ok(())
}
