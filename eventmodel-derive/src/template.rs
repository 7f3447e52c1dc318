//! The templates in string literals: `booking.{room}.{date}` of a stream's subjects, `{course}/{student}` of the ids
//! of a command.
//!
//! A mistake inside the literal is reported inside it: by a span where the compiler can give one, else by a picture in
//! the message.

use std::ops::Range;

use proc_macro2::Span;
use quote::format_ident;
use syn::{Ident, LitStr};

use crate::ctxt::Ctxt;
use crate::field::Field;
use crate::suggest;

/// In bytes: NATS advises to keep whole subjects under it.
const MAX_LEN: usize = 256;

/// A template that can be read. Whether the struct has its fields is checked later.
pub(crate) struct Template {
    pub(crate) literal: LitStr,
    pub(crate) parts: Vec<Part>,
}

pub(crate) enum Part {
    /// In a subject one whole token, in an id any text.
    Text(String),
    Field(Placeholder),
}

/// `{room.id}`
pub(crate) struct Placeholder {
    pub(crate) path: Vec<String>,
    /// Where the path stands in the text of the template.
    pub(crate) range: Range<usize>,
}

impl Placeholder {
    pub(crate) fn text(&self) -> String {
        self.path.join(".")
    }

    /// The first name of the path, which is that of a field.
    pub(crate) fn head(&self) -> &str {
        &self.path[0]
    }

    /// The names after the first. They may be keywords.
    pub(crate) fn tail(&self) -> impl Iterator<Item = Ident> {
        self.path[1..]
            .iter()
            .map(|name| syn::parse_str(name).unwrap_or_else(|_| format_ident!("r#{name}")))
    }

    /// The field that the path starts with.
    pub(crate) fn field<'a>(&self, fields: &'a [Field]) -> Option<&'a Field> {
        fields.iter().find(|field| field.name == self.head())
    }
}

impl Template {
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(placeholder) => Some(placeholder),
            Part::Text(_) => None,
        })
    }
}

/// Reads the template of a subject. Reports every mistake, and returns `None` if there is one.
pub(crate) fn subject(ctxt: &Ctxt, literal: &LitStr) -> Option<Template> {
    let report = Report::new(ctxt, literal);
    let text = &report.text;
    if text.is_empty() {
        ctxt.error(
            literal,
            "the subject is empty; write for example `booking.{room}.{date}`",
        );
        return None;
    }
    if text.len() > MAX_LEN {
        let len = text.len();
        ctxt.error(
            literal,
            format_args!("the template has {len} bytes; a subject, its values included, should stay under {MAX_LEN}"),
        );
        return None;
    }
    let tokens = split(text)
        .map(|range| token(&report, range))
        .collect::<Vec<_>>();
    let parts = tokens.into_iter().collect::<Option<_>>()?;
    Some(Template {
        literal: literal.clone(),
        parts,
    })
}

/// The tokens of a subject, which dots outside braces separate.
fn split(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let mut in_braces = false;
        let end = text[from..].find(|c| {
            match c {
                '{' => in_braces = true,
                '}' => in_braces = false,
                _ => {}
            }
            c == '.' && !in_braces
        });
        start = end.map(|end| from + end + 1);
        Some(from..end.map_or(text.len(), |end| from + end))
    })
}

fn token(report: &Report<'_>, range: Range<usize>) -> Option<Part> {
    let token = &report.text[range.clone()];
    if token.is_empty() {
        report.at(
            range,
            "a token of the subject is empty: there is a dot too many",
        );
        return None;
    }
    if token.contains(['{', '}']) {
        return placeholder(report, range).map(Part::Field);
    }
    if range.start == 0 && token.starts_with('$') {
        report.at(
            0..1,
            "subjects that start with `$` belong to the server; start with a word",
        );
        return None;
    }
    let bad = token
        .char_indices()
        .find(|(_, c)| !c.is_ascii_graphic() || matches!(c, '*' | '>'));
    let Some((offset, c)) = bad else {
        return Some(Part::Text(token.to_owned()));
    };
    let at = range.start + offset..range.start + offset + c.len_utf8();
    match c {
        '*' | '>' => report.at(
            at,
            format_args!("`{c}` is a wildcard, and a subject names one instance; name a field instead: `{{room}}`"),
        ),
        c if c.is_whitespace() => report.at(at, "a subject holds no white space"),
        c if c.is_control() => report.at(at, format_args!("a subject holds no control characters ({c:?})")),
        c => report.at(at, format_args!("the text of a subject is ASCII, and `{c}` is not")),
    }
    None
}

fn placeholder(report: &Report<'_>, range: Range<usize>) -> Option<Placeholder> {
    let token = &report.text[range.clone()];
    let open = token.find('{');
    let close = token.find('}');
    let at = |from: usize, to: usize| range.start + from..range.start + to;
    let (open, close) = match (open, close) {
        (Some(open), Some(close)) if open < close => (open, close),
        (Some(open), None) => {
            report.at(at(open, token.len()), "`{` is not closed: write `{room}`");
            return None;
        }
        (_, Some(close)) => {
            report.at(at(close, close + 1), "`}` without a `{` before it");
            return None;
        }
        (_, None) => return None,
    };
    let path = path(report, at(open + 1, close))?;
    if open > 0 || close + 1 < token.len() {
        let parts = [&token[..open], &token[open..=close], &token[close + 1..]];
        let parts: Vec<_> = parts
            .iter()
            .map(|p| p.trim_matches(['-', '_']))
            .filter(|p| !p.is_empty())
            .collect();
        report.at(
            range,
            format_args!(
                "a field is a whole token of a subject: write `{}`",
                parts.join(".")
            ),
        );
        return None;
    }
    Some(path)
}

/// Reads the template of a command's id. Reports the first mistake, and returns `None` then.
pub(crate) fn id(ctxt: &Ctxt, literal: &LitStr) -> Option<Template> {
    let report = Report::new(ctxt, literal);
    let text = &report.text;
    let mut parts = Vec::new();
    let mut from = 0;
    while from < text.len() {
        let Some(found) = text[from..].find(['{', '}']) else {
            parts.push(Part::Text(text[from..].to_owned()));
            break;
        };
        let open = from + found;
        if text[open..].starts_with('}') {
            report.at(open..open + 1, "`}` without a `{` before it");
            return None;
        }
        let Some(len) = text[open..].find('}') else {
            report.at(open..text.len(), "`{` is not closed: write `{order}`");
            return None;
        };
        if open > from {
            parts.push(Part::Text(text[from..open].to_owned()));
        }
        let placeholder = path(&report, open + 1..open + len)?;
        if let Some(Part::Field(before)) = parts.last() {
            let hint = format!("{{{}}}/{{{}}}", before.text(), placeholder.text());
            report.at(
                open..open + len + 1,
                format_args!(
                    "two fields side by side can give one id for two commands: write `{hint}`"
                ),
            );
            return None;
        }
        parts.push(Part::Field(placeholder));
        from = open + len + 1;
    }
    let template = Template {
        literal: literal.clone(),
        parts,
    };
    if template.placeholders().next().is_none() {
        ctxt.error(
            literal,
            "the id is the same for all commands of this type: name the fields that identify one, as in `{order}`",
        );
        return None;
    }
    Some(template)
}

/// The path between braces. Reports one that names no field.
fn path(report: &Report<'_>, range: Range<usize>) -> Option<Placeholder> {
    let text = &report.text[range.clone()];
    if text.is_empty() {
        report.at(
            range.start - 1..range.end + 1,
            "the braces are empty: name a field, as in `{room}`",
        );
        return None;
    }
    let parts: Vec<&str> = text.split('.').collect();
    if parts.iter().all(|part| is_name(part)) {
        return Some(Placeholder {
            path: parts.into_iter().map(str::to_owned).collect(),
            range,
        });
    }
    let hint = if text.contains("r#") {
        "write the name without `r#`"
    } else if text.contains(char::is_whitespace) {
        "write it without blanks"
    } else {
        "write the name of a field, or a path like `{room.id}`"
    };
    report.at(
        range,
        format_args!("`{text}` is not the name of a field; {hint}"),
    );
    None
}

/// Whether `part` can name a field, as it is or with `r#` before it.
fn is_name(part: &str) -> bool {
    let mut chars = part.chars();
    let start = |c: char| c == '_' || unicode_ident::is_xid_start(c);
    chars.next().is_some_and(start)
        && chars.all(unicode_ident::is_xid_continue)
        && !matches!(part, "_" | "self" | "Self" | "super" | "crate")
}

/// Reports inside a string literal.
pub(crate) struct Report<'a> {
    ctxt: &'a Ctxt,
    literal: &'a LitStr,
    text: String,
}

impl<'a> Report<'a> {
    pub(crate) fn new(ctxt: &'a Ctxt, literal: &'a LitStr) -> Self {
        Self {
            ctxt,
            literal,
            text: literal.value(),
        }
    }

    /// Reports that the struct `ident` has no field for the placeholder.
    pub(crate) fn no_field(&self, placeholder: &Placeholder, ident: &Ident, fields: &[Field]) {
        let head = placeholder.head();
        let hint = suggest::or_known(head, "it has", fields.iter().map(|f| f.name.as_str()));
        self.at(
            placeholder.range.clone(),
            format_args!("`{ident}` has no field `{head}`{hint}"),
        );
    }

    /// Reports `message` at this part of the literal.
    pub(crate) fn at(&self, range: Range<usize>, message: impl std::fmt::Display) {
        match self.subspan(&range) {
            Some(span) => self.ctxt.error_at(span, message),
            None => self.ctxt.error(
                self.literal,
                format_args!("{message}\n\n{}", self.picture(&range)),
            ),
        }
    }

    /// The literal with the part underlined.
    fn picture(&self, range: &Range<usize>) -> String {
        let line: String = self
            .text
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        let before = self.text[..range.start].chars().count();
        let marked = self.text[range.clone()].chars().count().max(1);
        format!(
            "    \"{line}\"\n     {}{}",
            " ".repeat(before),
            "^".repeat(marked)
        )
    }

    /// The span of a part, if the compiler gives one (a stable compiler does not yet) and the literal has no escapes.
    fn subspan(&self, range: &Range<usize>) -> Option<Span> {
        let token = self.literal.token();
        let source = token.to_string();
        let open = source.find('"')? + 1;
        if source.get(open..open + self.text.len()) != Some(self.text.as_str()) {
            return None;
        }
        let end = range.end.max(range.start + 1);
        token.subspan(open + range.start..open + end)
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, id, subject};
    use crate::ctxt::Ctxt;
    use proc_macro2::Span;
    use syn::LitStr;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let ctxt = Ctxt::new();
        let template = subject(&ctxt, &LitStr::new(text, Span::call_site()));
        match ctxt.finish() {
            Some(errors) => Err(errors.to_string()),
            None => Ok(template
                .expect("a template or an error")
                .parts
                .into_iter()
                .map(|part| match part {
                    Part::Text(text) => text,
                    Part::Field(path) => format!("<{}>", path.text()),
                })
                .collect()),
        }
    }

    #[test]
    fn a_path_in_braces_is_one_token() {
        assert_eq!(
            read("booking.{room.id}.{date}").unwrap(),
            ["booking", "<room.id>", "<date>"]
        );
        assert_eq!(read("settings").unwrap(), ["settings"]);
    }

    #[test]
    fn each_mistake_has_its_message() {
        for (text, message) in [
            ("", "is empty"),
            ("a..b", "a token of the subject is empty"),
            (".a", "a token of the subject is empty"),
            ("a.", "a token of the subject is empty"),
            ("a.*", "wildcard"),
            ("a.>", "wildcard"),
            ("a b", "white space"),
            ("a\u{7}", "control"),
            ("zimmer.größe", "ASCII"),
            ("$JS.a", "belong to the server"),
            ("a.{room", "not closed"),
            ("a.room}", "without a `{`"),
            ("a.{}", "braces are empty"),
            ("a.{ room }", "without blanks"),
            ("a.{r#type}", "without `r#`"),
            ("a.{room:02}", "not the name of a field"),
            ("a.{room._}", "not the name of a field"),
            ("a.{room.self}", "not the name of a field"),
            ("room-{room}", "write `room.{room}`"),
            ("{room}{date}", "whole token"),
            ("a.}room{", "without a `{`"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(message), "{text}: {error}");
        }
        assert!(read(&"x".repeat(300)).unwrap_err().contains("300 bytes"));
    }

    #[test]
    fn two_mistakes_in_one_template_give_two_errors() {
        assert_eq!(
            read("a..*").unwrap_err().matches("compile_error").count(),
            2
        );
    }

    fn read_id(text: &str) -> Result<usize, String> {
        let ctxt = Ctxt::new();
        let template = id(&ctxt, &LitStr::new(text, Span::call_site()));
        match ctxt.finish() {
            Some(errors) => Err(errors.to_string()),
            None => Ok(template.expect("a template or an error").parts.len()),
        }
    }

    #[test]
    fn text_and_fields_alternate() {
        assert_eq!(read_id("{order}"), Ok(1));
        assert_eq!(read_id("order-{order.id}/{line}!"), Ok(5));
    }

    #[test]
    fn an_id_identifies_a_command() {
        for (text, message) in [
            ("", "the same for all"),
            ("order", "the same for all"),
            ("{a}{b}", "{a}/{b}"),
            ("{a", "not closed"),
            ("a}", "without a `{`"),
            ("{}", "braces are empty"),
        ] {
            let error = read_id(text).expect_err(text);
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
