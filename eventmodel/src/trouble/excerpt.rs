//! Cuts a text whose length somebody else chose.

/// How many bytes a repeated text may have, as JSON writes it.
pub(crate) const LONGEST: usize = 1024;

/// How much of a longer text is kept at its beginning and at its end. Messages end with what was expected, so the end
/// matters, too. The rest of [`LONGEST`] says how much is missing.
const HEAD: usize = 640;
const TAIL: usize = 256;

/// The text, or its beginning and its end, with how much is missing between.
pub(crate) fn excerpt(text: String) -> String {
    // No character is more than six bytes in JSON: `\u0000`.
    if text.len() <= LONGEST / 6 || text.chars().map(written).sum::<usize>() <= LONGEST {
        return text;
    }
    let head = fitting(text.chars(), HEAD);
    let tail = text.len() - fitting(text.chars().rev(), TAIL);
    let (all, left_out) = (text.len(), tail - head);
    let (head, tail) = (&text[..head], &text[tail..]);
    format!("{head}… ({left_out} of {all} bytes left out) …{tail}")
}

/// The length in bytes of the first characters that fit into `room` bytes of JSON.
fn fitting(chars: impl Iterator<Item = char>, mut room: usize) -> usize {
    let fit = chars.take_while(|c| match room.checked_sub(written(*c)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    });
    fit.map(char::len_utf8).sum()
}

/// How many bytes a character has in JSON.
fn written(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        ..' ' => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_left_as_it_is() {
        for text in [String::new(), "é".repeat(512), "\0".repeat(170)] {
            assert_eq!(excerpt(text.clone()), text);
        }
    }

    #[test]
    fn of_a_long_text_the_beginning_and_the_end_are_kept() {
        let text = format!(
            "invalid type: string {:?}, expected u32",
            "x".repeat(900_000)
        );
        let said = excerpt(text);
        assert!(said.starts_with("invalid type: string \"xxx"), "{said}");
        assert!(said.ends_with("xxx\", expected u32"), "{said}");
        assert!(said.contains("of 900037 bytes left out"), "{said}");
    }

    #[test]
    fn no_text_is_longer_than_it_may_be_as_json() {
        for piece in ["x", "é", "🦀", "\"", "\\", "\0", "a🦀\n"] {
            for times in [171, 400, 1025, 100_000] {
                let said = serde_json::to_string(&excerpt(piece.repeat(times))).unwrap();
                assert!(said.len() <= LONGEST + 2, "{} of {piece:?}", said.len());
            }
        }
    }
}
