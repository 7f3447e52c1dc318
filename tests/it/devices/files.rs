//! Files as they come: by spreadsheets, by scripts, by accident.

use device_onboarding::bulk::{
    Ended, Format, Input, InputProblem, MAX_LINE, Outcome, Summary, Target, WrongLine, onboard,
};
use tokio_util::sync::CancellationToken;

use super::app;
use super::bulk::{Told, input, whole};

#[tokio::test]
async fn a_spreadsheet_of_another_system_is_understood_line_by_line() {
    let app = app().await;
    let mut file = b"\xEF\xBB\xBFRoom;,Device ID,\"firmware\",serial,mac\r\n".to_vec();
    file.extend(b"cellar,sensor-1,2.0.0,SN-0001,00:1b:44:11:3a:b7\r\n");
    file.extend(b"\r\n   \r\n");
    file.extend(b"\"a, b\",\"sensor-2\", 2.1.0 ,,\r\n"); // 5
    file.extend(b"attic,sensor-3,2.0.0\r\n"); // 6: missing columns
    file.extend(b"attic,sensor-4,2.0.0,,,\r\n"); // 7: one too many
    file.extend(b"caf\xE9,sensor-5,2.0.0,,\r\n"); // 8: not UTF-8
    file.extend(b"\"attic,sensor-6,2.0.0,,\r\n"); // 9: a quote that is not closed
    file.extend(b"attic,sensor-7,2.0.0,,\r\n"); // 10
    file.extend(vec![b'x'; 50 * MAX_LINE]); // 11: huge
    file.extend(b"\r\nattic,,2.0.0,,\r\n"); // 12: no id
    file.extend(b"attic,sensor-8,,,\r\n"); // 13: no firmware
    file.extend(b"attic,sensor-9,2.0.0,,"); // 14: the last line has no end
    let (summary, told) = whole(&Target::App(app.clone()), input(Format::Csv, file)).await;
    let wrong = |wrong| Outcome::Wrong(wrong);
    let expected = [
        (
            6,
            wrong(WrongLine::Cells {
                expected: 5,
                found: 3,
            }),
        ),
        (
            7,
            wrong(WrongLine::Cells {
                expected: 5,
                found: 6,
            }),
        ),
        (8, wrong(WrongLine::NotUtf8 { byte: 4 })),
        (9, wrong(WrongLine::Quote)),
        (11, wrong(WrongLine::TooLong)),
        (12, wrong(WrongLine::Missing { field: "deviceId" })),
        (13, wrong(WrongLine::Missing { field: "firmware" })),
    ];
    assert_eq!(told.lines.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(told.notes, ["these columns are not used: `Room;`"]);
    assert_eq!(
        summary,
        Summary {
            lines: 11,
            onboarded: 4,
            wrong: 7,
            ..Summary::default()
        }
    );
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_script_that_writes_json_badly_is_understood_line_by_line() {
    let app = app().await;
    let file = "\
{\"deviceId\":\"sensor-1\",\"firmware\":\"2.0.0\"}\r
\n{\"firmware\":\"2.0.0\",\"deviceId\":\"sensor-2\",\"room\":{\"id\":1}}
{\"deviceId\":\"sensor-3\",\"firmware\":2}
{\"deviceId\":\"sensor-4\",\"firmware\":\"2.0.0\"}{}
{\"deviceId\":\"\\u0000\\ud83c\\udf21\",\"firmware\":\"2.0.0\"}
{\"deviceId\":\"sensor-5\",\"firmware\":\"2.0.0\"},
nonsense";
    let (summary, told) = whole(&Target::App(app.clone()), input(Format::Ndjson, file)).await;
    assert_eq!(
        told.lines.keys().copied().collect::<Vec<_>>(),
        [4, 5, 6, 7, 8]
    );
    assert_eq!(told.notes, ["this field is not used: `room`"]);
    assert_eq!(
        summary,
        Summary {
            lines: 7,
            onboarded: 2,
            wrong: 5,
            ..Summary::default()
        }
    );
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_used_at_all_is_one_problem() {
    let app = app().await;
    let problem = async |input: Input| {
        let (mut summary, mut told) = (Summary::default(), Told::default());
        let (target, stop) = (Target::App(app.clone()), CancellationToken::new());
        let one = std::num::NonZeroUsize::MIN;
        let ended = onboard(input, &target, one, &stop, &mut summary, &mut told).await;
        assert_eq!(summary, Summary::default());
        match ended {
            Err(Ended::Input { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    };
    let csv = |file: &[u8]| input(Format::Csv, file);
    let missing = problem(csv(b"id,firmware\nsensor-1,2.0.0\n")).await;
    assert!(
        matches!(
            missing,
            InputProblem::ColumnMissing {
                name: "deviceId",
                ..
            }
        ),
        "{missing}"
    );
    let missing = problem(csv(b"sensor-1,2.0.0\n")).await;
    assert!(
        missing.to_string().contains("`sensor-1`, `2.0.0`"),
        "{missing}"
    );
    let header = problem(csv(b"deviceId,firmware,caf\xE9\n")).await;
    assert!(
        matches!(header, InputProblem::Header(WrongLine::NotUtf8 { .. })),
        "{header}"
    );
    let utf16 = problem(csv(b"\xFF\xFEd\0e\0v\0")).await;
    assert!(matches!(utf16, InputProblem::Utf16), "{utf16}");
    let there_is_none = Input::new("there-is-none.csv", None).unwrap();
    assert!(matches!(problem(there_is_none).await, InputProblem::Io(_)));
    let directory = Input::new(std::env::temp_dir(), Some(Format::Csv)).unwrap();
    assert!(matches!(problem(directory).await, InputProblem::Io(_)));
    assert!(matches!(
        Input::new("devices.txt", None),
        Err(InputProblem::Format { .. })
    ));
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_empty_file_has_no_devices() {
    let app = app().await;
    for (format, file) in [
        (Format::Csv, ""),
        (Format::Csv, "deviceId,firmware\n"),
        (Format::Ndjson, "\n\n"),
    ] {
        let (summary, told) = whole(&Target::App(app.clone()), input(format, file)).await;
        assert_eq!(summary, Summary::default());
        assert!(told.lines.is_empty());
    }
    app.shutdown().await.unwrap();
}
