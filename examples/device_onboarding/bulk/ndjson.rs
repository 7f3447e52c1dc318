//! A device as a line of NDJSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::WrongLine;
use crate::command::RegisterDevice;
use crate::model::device::{DeviceId, FirmwareVersion, MacAddress, SerialNumber};

/// Reads lines of NDJSON.
#[derive(Debug, Default)]
pub(super) struct Ndjson {
    /// The fields that were noted because they are not used.
    noted: BTreeSet<String>,
}

/// A file can have more different fields than anybody reads notes.
const MOST_NOTED: usize = 20;

/// [`RegisterDevice`] takes no fields that it does not know; a file may have more than is needed.
#[derive(Deserialize)]
#[serde(
    rename_all = "camelCase",
    expecting = "an object: {\"deviceId\": \"..\", \"firmware\": \"..\"}"
)]
#[allow(
    clippy::zero_sized_map_values,
    reason = "a set cannot be flattened into"
)]
struct Line {
    device_id: DeviceId,
    serial: Option<SerialNumber>,
    mac: Option<MacAddress>,
    firmware: Option<FirmwareVersion>,
    #[serde(flatten)]
    unused: BTreeMap<String, IgnoredAny>,
}

impl Ndjson {
    pub(super) fn line(
        &mut self,
        text: &str,
        notes: &mut Vec<String>,
    ) -> Result<RegisterDevice, WrongLine> {
        let line: Line =
            serde_json::from_str(text).map_err(|error| WrongLine::Json(said(&error)))?;
        for field in line.unused.into_keys() {
            if self.noted.len() < MOST_NOTED && !self.noted.contains(&field) {
                notes.push(format!("this field is not used: `{field}`"));
                self.noted.insert(field);
            }
        }
        Ok(RegisterDevice {
            device_id: line.device_id,
            serial: line.serial,
            mac: line.mac,
            firmware: line.firmware,
        })
    }
}

/// The error without its "line 1": that is the only line the parser has seen, not the line of the file.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line 1 column ") {
        Some((what, "0")) => what.to_owned(),
        Some((what, column)) => format!("{what} at column {column}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::Format;
    use super::super::format::tests::{device, read};
    use super::*;

    #[test]
    fn an_object_is_a_device() {
        let (said, notes) = read(
            Format::Ndjson,
            &[
                r#"{"deviceId":"a","firmware":"2.0.0","serial":null}"#,
                r#" {"firmware": "2.0.0", "serial": "SN-1", "deviceId": "b", "color": "red"} "#,
                r#"{"deviceId":"c","firmware":"2.0.0","color":{"r":1}}"#,
            ],
        );
        assert_eq!(
            said,
            [
                Ok(Some(device("a", None, "2.0.0"))),
                Ok(Some(device("b", Some("SN-1"), "2.0.0"))),
                Ok(Some(device("c", None, "2.0.0"))),
            ]
        );
        assert_eq!(notes, ["this field is not used: `color`"]);
    }

    #[test]
    fn what_is_no_object_or_has_other_types_is_a_wrong_line() {
        let lines = [
            "nonsense",
            "[",
            "[]",
            r#""a""#,
            "{}",
            r#"{"deviceId":"a""#,
            r#"{"deviceId":17,"firmware":"2.0.0"}"#,
            r#"{"deviceId":"a","deviceId":"b","firmware":"2.0.0"}"#,
            r#"{"deviceId":"a","firmware":"2.0.0"} {}"#,
        ];
        let (said, _) = read(Format::Ndjson, &lines);
        for (line, said) in lines.iter().zip(said) {
            assert!(matches!(said, Err(WrongLine::Json(_))), "{line}: {said:?}");
        }
    }

    #[test]
    fn an_error_names_the_column_and_leaves_the_line_to_the_file() {
        let (said, _) = read(Format::Ndjson, &[r#"{"deviceId":"a""#, "[]"]);
        let said: Vec<String> = said
            .into_iter()
            .map(|said| said.unwrap_err().to_string())
            .collect();
        assert!(
            said[0].ends_with("EOF while parsing an object at column 15"),
            "{}",
            said[0]
        );
        assert!(!said[1].contains("column"), "{}", said[1]);
    }

    #[test]
    fn notes_are_bounded() {
        let line = |n| format!(r#"{{"deviceId":"a","firmware":"2.0.0","x{n}":0}}"#);
        let lines: Vec<String> = (0..1000).map(line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(read(Format::Ndjson, &lines).1.len(), MOST_NOTED);
    }
}
