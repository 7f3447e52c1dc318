//! Where the hotel keeps its books.

use std::str::FromStr;

use eventmodel::{App, EventModel, MemoryStore, StartError};
use eventmodel_nats::{ConnectError, NatsStore};

/// A store that can be chosen on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// In the memory of this process: all is gone when it ends.
    Memory,
    /// In NATS JetStream, at these addresses, separated by commas.
    Nats(String),
}

/// What addresses of NATS servers start with.
const SCHEMES: [&str; 2] = ["nats://", "tls://"];

/// A text that names no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no such store; there are: memory, and NATS servers as nats://localhost:4222 or nats://a:4222,nats://b:4222"
)]
pub(crate) struct UnknownStore;

impl FromStr for StoreChoice {
    type Err = UnknownStore;

    fn from_str(text: &str) -> Result<Self, UnknownStore> {
        let is_nats = |server: &str| SCHEMES.iter().any(|scheme| server.starts_with(scheme));
        match text {
            "memory" => Ok(Self::Memory),
            servers if servers.split(',').map(str::trim).all(is_nats) => {
                let servers: Vec<_> = servers.split(',').map(str::trim).collect();
                Ok(Self::Nats(servers.join(",")))
            }
            _ => Err(UnknownStore),
        }
    }
}

/// Why the books cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("--replicas is for books in NATS: say --store nats://localhost:4222 too")]
    NothingToReplicate,
}

/// A model that runs.
pub(crate) struct Opened {
    pub(crate) app: App,
    /// Where its books are, unless they are in memory.
    pub(crate) nats: Option<NatsStore>,
}

impl StoreChoice {
    /// Runs the model on this store, with so many copies of each log if it has copies.
    pub(crate) async fn start(
        &self,
        model: EventModel,
        replicas: Option<u8>,
    ) -> Result<Opened, StoreError> {
        let servers = match (self, replicas) {
            (Self::Memory, Some(_)) => return Err(StoreError::NothingToReplicate),
            (Self::Memory, None) => {
                let app = model.start(MemoryStore::new()).await?;
                return Ok(Opened { app, nats: None });
            }
            (Self::Nats(servers), _) => servers,
        };
        let mut store = NatsStore::builder();
        if let Some(replicas) = replicas {
            store = store.replicas(replicas.into());
        }
        let store = store.connect(servers).await?;
        let app = model.start(store.clone()).await?;
        let nats = Some(store);
        Ok(Opened { app, nats })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_memory_or_servers() {
        let nats = |text: &str| match text.parse() {
            Ok(StoreChoice::Nats(servers)) => Some(servers),
            _ => None,
        };
        assert_eq!("memory".parse(), Ok(StoreChoice::Memory));
        assert_eq!(nats("nats://a").unwrap(), "nats://a");
        let two = "nats://a:1, tls://b:2";
        assert_eq!(nats(two).unwrap(), "nats://a:1,tls://b:2");
        for text in ["", "paper", "a:4222", "http://a", "nats://a,", "nats://a,b"] {
            assert_eq!(text.parse::<StoreChoice>(), Err(UnknownStore), "{text}");
        }
    }
}
