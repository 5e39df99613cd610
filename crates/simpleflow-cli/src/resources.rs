//! What a command gives its activities beside their input.
//!
//! Their objects are in this order: at the place that is named; in the server in the box, if that is
//! the service; in a folder of the data directory.

use std::env;
use std::path::PathBuf;

use clap::Args;
use simpleflow_aws::Places;
use simpleflow_core::objects::{Objects, Place};
use simpleflow_executor::{Binaries, Resources};
use simpleflow_model::DomainName;

use crate::connect::{Connection, DataDir};

/// The folder in the data directory.
const FOLDER: &str = "objects";

/// Where activities keep their objects: options of commands that run some.
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
}

impl ResourceOptions {
    /// Those of an execution that ends with this process: without a place its objects are in memory.
    pub(crate) fn local(&self) -> Resources {
        let places = Places::new();
        let objects = match &self.objects {
            Some(place) => places.open(place),
            None => Objects::memory(),
        };
        resources(objects, places)
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
        resources(objects, places)
    }

    /// The place for processes of activities that run for a service.
    pub(crate) async fn place(
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
}

/// What activities are given that keep their objects there.
pub(crate) fn resources(objects: Objects, places: Places) -> Resources {
    let binaries = binaries(places.clone());
    let resources = Resources::new(objects).binaries(binaries);
    resources.places(move |place| places.open(place))
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
