//! The instances of a view under a prefix, in pages. None is missing, even while processes write them.
//!
//! The [`Index`] has the keys. The list asks for each value, or, if they are many, reads them by a consumer. A value
//! replaced before the consumer reaches it comes again further back, and the server may report the end before that. So
//! the list then asks for what is missing.

use std::collections::HashMap;
use std::sync::Arc;

use eventmodel::store::{AnyInstance, ViewPage};
use eventmodel::{StoreError, ViewError};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::build::{Build, prefix_key};
use super::index::Index;
use super::values::Values;

/// From here on a consumer costs less than single requests. Each list creates one, on three replicas in all of them,
/// and it stays for a while.
const MANY: usize = 1_000;

/// How many requests to send at the same time.
const IN_FLIGHT: usize = 256;

/// At most `limit` instances, from the first one on whose key comes after `after`.
pub(super) async fn page(
    build: &Arc<Build>,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<ViewPage, ViewError> {
    let (keys, mut has_more) = Index::page(build, prefix, after, limit).await?;
    if keys.is_empty() {
        build.bucket.verify().await?;
    }
    let prefix = prefix_key(prefix);
    let mut found = HashMap::new();
    // Only a consumer continues a read under a prefix.
    let is_read = build.bucket.connection.creates_consumers || prefix.is_empty();
    if keys.len() >= MANY && is_read && after.is_none() && !has_more {
        read(build, &prefix, &mut found).await?;
    }
    let missing = keys.iter().filter(|key| !found.contains_key(*key));
    let asked: Vec<_> = missing.map(|key| instance(build, key)).collect();
    let asked: Vec<_> = stream::iter(asked)
        .buffer_unordered(IN_FLIGHT)
        .try_collect()
        .await?;
    let mut entries: Vec<AnyInstance> = found.into_values().chain(asked).collect();
    entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    // A read may find what was not there when the keys were listed.
    has_more |= entries.len() > limit;
    entries.truncate(limit);
    Ok(ViewPage::new(entries, has_more))
}

/// An instance that is there.
async fn instance(build: &Build, key: &str) -> Result<AnyInstance, StoreError> {
    let mut found = build.query(key).await?;
    if found.is_none() {
        // A new leader had not applied everything yet. The query has waited for that.
        found = build.query(key).await?;
    }
    found.ok_or_else(|| StoreError::Unavailable {
        reason: format!(
            "the leader of the bucket `{}` does not have the key `{key}` yet",
            build.bucket.name
        ),
    })
}

/// Reads the existing instances.
async fn read(
    build: &Build,
    prefix: &str,
    found: &mut HashMap<Arc<str>, AnyInstance>,
) -> Result<(), ViewError> {
    let end = build.bucket.end_of(prefix).await?;
    let mut values = Values::new(&build.bucket, prefix, None);
    let mut pending = end;
    while values.sequence() < end || pending > 0 {
        let (value, behind) = values.next_soon(&build.bucket).await?;
        pending = behind;
        if let Some((_, entry)) = build.instance_of(&value).await? {
            found.insert(entry.key.clone(), entry);
        }
    }
    Ok(())
}
