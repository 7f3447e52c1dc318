//! What every store must do, on one server and on three.

use eventmodel::testing::store_contract;

use super::{replicated_store, store};

store_contract!(on_one_server, store);
store_contract!(on_three_servers, replicated_store);
