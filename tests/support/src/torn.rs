//! A store that cannot read what is at one position.

use std::sync::Arc;

use async_trait::async_trait;
use eventmodel::record::{DecodeError, DecodeReason};
use eventmodel::store::{Item, Load, Loaded, Read};
use eventmodel::{MemoryStore, Position, Store, StoreError};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

use crate::layer::{Around, Layer};

#[derive(Clone, Debug)]
struct Torn(MemoryStore, Position);

/// The store, in which what is at this position cannot be read.
pub fn torn(store: MemoryStore, at: Position) -> impl Store {
    Layer(Arc::new(Torn(store, at)))
}

impl Torn {
    fn tear(&self, item: Item) -> Item {
        if item.position() != self.1 {
            return item;
        }
        let subject = item.subject().clone();
        let torn = DecodeError::new(self.1, subject, "?", DecodeReason::UnknownType);
        Item::Unreadable(Arc::new(torn))
    }
}

#[async_trait]
impl Around for Torn {
    fn inner(&self) -> &MemoryStore {
        &self.0
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let mut loaded = self.0.load(load).await?;
        loaded.items = loaded.items.into_iter().map(|i| self.tear(i)).collect();
        Ok(loaded)
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        let torn = self.clone();
        let items = self.0.read(read);
        items.map_ok(move |item| torn.tear(item)).boxed()
    }
}
