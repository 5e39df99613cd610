//! Domains and types: a row of each, as it is now.

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use simpleflow_engine::Registration;
use simpleflow_model::types::{DomainDetail, ListTagsForResourceOutput};
use simpleflow_model::{DomainName, TypeName, Version};

use super::checksum;
use super::reader::SqliteReader;
use crate::store::{Kept, RegionId, StoreError};

/// The tables of the types.
const WORKFLOW_TYPES: &str = "workflow_types";
const ACTIVITY_TYPES: &str = "activity_types";

/// A type is known by its domain, its name and its version.
type TypeKey<'a> = (RegionId, &'a DomainName, &'a TypeName, &'a Version);

/// Writes what a registration is from now on.
pub(super) fn put(
    connection: &Connection,
    region: RegionId,
    registration: &Registration,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match registration {
        Registration::Domain(detail, tags) => {
            let tags = ListTagsForResourceOutput {
                tags: Some(tags.clone()),
                ..Default::default()
            };
            let name = detail.domain_info.name.as_str();
            let (detail, tags) = (
                serde_json::to_string(detail)?,
                serde_json::to_string(&tags)?,
            );
            let sum = checksum(&[name, &detail, &tags]);
            connection
                .prepare_cached("INSERT OR REPLACE INTO domains VALUES (?, ?, ?, ?, ?)")?
                .execute(params![region, name, detail, tags, sum])?;
        }
        Registration::WorkflowType(domain, detail) => {
            let of = &detail.type_info.workflow_type;
            let key = (region, domain, &of.name, &of.version);
            put_type(connection, WORKFLOW_TYPES, key, detail)?;
        }
        Registration::ActivityType(domain, detail) => {
            let of = &detail.type_info.activity_type;
            let key = (region, domain, &of.name, &of.version);
            put_type(connection, ACTIVITY_TYPES, key, detail)?;
        }
        Registration::DeletedWorkflowType(domain, of) => {
            let key = (region, domain, &of.name, &of.version);
            delete_type(connection, WORKFLOW_TYPES, key)?;
        }
        Registration::DeletedActivityType(domain, of) => {
            let key = (region, domain, &of.name, &of.version);
            delete_type(connection, ACTIVITY_TYPES, key)?;
        }
    }
    Ok(())
}

fn put_type(
    connection: &Connection,
    table: &str,
    (region, domain, name, version): TypeKey<'_>,
    detail: &impl Serialize,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let detail = serde_json::to_string(detail)?;
    let sum = checksum(&[domain.as_str(), &detail]);
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?)"
        ))?
        .execute(params![
            region,
            domain.as_str(),
            name.as_str(),
            version.as_str(),
            detail,
            sum
        ])?;
    Ok(())
}

fn delete_type(
    connection: &Connection,
    table: &str,
    (region, domain, name, version): TypeKey<'_>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE region = ? AND domain = ? AND name = ? AND version = ?"
        ))?
        .execute(params![
            region,
            domain.as_str(),
            name.as_str(),
            version.as_str()
        ])?;
    Ok(())
}

/// Reads all registrations, domains before types.
pub(super) fn read(
    reader: &SqliteReader,
    each: &mut dyn FnMut(Kept) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    reader.rows(
        "SELECT region, name, detail, tags, crc32 FROM domains",
        (),
        |row| {
            let texts = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, texts, row.get(4)?))
        },
        |(region, (name, detail, tags), sum): (RegionId, (String, String, String), _)| {
            check(reader, &name, &[&name, &detail, &tags], sum)?;
            let detail: DomainDetail = reader.json(&detail)?;
            let tags: ListTagsForResourceOutput = reader.json(&tags)?;
            let tags = tags.tags.unwrap_or_default();
            each(Kept::Registration(
                region,
                Registration::Domain(detail, tags),
            ))
        },
    )?;
    read_types(reader, WORKFLOW_TYPES, Registration::WorkflowType, each)?;
    read_types(reader, ACTIVITY_TYPES, Registration::ActivityType, each)
}

fn read_types<T: DeserializeOwned>(
    reader: &SqliteReader,
    table: &str,
    registration: impl Fn(DomainName, T) -> Registration,
    each: &mut dyn FnMut(Kept) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    reader.rows(
        &format!("SELECT region, domain, detail, crc32 FROM {table}"),
        (),
        |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        |(region, domain, detail, sum): (RegionId, String, String, _)| {
            check(reader, &domain, &[&domain, &detail], sum)?;
            let registration = registration(domain.into(), reader.json(&detail)?);
            each(Kept::Registration(region, registration))
        },
    )
}

/// Holds a row against its checksum. Those of before the second step of the schema have none.
fn check(
    reader: &SqliteReader,
    name: &str,
    parts: &[&str],
    sum: Option<u32>,
) -> Result<(), StoreError> {
    match sum {
        Some(sum) if sum != checksum(parts) => {
            let what = format!("the registration of {name} is not what was written");
            Err(StoreError::damaged(&reader.dir, what))
        }
        _ => Ok(()),
    }
}
