//! What a command gives its activities beside their input.
//!
//! Their objects are in this order: at the place that is named; in the server in the box, if that is
//! the service; in a folder of the data directory.

use clap::Args;
use simpleflow_aws::Places;
use simpleflow_core::objects::{Objects, Place};
use simpleflow_executor::Resources;
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
        let objects = self.objects.as_ref();
        Resources::new(objects.map_or_else(Objects::memory, |place| Places::new().open(place)))
    }

    /// Those of activities that run for a service.
    pub(crate) async fn on(
        &self,
        connection: &Connection,
        domain: &DomainName,
        data_dir: &DataDir,
    ) -> Resources {
        let own = connection.own_objects().filter(|_| self.objects.is_none());
        Resources::new(match own {
            Some(objects) => objects,
            None => Places::new().open(&self.place(connection, domain, data_dir).await),
        })
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
