//! How a file is written. One line is one device, in CSV too, so that a quote that is not closed spoils its line and
//! not the rest of the file.

use std::path::Path;

use clap::ValueEnum;

use super::csv::Csv;
use super::ndjson::Ndjson;
use super::{InputProblem, WrongLine};
use crate::command::RegisterDevice;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A first line that names the columns, then a device a line.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

impl Format {
    /// The format that the name of a file stands for.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    pub(super) fn parser(self) -> Parser {
        match self {
            Self::Csv => Parser::Csv(Csv::default()),
            Self::Ndjson => Parser::Ndjson(Ndjson::default()),
        }
    }
}

/// Reads the lines of one file.
#[derive(Debug)]
pub(super) enum Parser {
    Csv(Csv),
    Ndjson(Ndjson),
}

/// What a line says: a device, or, if it names the columns, none.
pub(super) type Said = Result<Option<RegisterDevice>, WrongLine>;

impl Parser {
    /// What the next line says. The outer error is one of the whole file.
    pub(super) fn line(
        &mut self,
        line: Result<&str, WrongLine>,
        notes: &mut Vec<String>,
    ) -> Result<Said, InputProblem> {
        let text = match line {
            Ok(text) => text,
            // Without the names of the columns no other line can be understood.
            Err(wrong) if self.awaits_header() => return Err(InputProblem::Header(wrong)),
            Err(wrong) => return Ok(Err(wrong)),
        };
        let said = match self {
            Self::Csv(csv) => csv.line(text, notes)?,
            Self::Ndjson(ndjson) => ndjson.line(text, notes).map(Some),
        };
        Ok(said.and_then(|device| device.map(complete).transpose()))
    }

    fn awaits_header(&self) -> bool {
        matches!(self, Self::Csv(csv) if csv.awaits_header())
    }
}

/// A device is validated by its firmware, so a line without one cannot be carried through.
fn complete(device: RegisterDevice) -> Result<RegisterDevice, WrongLine> {
    if device.device_id.as_str().is_empty() {
        return Err(WrongLine::Missing { field: "deviceId" });
    }
    if device.firmware.is_none() {
        return Err(WrongLine::Missing { field: "firmware" });
    }
    Ok(device)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::device::{DeviceId, FirmwareVersion, SerialNumber};

    /// What a file says: its lines, and what is noted about it.
    pub(crate) fn read(format: Format, lines: &[&str]) -> (Vec<Said>, Vec<String>) {
        let (mut parser, mut notes) = (format.parser(), Vec::new());
        let said = lines
            .iter()
            .map(|line| parser.line(Ok(line), &mut notes).unwrap());
        (said.collect(), notes)
    }

    pub(crate) fn device(id: &str, serial: Option<&str>, firmware: &str) -> RegisterDevice {
        RegisterDevice {
            device_id: DeviceId::new(id),
            serial: serial.map(SerialNumber::new),
            mac: None,
            firmware: Some(FirmwareVersion::new(firmware)),
        }
    }

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        for (name, format) in [
            ("a.csv", Some(Format::Csv)),
            ("a.b.CSV", Some(Format::Csv)),
            ("a.ndjson", Some(Format::Ndjson)),
            ("a.jsonl", Some(Format::Ndjson)),
            ("a.json", None),
            ("csv", None),
            ("-", None),
        ] {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_spoils_a_file_only_if_it_names_the_columns() {
        let mut notes = Vec::new();
        let mut parser = Format::Csv.parser();
        let header = parser.line(Err(WrongLine::TooLong), &mut notes);
        assert!(matches!(
            header,
            Err(InputProblem::Header(WrongLine::TooLong))
        ));
        let mut parser = Format::Ndjson.parser();
        let line = parser.line(Err(WrongLine::TooLong), &mut notes);
        assert_eq!(line.unwrap(), Err(WrongLine::TooLong));
    }

    #[test]
    fn a_line_needs_an_id_and_a_firmware() {
        let missing = |field| Err(WrongLine::Missing { field });
        let (said, _) = read(
            Format::Csv,
            &["deviceId,firmware", ",2.0.0", "a,", "a,2.0.0"],
        );
        assert_eq!(said[1..3], [missing("deviceId"), missing("firmware")]);
        assert!(said[3].is_ok());
        let (said, _) = read(
            Format::Ndjson,
            &[r#"{"deviceId":""}"#, r#"{"deviceId":"a"}"#],
        );
        assert_eq!(said, [missing("deviceId"), missing("firmware")]);
    }
}
