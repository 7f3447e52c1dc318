//! Many devices at once, from a file, and twice.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use device_onboarding::adapter::http::router;
use device_onboarding::bulk::generate::{Fleet, generate};
use device_onboarding::bulk::{
    Ended, Format, Input, Outcome, Server, Summary, Target, Watch, onboard,
};
use device_onboarding::command::ValidateDevice;
use device_onboarding::model::device::{DeviceId, FirmwareVersion};
use eventmodel::{App, Position};
use support::served::Served;
use tokio_util::sync::CancellationToken;

use super::{app, fleet, open};

/// What was said of the lines that need a look, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) lines: BTreeMap<u64, Outcome>,
    pub(super) notes: Vec<String>,
    seen: u64,
    stop_after: Option<(u64, CancellationToken)>,
}

impl Watch for Told {
    fn line(&mut self, _: &str, number: u64, outcome: &Outcome, _: u64) {
        self.seen += 1;
        if let Outcome::Refused(_) | Outcome::Wrong(_) = outcome {
            assert_eq!(self.lines.insert(number, outcome.clone()), None);
        }
        match &self.stop_after {
            Some((lines, stop)) if self.seen == *lines => stop.cancel(),
            _ => {}
        }
    }

    fn note(&mut self, _: &str, note: &str) {
        self.notes.push(note.to_owned());
    }
}

const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).unwrap();

pub(super) fn input(format: Format, file: impl Into<Vec<u8>>) -> Input {
    Input::reader("file", format, Cursor::new(file.into()))
}

async fn run(target: &Target, input: Input, told: &mut Told) -> (Result<(), Ended>, Summary) {
    let stop = told
        .stop_after
        .as_ref()
        .map(|(_, stop)| stop.clone())
        .unwrap_or_default();
    let mut summary = Summary::default();
    let ended = onboard(input, target, CONCURRENCY, &stop, &mut summary, told).await;
    (ended, summary)
}

/// Runs a file to its end.
pub(super) async fn whole(target: &Target, input: Input) -> (Summary, Told) {
    let mut told = Told::default();
    let (ended, summary) = run(target, input, &mut told).await;
    ended.unwrap();
    (summary, told)
}

fn file(format: Format) -> Vec<u8> {
    let mut file = Vec::new();
    let devices = Fleet {
        devices: 1000,
        wrong: 7,
        outdated: 3,
        seed: 1,
    };
    generate(&devices, format, &mut file).unwrap();
    file
}

async fn end_of_log(app: &App) -> Position {
    app.settled().await.unwrap();
    app.store().last_position(&"devices".into()).await.unwrap()
}

async fn a_file_is_run_twice(target: &Target, app: &App, format: Format) {
    let expected = Summary {
        lines: 1000,
        onboarded: 990,
        already_there: 0,
        refused: 3,
        wrong: 7,
    };
    let (summary, first) = whole(target, input(format, file(format))).await;
    assert_eq!(summary, expected);
    let wrong: Vec<u64> = (first.lines.iter())
        .filter(|(_, outcome)| matches!(outcome, Outcome::Wrong(_)))
        .map(|(number, _)| *number)
        .collect();
    // CSV has a line more, that with the names of the columns.
    let header = u64::from(format == Format::Csv);
    assert_eq!(
        wrong,
        [143, 286, 429, 572, 715, 858, 1000].map(|line| line + header)
    );
    let onboarded = fleet(app).await;
    assert_eq!(
        (onboarded.total, onboarded.provisioned, onboarded.refused),
        (993, 990, 3)
    );
    let end = end_of_log(app).await;
    assert_eq!(end.get(), 990 * 3 + 3 * 2);

    let (summary, second) = whole(target, input(format, file(format))).await;
    assert_eq!(
        summary,
        Summary {
            onboarded: 0,
            already_there: 990,
            ..expected
        }
    );
    assert_eq!(second.lines, first.lines);
    assert_eq!(fleet(app).await, onboarded);
    assert_eq!(end_of_log(app).await, end);
}

#[tokio::test]
async fn a_csv_file_that_is_run_twice_into_a_server_has_its_effect_once() {
    let served = open().await;
    let server = Target::Server(Server::new(&served.url()).unwrap());
    a_file_is_run_twice(&server, &served.app, Format::Csv).await;
    drop(server);
    served.close().await;
}

#[tokio::test]
async fn an_ndjson_file_that_is_run_twice_into_an_app_has_its_effect_once() {
    let app = app().await;
    a_file_is_run_twice(&Target::App(app.clone()), &app, Format::Ndjson).await;
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_same_is_said_of_a_line_by_an_app_and_by_a_server() {
    let served = open().await;
    let server = Target::Server(Server::new(&served.url()).unwrap());
    let app = app().await;
    let lines = "\
deviceId,firmware,mac\na.b,x,y\nsensor-1,2.0.0,\nsensor-1,2.0.1,\nsensor-1,2.0.0,\nold,1.0.0,\n";
    let by_server = whole(&server, input(Format::Csv, lines)).await;
    let by_app = whole(&Target::App(app.clone()), input(Format::Csv, lines)).await;
    assert_eq!(by_server.0, by_app.0);
    assert_eq!(by_server.1.lines, by_app.1.lines);
    let said = |line| by_app.1.lines[&line].to_string();
    assert!(
        said(2).contains("deviceId: must be") && said(2).contains("firmware: must be"),
        "{}",
        said(2)
    );
    assert!(
        said(4).contains("registered before, with other data"),
        "{}",
        said(4)
    );
    assert!(said(6).contains("older than 2.0.0"), "{}", said(6));
    assert_eq!(
        by_app.0,
        Summary {
            lines: 5,
            onboarded: 1,
            already_there: 1,
            refused: 1,
            wrong: 2
        }
    );
    drop(server);
    served.close().await;
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_device_that_stands_on_many_lines_is_onboarded_once() {
    let served = open().await;
    let server = Target::Server(Server::new(&served.url()).unwrap());
    let lines = format!("deviceId,firmware\n{}", "sensor-1,2.0.0\n".repeat(500));
    let (summary, _) = whole(&server, input(Format::Csv, lines)).await;
    assert_eq!(
        (summary.onboarded, summary.already_there, summary.wrong),
        (1, 499, 0)
    );
    assert_eq!(end_of_log(&served.app).await.get(), 3);
    drop(server);
    served.close().await;
}

#[tokio::test]
async fn a_run_that_was_stopped_is_resumed_by_running_it_again() {
    let app = app().await;
    let target = Target::App(app.clone());
    let mut told = Told {
        stop_after: Some((300, CancellationToken::new())),
        ..Told::default()
    };
    let (ended, first) = run(&target, input(Format::Csv, file(Format::Csv)), &mut told).await;
    assert!(matches!(ended, Err(Ended::Stopped)), "{ended:?}");
    // What was under way was finished and reported, and nothing was begun any more.
    assert!(
        (300..300 + CONCURRENCY.get() as u64).contains(&first.lines),
        "{first:?}"
    );
    assert_eq!(fleet(&app).await.total, first.onboarded + first.refused);

    let (second, _) = whole(&target, input(Format::Csv, file(Format::Csv))).await;
    assert_eq!(second.already_there, first.onboarded);
    assert_eq!(second.onboarded, 990 - first.onboarded);
    assert_eq!(fleet(&app).await.total, 993);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_server_that_loses_answers_is_asked_again_and_does_nothing_twice() {
    let app = app().await;
    let requests = Arc::new(AtomicU64::new(0));
    // Now and then a request is not taken, and now and then the answer is lost after it was done: so rarely that
    // none meets it eight times.
    let flaky = from_fn(move |request: Request, next: Next| {
        let number = requests.fetch_add(1, Ordering::Relaxed);
        async move {
            let lost = || (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "0")]).into_response();
            match number % 37 {
                5 => lost(),
                20 => {
                    next.run(request).await;
                    lost()
                }
                _ => next.run(request).await,
            }
        }
    });
    let served = Served::open(app.clone(), router(app.clone()).layer(flaky)).await;
    let server = Target::Server(Server::new(&served.url()).unwrap());
    let (summary, _) = whole(&server, input(Format::Ndjson, file(Format::Ndjson))).await;
    assert_eq!(
        (summary.lines, summary.refused, summary.wrong),
        (1000, 3, 7)
    );
    assert_eq!(fleet(&app).await.provisioned, 990);
    assert_eq!(end_of_log(&app).await.get(), 990 * 3 + 3 * 2);
    drop(server);
    served.close().await;
}

#[tokio::test]
async fn what_someone_else_has_done_with_a_device_meanwhile_is_left_as_it_is() {
    let app = app().await;
    let target = Target::App(app.clone());
    let lines = "deviceId,firmware\nsensor-1,1.0.0\n";
    let (summary, _) = whole(&target, input(Format::Csv, lines)).await;
    assert_eq!(summary.refused, 1);
    let updated = ValidateDevice {
        device_id: DeviceId::new("sensor-1"),
        firmware: Some(FirmwareVersion::new("2.0.0")),
    };
    let _ = app.execute(updated).await.unwrap();
    let (summary, _) = whole(&target, input(Format::Csv, lines)).await;
    // The file still says what it found when it was run first; the device stays where it is.
    assert_eq!(summary.refused, 1);
    assert_eq!(fleet(&app).await.provisioned, 1);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_no_device_server_is_said_before_anything_is_sent() {
    for url in [
        "",
        "nonsense",
        "https://127.0.0.1:1",
        "http://",
        "ftp://x",
        "http://a:b@x",
        "http://x/?a=b",
    ] {
        assert!(Server::new(url).is_err(), "{url}");
    }
    let other = axum::Router::new().fallback(|| async { "hello" });
    let served = Served::open(app().await, other).await;
    let server = Server::new(&served.url()).unwrap();
    let error = server.check().await.unwrap_err().to_string();
    assert!(error.contains("not that of a device server"), "{error}");
    served.close().await;
    let error = server.check().await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}
