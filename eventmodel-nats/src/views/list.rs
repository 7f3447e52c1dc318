//! The instances of a view under a prefix: none that was there is missing, also while they are written.
//!
//! The leader says which keys there are, and each is asked for, or, where they are many, a consumer reads what is there.
//! What is replaced before the consumer gets to it comes again further back, and the server may say that nothing is
//! behind before it does. So what is missing then is asked for, too.

use std::collections::HashMap;
use std::sync::Arc;

use eventmodel::view::{ErasedEntry, ViewError};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::build::{Build, prefix_key};
use super::key;
use super::values::Values;

/// From here on a consumer costs less than questions do. It is made anew for each list, on three replicas in all of
/// them, and stays for a while.
const MANY: usize = 1_000;

/// How many questions are asked at the same time.
const IN_FLIGHT: usize = 256;

pub(super) async fn list(build: &Build, prefix: &str) -> Result<Vec<ErasedEntry>, ViewError> {
    let prefix = prefix_key(prefix);
    let keys = build.bucket.keys(&prefix).await?;
    if keys.is_empty() {
        build.bucket.verify().await?;
    }
    let mut found = HashMap::new();
    // Pages under a prefix would go on to what is behind it.
    let is_read = build.bucket.connection.creates_consumers || prefix.is_empty();
    if keys.len() >= MANY && is_read {
        read(build, &prefix, &mut found).await?;
    }
    let keys = keys.iter().filter_map(|key| key::decode(key));
    let missing: Vec<String> = keys.filter(|key| !found.contains_key(&**key)).collect();
    let asked: Vec<_> = missing.iter().map(|key| build.ask(key)).collect();
    let asked: Vec<_> = stream::iter(asked)
        .buffer_unordered(IN_FLIGHT)
        .try_collect()
        .await?;
    let asked = asked.into_iter().flatten();
    let mut entries: Vec<ErasedEntry> = found.into_values().chain(asked).collect();
    entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(entries)
}

/// Reads what is there.
async fn read(
    build: &Build,
    prefix: &str,
    found: &mut HashMap<Arc<str>, ErasedEntry>,
) -> Result<(), ViewError> {
    let end = build.bucket.end_of(prefix).await?;
    let mut values = Values::new(&build.bucket, prefix, None);
    let mut pending = end;
    while values.sequence() < end || pending > 0 {
        let (value, behind) = values.next_soon(&build.bucket).await?;
        pending = behind;
        if let Some((_, entry)) = build.told(&value).await? {
            found.insert(entry.key.clone(), entry);
        }
    }
    Ok(())
}
