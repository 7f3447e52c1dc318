//! A device as a line of CSV.

use super::format::Said;
use super::{InputProblem, WrongLine};
use crate::command::RegisterDevice;
use crate::model::device::{DeviceId, FirmwareVersion, MacAddress, SerialNumber};

/// Reads lines of CSV; the first one names the columns.
#[derive(Debug, Default)]
pub(super) struct Csv(Option<Columns>);

/// What is in which column.
#[derive(Debug)]
struct Columns {
    count: usize,
    device_id: usize,
    firmware: usize,
    serial: Option<usize>,
    mac: Option<usize>,
}

impl Csv {
    pub(super) fn awaits_header(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn line(
        &mut self,
        text: &str,
        notes: &mut Vec<String>,
    ) -> Result<Said, InputProblem> {
        if let Some(columns) = &self.0 {
            return Ok(columns.device(text).map(Some));
        }
        let header = cells(text).map_err(InputProblem::Header)?;
        self.0 = Some(Columns::named_by(&header, notes)?);
        Ok(Ok(None))
    }
}

/// The cells of a line, without the blanks around them.
fn cells(line: &str) -> Result<csv::StringRecord, WrongLine> {
    if line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err(WrongLine::Quote);
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .buffer_capacity(line.len().max(1))
        .from_reader(line.as_bytes());
    let mut cells = csv::StringRecord::new();
    // The line is text in memory and has one record, so nothing is left that could go wrong.
    reader
        .read_record(&mut cells)
        .map_err(|_| WrongLine::Quote)?;
    Ok(cells)
}

impl Columns {
    fn named_by(header: &csv::StringRecord, notes: &mut Vec<String>) -> Result<Self, InputProblem> {
        // `deviceId`, `device_id` and `Device ID` are one name.
        let plain = |name: &str| -> String {
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|letter| letter.to_ascii_lowercase()).collect()
        };
        let names: Vec<String> = header.iter().map(plain).collect();
        let column = |wanted: &'static str| {
            let mut found = (0..names.len()).filter(|index| names[*index] == wanted.to_lowercase());
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(InputProblem::ColumnTwice { name: wanted }),
                (index, None) => Ok(index),
            }
        };
        let required = |name| {
            column(name)?.ok_or_else(|| InputProblem::ColumnMissing {
                name,
                found: list(header.iter()),
            })
        };
        let columns = Self {
            count: header.len(),
            device_id: required("deviceId")?,
            firmware: required("firmware")?,
            serial: column("serial")?,
            mac: column("mac")?,
        };
        let used = ["deviceid", "firmware", "serial", "mac"];
        let unused = header
            .iter()
            .zip(&names)
            .filter(|(_, name)| !used.contains(&name.as_str()));
        let unused = list(unused.map(|(written, _)| written));
        if !unused.is_empty() {
            notes.push(format!("these columns are not used: {unused}"));
        }
        Ok(columns)
    }

    fn device(&self, line: &str) -> Result<RegisterDevice, WrongLine> {
        let cells = cells(line)?;
        if cells.len() != self.count {
            return Err(WrongLine::Cells {
                expected: self.count,
                found: cells.len(),
            });
        }
        let cell = |index: usize| cells.get(index).filter(|text| !text.is_empty());
        Ok(RegisterDevice {
            device_id: DeviceId::new(cell(self.device_id).unwrap_or_default()),
            serial: self.serial.and_then(cell).map(SerialNumber::new),
            mac: self.mac.and_then(cell).map(MacAddress::new),
            firmware: cell(self.firmware).map(FirmwareVersion::new),
        })
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::format::Format;
    use super::super::format::tests::{device, read};
    use super::*;

    fn said(lines: &[&str]) -> Vec<Said> {
        read(Format::Csv, lines).0
    }

    fn problem(header: &str) -> InputProblem {
        Csv::default().line(header, &mut Vec::new()).unwrap_err()
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let lines = ["firmware, Device_ID ,serial", "2.0.0,a,SN-1", " 2.1.0 ,b,"];
        assert_eq!(
            said(&lines),
            [
                Ok(None),
                Ok(Some(device("a", Some("SN-1"), "2.0.0"))),
                Ok(Some(device("b", None, "2.1.0"))),
            ]
        );
    }

    #[test]
    fn quotes_are_understood_and_end_with_their_line() {
        let lines = [
            "deviceId,serial,firmware",
            r#""a","S,N ""1""",2.0.0"#,
            r#"a,"SN-1,2.0.0"#,
            "a,SN-1,2.0.0",
        ];
        let said = said(&lines);
        assert_eq!(said[1], Ok(Some(device("a", Some(r#"S,N "1""#), "2.0.0"))));
        assert_eq!(said[2], Err(WrongLine::Quote));
        assert_eq!(said[3], Ok(Some(device("a", Some("SN-1"), "2.0.0"))));
    }

    #[test]
    fn a_line_has_as_many_cells_as_there_are_columns() {
        let said = said(&["deviceId,firmware", "a", "a,2.0.0,x", "a,2.0.0,"]);
        let found = |found| Err(WrongLine::Cells { expected: 2, found });
        assert_eq!(said[1..], [found(1), found(3), found(3)]);
    }

    #[test]
    fn a_column_that_is_missing_or_named_twice_is_an_error_of_the_file() {
        assert!(matches!(
            problem("id,firmware"),
            InputProblem::ColumnMissing {
                name: "deviceId",
                ..
            }
        ));
        assert!(matches!(
            problem("deviceId"),
            InputProblem::ColumnMissing {
                name: "firmware",
                ..
            }
        ));
        assert!(matches!(
            problem("deviceId,device_id,firmware"),
            InputProblem::ColumnTwice { name: "deviceId" }
        ));
        assert!(matches!(
            problem(r#"deviceId,"firmware"#),
            InputProblem::Header(_)
        ));
    }

    #[test]
    fn a_column_that_nobody_asked_for_is_noted() {
        let (said, notes) = read(
            Format::Csv,
            &["deviceId,color,firmware,Room 1", "a,red,2.0.0,x"],
        );
        assert_eq!(said[1], Ok(Some(device("a", None, "2.0.0"))));
        assert_eq!(notes, ["these columns are not used: `color`, `Room 1`"]);
    }
}
