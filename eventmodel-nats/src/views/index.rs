//! The keys of a bucket in the order of their texts, so that a page costs what is on it.
//!
//! No key of a bucket ever goes away, and every process that hosts a view is given every event of its logs, whichever
//! process writes it. So all keys up to the position of the view in this process are those that the leader has named
//! once, and those of the events that were applied since. Nothing needs to be watched, and a lost connection loses none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use eventmodel::StoreError;
use eventmodel::store::under;
use tokio::sync::OnceCell;

use super::build::Build;
use super::key;
use crate::sync::locked;

/// A process that never lists the view keeps nothing.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// None before somebody asks for the first page.
    #[expect(
        clippy::zero_sized_map_values,
        reason = "`under` takes the maps of hosts"
    )]
    keys: Mutex<Option<BTreeMap<Arc<str>, ()>>>,
    /// Whether the leader has named what was there before.
    whole: OnceCell<()>,
}

impl Index {
    /// Notes keys whose values are in the bucket, up to a sequence that the bucket knows to have been seen: who begins
    /// to list later is named them.
    pub(super) fn add<'a>(&self, stored: impl IntoIterator<Item = &'a Arc<str>>) {
        if let Some(keys) = &mut *locked(&self.keys) {
            for key in stored {
                if !keys.contains_key(key) {
                    keys.insert(key.clone(), ());
                }
            }
        }
    }

    /// At most `limit` keys under a prefix, from the first one on that comes after `after`, and whether there are more.
    ///
    /// # Errors
    /// [`StoreError`] if the leader cannot name them.
    pub(super) async fn page(
        build: &Arc<Build>,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Arc<str>>, bool), StoreError> {
        if !build.index.whole.initialized() {
            // In a task of its own: it goes on for the next one if this one does not wait for so long.
            let build = build.clone();
            let listed = tokio::spawn(async move {
                let whole = &build.index.whole;
                whole.get_or_try_init(|| build.index.list(&build)).await?;
                Ok(())
            });
            listed.await.map_err(StoreError::failed).flatten()?;
        }
        let keys = locked(&build.index.keys);
        let keys = keys.as_ref().into_iter();
        let mut rest = keys.flat_map(|keys| under(keys, prefix, after));
        let page = rest.by_ref().take(limit).map(|(key, ())| key.clone());
        Ok((page.collect(), rest.next().is_some()))
    }

    async fn list(&self, build: &Build) -> Result<(), StoreError> {
        // First: what is stored from now on is noted, what was stored before is named.
        locked(&self.keys).get_or_insert_default();
        let named = build.bucket.keys(|names| {
            let texts = names.filter_map(key::decode).map(Arc::from);
            let texts: Vec<Arc<str>> = texts.collect();
            self.add(&texts);
        });
        named.await
    }
}
