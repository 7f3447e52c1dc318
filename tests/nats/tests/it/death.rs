use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use eventmodel_nats_harness::Server;
use support::until;

/// Set in the process that is to die.
const VICTIM: &str = "EVENTMODEL_NATS_HARNESS_VICTIM";

/// Not a test of its own: the process that [`nothing_is_left_of_a_process_that_is_killed`] starts and kills.
#[tokio::test]
async fn the_victim_waits_to_be_killed() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let (running, paused) = (Server::start().await, Server::start().await);
    let (running, paused) = (running.unwrap(), paused.unwrap());
    paused.pause().unwrap();
    for server in [&running, &paused] {
        eprintln!("{} {}", server.address(), server.directory().display());
    }
    eprintln!("ready");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_process_that_is_killed() {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "death::the_victim_waits_to_be_killed",
            "--nocapture",
        ])
        .env(VICTIM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = victim.stderr.take().unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"ready\n") {
        let mut byte = [0];
        assert_eq!(
            output.read(&mut byte).unwrap(),
            1,
            "the victim died by itself"
        );
        said.push(byte[0]);
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    let said = String::from_utf8(said).unwrap();
    let servers: Vec<(&str, &str)> = said
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    assert_eq!(servers.len(), 2, "{said}");
    for (address, directory) in servers {
        until("no server is left", async || {
            TcpStream::connect(address).is_err() && !Path::new(directory).exists()
        })
        .await;
    }
}
