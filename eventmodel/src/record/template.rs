//! The subjects of all instances of a stream.

use super::subject::SubjectPattern;

/// The template of a stream's subjects: `booking.{room}.{date}`.
///
/// It is checked when the program is compiled, by `#[derive(Stream)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubjectTemplate(&'static str);

impl SubjectTemplate {
    #[doc(hidden)]
    pub const fn __new(text: &'static str) -> Self {
        Self(text)
    }

    /// The text of the template.
    pub const fn as_str(&self) -> &'static str {
        self.0
    }

    /// The paths of the fields in it: `room`, `date`.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.tokens()
            .filter_map(|token| token.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The pattern that all its subjects fit: `booking.*.*`.
    pub fn pattern(&self) -> SubjectPattern {
        let tokens: Vec<_> = self
            .tokens()
            .map(|t| if t.starts_with('{') { "*" } else { t })
            .collect();
        SubjectPattern::checked(&tokens.join("."))
    }

    /// The tokens of the template. A path in braces is one, dots and all.
    fn tokens(&self) -> impl Iterator<Item = &'static str> {
        let mut rest = Some(self.0);
        std::iter::from_fn(move || {
            let text = rest?;
            let mut depth = 0usize;
            let end = text.find(|c| {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                c == '.' && depth == 0
            });
            rest = end.map(|end| &text[end + 1..]);
            Some(end.map_or(text, |end| &text[..end]))
        })
    }
}

impl std::fmt::Display for SubjectTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_braces_is_one_token() {
        let template = SubjectTemplate::__new("booking.{room.id}.{date}");
        assert_eq!(template.fields().collect::<Vec<_>>(), ["room.id", "date"]);
        assert_eq!(template.pattern().as_str(), "booking.*.*");
    }
}
