//! The natural id of a command, from `#[command(id = "{course}/{student}")]`.

use std::fmt::{self, Write};

use crate::model::CommandInfo;
use crate::record::SubjectToken;

/// Writes an id. Two commands have the same id only if they have the same values: in the values, it percent-encodes the
/// text that the template has between its fields, and what an id cannot hold.
#[derive(Debug)]
pub struct IdWriter {
    id: String,
    template: &'static str,
}

impl IdWriter {
    /// An id that starts with the address of the command.
    pub fn new(info: &CommandInfo, template: &'static str) -> Self {
        let mut id = info.address();
        id.push(':');
        Self { id, template }
    }

    /// A text of the template.
    pub fn text(&mut self, text: &str) {
        self.id.push_str(text);
    }

    /// The value of a field.
    pub fn value(&mut self, value: &impl SubjectToken) {
        // Writing to a `String` cannot fail; a type that reports an error anyway has written what it could.
        let _ = value.write_token(&mut Encoder(self));
    }

    /// The id.
    pub fn finish(self) -> String {
        self.id
    }

    /// Whether the character stands in the template outside its braces.
    fn separates(&self, c: char) -> bool {
        let mut depth = 0usize;
        self.template.chars().any(|t| {
            match t {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                t if depth == 0 => return t == c,
                _ => {}
            }
            false
        })
    }
}

struct Encoder<'a>(&'a mut IdWriter);

impl Write for Encoder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c == '%' || c.is_control() || self.0.separates(c) {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    write!(self.0.id, "%{byte:02X}")?;
                }
            } else {
                self.0.id.push(c);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(values: &[&str]) -> String {
        let mut writer = IdWriter {
            id: String::from("enrol:"),
            template: "{course}/{student}",
        };
        writer.value(&values[0].to_owned());
        writer.text("/");
        writer.value(&values[1].to_owned());
        writer.finish()
    }

    #[test]
    fn two_commands_with_different_values_have_different_ids() {
        assert_eq!(id(&["maths", "ann"]), "enrol:maths/ann");
        assert_ne!(id(&["a/b", "c"]), id(&["a", "b/c"]));
        assert_ne!(id(&["a%2Fb", "c"]), id(&["a/b", "c"]));
        assert_eq!(id(&["a\n", "é"]), "enrol:a%0A/é");
    }
}
