//! What the engine costs, without a network and without a disk: `cargo bench -p eventmodel`.
//!
//! A sample is a batch of operations on an app or a store of its own, which is made and dropped outside of the
//! measurement; the throughput is operations per second.

mod bank;
mod body;
mod count;
mod emit;
mod execute;
mod fold;
mod subject;
mod view;

fn main() {
    match count::asked() {
        Some((operation, number)) => count::run(&operation, number),
        None => divan::main(),
    }
}
