//! Models on a store with the faults of a network: under many seeds, every guarantee must hold.

mod directed;
mod savings;
mod scripted;
mod store;

use eventmodel::MemoryStore;
use eventmodel_testing::{Faults, FaultyStore, hosts_contract, store_contract};

// Without faults, and with delays alone, it is a store like any other.
store_contract!(quiet, || async {
    FaultyStore::new(MemoryStore::new(), Faults::none())
});
store_contract!(slow, || async {
    FaultyStore::new(MemoryStore::new(), Faults::none().delays(0.3))
});
hosts_contract!(quiet_hosts, || async {
    FaultyStore::new(MemoryStore::new(), Faults::none())
});
