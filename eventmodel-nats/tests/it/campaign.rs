//! Clusters of three under load, while they are broken. `CAMPAIGN_ROUNDS` says how often (`cargo xtask campaign`), `SEED`
//! with what to begin.

mod automations;
mod views;
