//! What only operators may see and do.

use serde::Serialize;

mod audit;
mod events;
mod parked;
mod refused;

pub(crate) use audit::audit;
pub(crate) use events::events;
pub(crate) use parked::{parked, retry};
pub(crate) use refused::refused;

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}
