//! The store in memory does what every store must do.

use eventmodel::MemoryStore;
use eventmodel::testing::store_contract;

store_contract!(memory, || async { MemoryStore::new() });
