//! The lanes on top of the board: how people reach the hotel, and how it is started.

pub(crate) mod cli;
pub(crate) mod demo;
pub(crate) mod http;
pub(crate) mod narrator;
pub(crate) mod store;
pub(crate) mod welcome;
