//! The tests of the whole workspace, in one binary: it links once.

mod automations;
mod bank;
mod engine;
mod memory;
mod models;
mod testing;
mod ui;
mod views;
