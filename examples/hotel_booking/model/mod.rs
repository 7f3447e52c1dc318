//! What is shared by all slices: the streams and their events, one folder per row at the bottom of the board, and
//! the words they are made of.

pub mod admin;
pub mod booking;
pub mod cleanup;
pub mod night;

mod client;
mod room;
mod team;

pub use client::Client;
pub use room::Room;
pub use team::Team;
