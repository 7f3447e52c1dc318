//! The declarative part of the model: one folder per row at the bottom of the board, with its orange post-its.

pub mod device;
