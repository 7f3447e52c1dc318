//! The documents of this folder, and the README of the workspace. Their code is compiled and run as documentation tests;
//! the program of the tutorial is an example of this crate, and `tests` compares it with the text.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("testing.md")]
mod testing {}

#[cfg(doctest)]
#[doc = include_str!("errors.md")]
mod errors {}

#[cfg(doctest)]
#[doc = include_str!("words.md")]
mod words {}

#[cfg(doctest)]
#[doc = include_str!("jetstream.md")]
mod jetstream {}
