//! What the documents say is what the code says.

mod architecture;
mod documents;
mod errors;
mod links;
mod tutorial;
