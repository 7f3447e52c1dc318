//! The program: `cargo run --example device_onboarding`, and it says what to try.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    device_onboarding::adapter::cli::run().await
}
