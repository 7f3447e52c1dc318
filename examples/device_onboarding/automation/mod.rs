//! The gears: what happens without anybody doing it.

mod provisioner;

pub use provisioner::Provisioner;
