//! The template of a command's id: `{order}`, `{course}/{student}`.

use syn::LitStr;

use crate::ctxt::Ctxt;
use crate::template::{Part, Report, Template, path};

/// Reads the template. `None` if a mistake was found.
pub(crate) fn read(ctxt: &Ctxt, literal: &LitStr) -> Option<Template> {
    let text = literal.value();
    let report = Report {
        ctxt,
        literal,
        text: &text,
    };
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

#[cfg(test)]
mod tests {
    use crate::ctxt::Ctxt;
    use proc_macro2::Span;
    use syn::LitStr;

    fn read(text: &str) -> Result<usize, String> {
        let ctxt = Ctxt::new();
        let template = super::read(&ctxt, &LitStr::new(text, Span::call_site()));
        match ctxt.finish() {
            Some(errors) => Err(errors.to_string()),
            None => Ok(template.expect("a template or an error").parts.len()),
        }
    }

    #[test]
    fn text_and_fields_alternate() {
        assert_eq!(read("{order}"), Ok(1));
        assert_eq!(read("order-{order.id}/{line}!"), Ok(5));
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
            let error = read(text).expect_err(text);
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
