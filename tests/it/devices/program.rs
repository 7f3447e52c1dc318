//! The program itself, as `cargo run --example device_onboarding` starts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use serde_json::json;
use support::client;

use crate::example::program;

fn run(args: &[&str], stdin: &[u8]) -> (Output, String, String) {
    let mut program = program("device_onboarding");
    let program = program.args(args).stdin(Stdio::piped());
    let mut running = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input: ChildStdin = running.stdin.take().unwrap();
    // A program that needs no input may have ended before it could be given any.
    let _ = input.write_all(stdin);
    drop(input);
    let output = running.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output, stdout, stderr)
}

#[test]
fn the_demo_plays_the_story_and_ends() {
    let (output, story, stderr) = run(&["--demo"], b"");
    assert!(output.status.success(), "{story}{stderr}");
    assert_eq!(stderr, "");
    assert!(story.contains("1 device: 1 decommissioned"), "{story}");
}

#[test]
fn what_is_generated_is_onboarded_and_the_status_tells_of_wrong_lines() {
    let args = ["generate", "--devices", "100", "--format", "ndjson"];
    let (output, file, _) = run(&args, b"");
    assert!(output.status.success());
    assert_eq!(file.lines().count(), 100);
    let onboard = ["onboard", "-", "--format", "ndjson"];
    let (output, said, stderr) = run(&onboard, file.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{said}{stderr}");
    assert!(
        said.contains("100 onboarded, 0 already there, 0 refused, 0 wrong"),
        "{said}"
    );
    assert!(said.contains("100 devices: 100 provisioned"), "{said}");

    let (output, said, stderr) = run(&onboard, format!("{file}nonsense\n{file}").as_bytes());
    assert_eq!(output.status.code(), Some(3), "{said}{stderr}");
    assert!(
        said.contains("100 onboarded, 100 already there, 0 refused, 1 wrong"),
        "{said}"
    );
    assert!(
        stderr.contains("stdin:101: wrong: not the JSON of a device"),
        "{stderr}"
    );
}

#[test]
fn what_cannot_be_done_is_said_clearly() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (args, status, expected) in [
        (&["--port", &port][..], 1, "in use"),
        (
            &["onboard", "there-is-none.csv"],
            1,
            "there-is-none.csv: cannot read",
        ),
        (&["onboard", "-"], 1, "--format"),
        (
            &["onboard", "a.csv", "--url", "nonsense"],
            1,
            "not the address of a server",
        ),
        (&["onboard"], 2, "<FILE>"),
        (
            &["generate", "--devices", "1", "--wrong", "2"],
            1,
            "more than 1 devices",
        ),
        (&["nonsense"], 2, "unrecognized subcommand"),
    ] {
        let (output, stdout, stderr) = run(args, b"");
        assert_eq!(
            output.status.code(),
            Some(status),
            "{args:?}: {stdout}{stderr}"
        );
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

/// The program while it listens.
struct Running {
    program: Child,
    stdout: BufReader<std::process::ChildStdout>,
    url: String,
    welcome: String,
}

impl Running {
    fn start() -> Self {
        let mut program = program("device_onboarding");
        let mut program = program
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(program.stdout.take().unwrap());
        let mut welcome = String::new();
        while !welcome.contains("Ctrl-C") {
            assert!(stdout.read_line(&mut welcome).unwrap() > 0, "{welcome}");
        }
        let url = welcome[welcome.find("http://").unwrap()..]
            .split(". ")
            .next()
            .unwrap();
        Self {
            url: url.to_owned(),
            program,
            stdout,
            welcome,
        }
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
async fn what_it_says_to_try_works_in_the_order_it_says() {
    let mut fleet = tokio::task::spawn_blocking(Running::start).await.unwrap();
    let address = fleet.url.strip_prefix("http://").unwrap().parse().unwrap();
    let printed: Vec<&str> = fleet
        .welcome
        .lines()
        .filter(|line| line.starts_with("curl "))
        .collect();
    let mut sent = 0;
    for line in &printed {
        let (_, path) = line.split_once(&fleet.url).unwrap();
        let path = path.split(' ').next().unwrap();
        let method = if line.contains("--request PUT") {
            "PUT"
        } else {
            "POST"
        };
        if let Some((_, body)) = line.split_once("--data '") {
            let body = body.strip_suffix('\'').unwrap();
            let answer = client::request(address, method, path, body, "").await;
            assert_eq!(answer.status, 201, "{line}: {answer:?}");
            sent += 1;
        } else if !line.contains("event-stream") {
            // The bot reacts after it was told: what depends on it is asked again until it has.
            let mut answer = client::get(address, path).await;
            while path == "/devices/sensor-1" && answer.body["hub"].is_null() {
                tokio::task::yield_now().await;
                answer = client::get(address, path).await;
            }
            assert_eq!(answer.status, 200, "{line}: {answer:?}");
        }
    }
    assert_eq!(sent, 4);

    let url = fleet.url.clone();
    let onboarded = tokio::task::spawn_blocking(move || {
        let file = b"deviceId,firmware\nsensor-2,2.0.0\n";
        let args = ["onboard", "-", "--format", "csv", "--url", &url];
        (run(&args, file), run(&args, file))
    });
    let ((first, ..), (second, said, _)) = onboarded.await.unwrap();
    assert!(first.status.success() && second.status.success());
    assert!(said.contains("0 onboarded, 1 already there"), "{said}");
    assert_eq!(client::get(address, "/fleet").await.body["total"], json!(2));

    let pid = fleet.program.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let stopped = tokio::task::spawn_blocking(move || {
        let mut rest = String::new();
        fleet.stdout.read_to_string(&mut rest).unwrap();
        (fleet.program.wait().unwrap(), rest)
    });
    let (status, said) = stopped.await.unwrap();
    assert!(status.success(), "{said}");
    assert!(
        said.contains("Stopping") && said.contains("Stopped"),
        "{said}"
    );
}
