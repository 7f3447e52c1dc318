//! The program itself, as `cargo run --example hotel_booking` starts it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use support::client;
use support::hotel::{BOOK, CHECK_IN, CLEAN};

fn program() -> Command {
    crate::example::program("hotel_booking")
}

pub(crate) fn run(args: &[&str]) -> (Output, String, String) {
    let output = program().args(args).output().unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    (output, stdout, stderr)
}

#[test]
fn the_demo_plays_the_story_and_ends() {
    let (output, story, stderr) = run(&["--demo"]);
    assert!(output.status.success(), "{story}{stderr}");
    assert_eq!(stderr, "");
    // Each line is told, in this order.
    let mut rest = &*story;
    for expected in [
        "free",
        "11  RoomBooked",
        "refused, already-booked",
        "refused, no-such-room",
        "booked, guest 1",
        "12  RoomCleaningScheduled",
        "room 1: team 2, to do",
        "refused, not-cleaned",
        "13  RoomAvailable",
        "14  RoomCleanedUp",
        "refused, already-cleaned",
        "refused, not-booked",
        "room 1: team 2, done",
        "available, guest 1",
        "refused, booked-by-another",
        "15  GuestCheckedIn",
        "refused, already-checked-in",
        "occupied, guest 1",
        "CleaningBot  ScheduleCleaning  accepted  12",
    ] {
        let at = rest.find(expected);
        let at = at.unwrap_or_else(|| panic!("no {expected:?} in its place: {story}"));
        rest = &rest[at + expected.len()..];
    }
}

#[test]
fn a_port_that_is_in_use_is_said_clearly() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (output, stdout, stderr) = run(&["--port", &port]);
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stderr.contains("in use"), "{stderr}");
    assert!(stderr.contains("--port"), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn a_store_that_is_not_there_is_answered_with_those_that_are() {
    let (output, _, stderr) = run(&["--store", "paper"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("'paper'") && stderr.contains("memory"),
        "{stderr}"
    );
}

/// The program while it listens.
pub(crate) struct Running {
    program: Child,
    stdout: BufReader<std::process::ChildStdout>,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) welcome: String,
}

impl Running {
    /// Started with these arguments and environment variables.
    pub(crate) fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut program = program()
            .args(["--port", "0"])
            .args(args)
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(program.stdout.take().unwrap());
        let mut welcome = String::new();
        while !welcome.contains("Ctrl-C") {
            assert!(stdout.read_line(&mut welcome).unwrap() > 0, "{welcome}");
        }
        let (_, rest) = welcome.split_once("http://").unwrap();
        let end = rest.find([',', ' ']).unwrap();
        Self {
            address: rest[..end].parse().unwrap(),
            program,
            stdout,
            welcome,
        }
    }

    /// Tells it to close; gives how it ended, and what it said.
    #[cfg(unix)]
    pub(crate) fn close(mut self) -> (ExitStatus, String) {
        let told = Command::new("kill")
            .args(["-TERM", &self.program.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).unwrap();
        (self.program.wait().unwrap(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only a test that failed leaves it running.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn it_says_what_to_try_and_closes_in_good_order_when_it_is_told_to() {
    let hotel = tokio::task::spawn_blocking(|| Running::start(&[], &[]));
    let hotel = hotel.await.unwrap();
    let url = format!("curl --request PUT --url http://{}/mutation", hotel.address);
    for (command, body) in [
        ("book-room", BOOK),
        ("cleanup", CLEAN),
        ("checkin", CHECK_IN),
    ] {
        assert!(
            hotel.welcome.contains(&format!("{url}/{command} ")),
            "{}",
            hotel.welcome
        );
        // What is printed is what the seed sends.
        let data: Value = serde_json::from_str(body).unwrap();
        let printed = hotel
            .welcome
            .lines()
            .filter_map(|line| line.split_once("--data '"));
        let printed = printed.filter_map(|(_, data)| data.strip_suffix('\''));
        let mut printed = printed.map(|data| serde_json::from_str::<Value>(data).unwrap());
        assert!(printed.any(|printed| printed == data), "{}", hotel.welcome);
        let answer = client::put(hotel.address, command, body, "").await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let closed = tokio::task::spawn_blocking(move || hotel.close());
    let (status, said) = closed.await.unwrap();
    assert!(status.success(), "{said}");
    assert!(
        said.contains("Closing") && said.contains("Closed"),
        "{said}"
    );
}
