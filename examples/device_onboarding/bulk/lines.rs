//! Lines of a file of any size, one at a time and none longer than a bound: whatever is in the file, the memory that
//! reading it takes is the same.

use std::io::{self, BufRead};

use super::WrongLine;

/// The longest line, in bytes. A device takes about a hundred.
pub const MAX_LINE: usize = 8 * 1024;

/// Reads lines, and counts them.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    bytes: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            number: 0,
            bytes: 0,
            line: Vec::new(),
        }
    }

    /// How much was read.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of the next line that is not blank, from 1, and the line without its end; `None` at the end of
    /// the file.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<&str, WrongLine>)>> {
        loop {
            let Some(complete) = self.read()? else {
                return Ok(None);
            };
            if self.number == 1 && self.line.starts_with(b"\xEF\xBB\xBF") {
                self.line.drain(..3);
            }
            if !complete {
                return Ok(Some((self.number, Err(WrongLine::TooLong))));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let text = std::str::from_utf8(self.line.trim_ascii_end());
        let line = text.map_err(|error| WrongLine::NotUtf8 {
            byte: error.valid_up_to() + 1,
        });
        Ok(Some((self.number, line)))
    }

    /// Reads the next line; `false` if it was too long to be kept.
    fn read(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let mut complete = true;
        let mut any = false;
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            if !any {
                any = true;
                self.number += 1;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            if self.line.len() + part.len() > MAX_LINE {
                complete = false;
                self.line.clear();
            } else if complete {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            self.bytes += used as u64;
            if end.is_some() {
                break;
            }
        }
        Ok(any.then_some(complete))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, Result<String, WrongLine>)> {
        // A small buffer, so that lines cross its edge.
        let mut lines = Lines::new(io::BufReader::with_capacity(7, text));
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            all.push((number, line.map(str::to_owned)));
        }
        assert_eq!(lines.bytes(), text.len() as u64);
        all
    }

    #[test]
    fn blank_lines_are_counted_and_not_given() {
        let all = lines(b"\n\r\n  \nfirst line\r\n\nlast line");
        assert_eq!(
            all,
            [(4, Ok("first line".into())), (6, Ok("last line".into()))]
        );
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n"), []);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert_eq!(lines(b"\xEF\xBB\xBFa\n"), [(1, Ok("a".into()))]);
        assert_eq!(
            lines(b"a\n\xEF\xBB\xBFb"),
            [(1, Ok("a".into())), (2, Ok("\u{feff}b".into()))]
        );
    }

    #[test]
    fn a_line_that_is_not_text_or_too_long_is_wrong_and_the_next_one_is_read() {
        let mut text = b"caf\xE9,1\nnext\n".to_vec();
        text.extend(vec![b'x'; 100 * MAX_LINE]);
        text.extend(b"\nlast");
        assert_eq!(
            lines(&text),
            [
                (1, Err(WrongLine::NotUtf8 { byte: 4 })),
                (2, Ok("next".into())),
                (3, Err(WrongLine::TooLong)),
                (4, Ok("last".into())),
            ]
        );
        let mut exactly = vec![b'x'; MAX_LINE];
        assert!(lines(&exactly)[0].1.is_ok());
        exactly.push(b'x');
        assert_eq!(lines(&exactly), [(1, Err(WrongLine::TooLong))]);
    }
}
