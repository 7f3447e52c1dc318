//! The store in memory does what every store must do.

use eventmodel::MemoryStore;
use eventmodel_testing::{hosts_contract, store_contract};

store_contract!(store, || async { MemoryStore::new() });
hosts_contract!(hosts, || async { MemoryStore::new() });
