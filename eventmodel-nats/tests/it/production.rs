//! What docs/jetstream.md says about running it: the configuration of the servers, and what each role of an account
//! must be allowed to do.

mod configuration;
mod exceeding;
mod roles;
