//! The gear: what happens without anybody doing it.

mod cleaning_bot;

pub use cleaning_bot::CleaningBot;
