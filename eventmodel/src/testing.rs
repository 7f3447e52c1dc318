//! What a user tests a model with, and a store.
