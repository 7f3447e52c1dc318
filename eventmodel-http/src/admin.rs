//! What only operators may see and do.

use serde::Serialize;

mod audit;
mod events;
mod parked;

pub(crate) use audit::audit;
pub(crate) use events::events;
pub(crate) use parked::{parked, retry};

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}
