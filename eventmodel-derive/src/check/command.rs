//! A command emits each event once, has a usable name, and an id made of its fields.

use crate::check::overrides;
use crate::ctxt::Ctxt;
use crate::field;
use crate::model::command::CommandModel;
use crate::suggest;
use crate::template::Report;
use crate::text;

/// As many as `DecisionState` is implemented for.
pub(crate) const MAX_STATES: usize = 6;

pub(crate) fn check(ctxt: &Ctxt, model: &CommandModel<'_>) {
    for (i, event) in model.emits.iter().enumerate() {
        if model.emits[..i]
            .iter()
            .any(|other| field::same(other, event))
        {
            ctxt.error(event, format_args!("`{}` is named twice", text::of(event)));
        }
    }
    if let Some(state) = model.state.parts().get(MAX_STATES) {
        ctxt.error(
            state,
            format_args!("a command decides on at most {MAX_STATES} states"),
        );
    }
    if let Some(name) = &model.name {
        let text = name.value();
        if !is_kebab(&text) {
            ctxt.error(
                name,
                format_args!(
                    "the name of a command is a part of addresses: small letters, digits and single `-`, as in `{}`",
                    proposal(&text)
                ),
            );
        }
    }
    check_id(ctxt, model);
    overrides::check(ctxt, &model.overrides, model.state.parts().len(), "state");
}

fn check_id(ctxt: &Ctxt, model: &CommandModel<'_>) {
    let (Some(template), Some(fields)) = (&model.id, &model.fields) else {
        return;
    };
    let text = template.literal.value();
    let report = Report {
        ctxt,
        literal: &template.literal,
        text: &text,
    };
    for placeholder in template.placeholders() {
        let head = placeholder.path[0].as_str();
        if !fields.iter().any(|field| field.name == head) {
            let hint = suggest::or_known(head, "it has", fields.iter().map(|f| f.name.as_str()));
            report.at(
                placeholder.range.clone(),
                format_args!("`{}` has no field `{head}`{hint}", model.input.ident),
            );
        }
    }
}

pub(crate) fn is_kebab(text: &str) -> bool {
    !text.is_empty()
        && text.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

fn proposal(text: &str) -> String {
    use heck::ToKebabCase;
    let kebab = text.to_kebab_case();
    if is_kebab(&kebab) {
        kebab
    } else {
        "book-room".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::is_kebab;

    #[test]
    fn a_name_is_a_part_of_an_address() {
        for (text, good) in [
            ("book-room", true),
            ("book-room-2", true),
            ("", false),
            ("BookRoom", false),
            ("book--room", false),
            ("-book", false),
            ("book-", false),
            ("book room", false),
            ("büchen", false),
        ] {
            assert_eq!(is_kebab(text), good, "{text}");
        }
    }
}
