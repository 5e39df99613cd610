//! What a command gives its activities beside their input.
//!
//! Their objects are in this order: at the place that is named; in the server in the box, if that is
//! the service; in a folder of the data directory. Their metrics are at the place that is named, or
//! else among the objects.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use simpleflow_aws::Places;
use simpleflow_core::objects::{Objects, Place};
use simpleflow_executor::{Binaries, Resources};
use simpleflow_model::DomainName;
use simpleflow_service::ServiceError;

use crate::connect::{Connection, DataDir};
use crate::output;

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

/// The same options for a command that runs activities only when it is told to.
#[derive(Clone, Debug)]
pub(crate) struct LocalResourceOptions {
    options: ResourceOptions,
    /// The first that the command line has, with its value: variables may be meant for others.
    given: Option<(&'static str, String)>,
}

impl LocalResourceOptions {
    /// The options, with their ids.
    const OPTIONS: [(&str, &'static str); 3] = [
        ("objects", "--objects"),
        ("metrology", "--metrology"),
        ("metrology_path_prefix", "--metrology-path-prefix"),
    ];

    /// The first option that is given, with its value.
    pub(crate) fn first(&self) -> Option<(&'static str, &str)> {
        let given = self.given.as_ref();
        given.map(|(option, value)| (*option, value.as_str()))
    }

    /// Those of an execution that ends with this process: without a place its objects are in memory.
    pub(crate) fn resources(&self) -> Resources {
        self.options.named_or(Objects::memory())
    }
}

impl Args for LocalResourceOptions {
    fn augment_args(command: Command) -> Command {
        ResourceOptions::augment_args(command)
            .mut_arg("objects", |objects| {
                let help = "With --local, where activities keep their objects: s3://BUCKET/PREFIX, a \
                            folder, or http://HOST:PORT/objects of the server in the box. By default \
                            in memory: they end with the command";
                objects.help(help).long_help(None)
            })
            .mut_arg("metrology", |metrology| {
                let help = "With --local, where the metrics of activities are: a bucket of S3, or any \
                            place as s3://BUCKET/PREFIX, a folder from / on, file:///FOLDER, or \
                            http://HOST:PORT/objects of the server in the box. By default under \
                            metrology/ among the objects";
                metrology.help(help).long_help(None)
            })
            .mut_arg("metrology_path_prefix", |prefix| {
                prefix.help("With --local, what the keys of metrics begin with there")
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LocalResourceOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |(id, option): (&str, &'static str)| {
            let source = matches.value_source(id);
            let value = || {
                let mut raw = matches.get_raw(id).into_iter().flatten();
                let value = raw.next().unwrap_or_default();
                value.to_string_lossy().into_owned()
            };
            (source == Some(ValueSource::CommandLine)).then(|| (option, value()))
        };
        Ok(Self {
            options: ResourceOptions::from_arg_matches(matches)?,
            given: Self::OPTIONS.into_iter().find_map(given),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ResourceOptions {
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

    /// Those of activities that run for a service. Where their objects are is decided here, once: a
    /// worker must not look for them in two places.
    ///
    /// # Errors
    /// The service does not answer, so that it is not known whether it is the server in the box.
    pub(crate) async fn on(
        &self,
        connection: &Connection,
        domain: &DomainName,
        data_dir: &DataDir,
    ) -> Result<Decided<'_>, ServiceError> {
        let place = match (&self.objects, connection.own_objects()) {
            (Some(named), _) => ObjectsAt::Place(named.clone()),
            (None, Some(own)) => ObjectsAt::Own(own),
            (None, None) => ObjectsAt::Place(match connection.server(domain).await? {
                Some(endpoint) => Place::Server {
                    endpoint,
                    prefix: String::new(),
                },
                None => Place::Folder(data_dir.data_dir.join(FOLDER)),
            }),
        };
        Ok(Decided {
            options: self,
            place,
        })
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

/// Where objects are.
enum ObjectsAt {
    /// In the service of this process.
    Own(Objects),
    /// Where other processes find them too.
    Place(Place),
}

/// The options with the place for objects that was decided on.
pub(crate) struct Decided<'a> {
    options: &'a ResourceOptions,
    place: ObjectsAt,
}

impl Decided<'_> {
    /// What activities of this process are given.
    pub(crate) fn resources(&self) -> Resources {
        let places = Places::new();
        let objects = match &self.place {
            ObjectsAt::Own(objects) => objects.clone(),
            ObjectsAt::Place(place) => places.open(place),
        };
        self.options.resources(objects, places)
    }

    /// The options of processes of activities.
    pub(crate) fn args_of_process(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        if let ObjectsAt::Place(place) = &self.place {
            args.push(format!("--objects={place}").into());
        }
        if let Some(place) = &self.options.metrology {
            args.push(format!("--metrology={place}").into());
        }
        if let Some(prefix) = &self.options.metrology_path_prefix {
            args.push(format!("--metrology-path-prefix={prefix}").into());
        }
        args
    }

    /// Says where objects are.
    pub(crate) fn announce(&self) {
        let place = match &self.place {
            ObjectsAt::Own(objects) => objects.url(),
            ObjectsAt::Place(place) => place.to_string(),
        };
        output::say(&format!("keeps objects in {place}"));
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
