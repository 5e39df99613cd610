//! What a command gives its activities beside their input.
//!
//! Their objects are in this order: at the place that is named; in the server in the box, if that is
//! the service; in a folder of the data directory. Their metrics are at the place that is named, or
//! else among the objects.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use simpleflow_aws::Places;
use simpleflow_core::objects::{Objects, Place};
use simpleflow_executor::{Binaries, Resources};
use simpleflow_model::DomainName;

use crate::connect::{Connection, DataDir};

/// The folder in the data directory.
const FOLDER: &str = "objects";

/// Where activities keep their objects and metrics: options of commands that run some.
#[derive(Args, Clone, Debug)]
pub(crate) struct ResourceOptions {
    /// Where activities keep their objects: s3://BUCKET/PREFIX, a folder, or
    /// http://HOST:PORT/objects of the server in the box. By default in the server in the box if it
    /// is the service, or else in the folder objects of the data directory.
    #[arg(
        long,
        value_name = "URL",
        env = "SIMPLEFLOW_OBJECTS",
        value_parser = |url: &str| url.parse::<Place>()
    )]
    objects: Option<Place>,

    /// Where the metrics of activities are: a bucket of S3, or any place as s3://BUCKET/PREFIX, a
    /// folder from / on, file:///FOLDER, or http://HOST:PORT/objects of the server in the box. By
    /// default under metrology/ among the objects.
    #[arg(
        long,
        value_name = "BUCKET",
        env = "METROLOGY_BUCKET",
        value_parser = |bucket: &str| Place::of_bucket(bucket)
    )]
    metrology: Option<Place>,

    /// What the keys of metrics begin with there.
    #[arg(long, value_name = "PREFIX", env = "METROLOGY_PATH_PREFIX")]
    metrology_path_prefix: Option<String>,
}

impl ResourceOptions {
    /// Those of an execution that ends with this process: without a place its objects are in memory.
    pub(crate) fn local(&self) -> Resources {
        self.named_or(Objects::memory())
    }

    /// Those of the process of an activity, which has its options from its worker. The worker of a
    /// program's own need not give it a place.
    pub(crate) fn of_process(&self) -> Resources {
        let what_to_do = "the worker of this process gave it no place for objects";
        self.named_or(Objects::nowhere(what_to_do))
    }

    fn named_or(&self, default: Objects) -> Resources {
        let places = Places::new();
        let named = self.objects.as_ref().map(|place| places.open(place));
        self.resources(named.unwrap_or(default), places)
    }

    /// Those of activities that run for a service.
    pub(crate) async fn on(
        &self,
        connection: &Connection,
        domain: &DomainName,
        data_dir: &DataDir,
    ) -> Resources {
        let own = connection.own_objects().filter(|_| self.objects.is_none());
        let places = Places::new();
        let objects = match own {
            Some(objects) => objects,
            None => places.open(&self.place(connection, domain, data_dir).await),
        };
        self.resources(objects, places)
    }

    /// The options of the processes of activities that run for a service.
    pub(crate) async fn args_of_process(
        &self,
        connection: &Connection,
        domain: &DomainName,
        data_dir: &DataDir,
    ) -> Vec<OsString> {
        let objects = self.place(connection, domain, data_dir).await;
        let mut args = vec![format!("--objects={objects}").into()];
        if let Some(place) = &self.metrology {
            args.push(format!("--metrology={place}").into());
        }
        if let Some(prefix) = &self.metrology_path_prefix {
            args.push(format!("--metrology-path-prefix={prefix}").into());
        }
        args
    }

    async fn place(
        &self,
        connection: &Connection,
        domain: &DomainName,
        data_dir: &DataDir,
    ) -> Place {
        match (&self.objects, connection.server(domain).await) {
            (Some(named), _) => named.clone(),
            (None, Some(endpoint)) => Place::Server {
                endpoint,
                prefix: String::new(),
            },
            (None, None) => Place::Folder(data_dir.data_dir.join(FOLDER)),
        }
    }

    /// What activities are given that keep their objects there.
    fn resources(&self, objects: Objects, places: Places) -> Resources {
        let prefix = self.metrology_path_prefix.as_deref();
        let metrology = match (&self.metrology, prefix) {
            (Some(place), prefix) => Some(places.open(place).under(prefix.unwrap_or_default())),
            (None, Some(prefix)) => Some(objects.under(prefix)),
            (None, None) => None,
        };
        let resources = Resources::new(objects)
            .binaries(binaries(places.clone()))
            .places(move |place| places.open(place));
        match metrology {
            Some(place) => resources.metrology(place),
            None => resources,
        }
    }
}

/// Binaries, in the directory that the environment names, a setting of the Python original, or else
/// in the user's own cache: nobody else may put a program there that this one runs.
pub(crate) fn binaries(places: Places) -> Binaries {
    let directory = |name: &str| {
        let value = env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let cache = || {
        let home = || directory("HOME").map(|home| home.join(".cache"));
        let cache = directory("XDG_CACHE_HOME").or_else(home);
        cache.map(|cache| cache.join("simpleflow").join("binaries"))
    };
    let directory = directory("SIMPLEFLOW_BINARIES_DIRECTORY").or_else(cache);
    // Without a home the working directory is as good as any.
    let directory = directory.unwrap_or_else(|| "simpleflow-binaries".into());
    Binaries::new(directory, move |place| places.open(place))
}
