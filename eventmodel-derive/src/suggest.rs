//! "Did you mean": the known word that is nearest to the one that the user wrote.

/// ``; did you mean `room`?`` if a known word is near, else the known words: ``; it has `room`, `date` ``.
pub(crate) fn or_known<'a>(
    written: &str,
    what: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(written, &known) {
        Some(word) => format!("; did you mean `{word}`?"),
        None if known.is_empty() => String::new(),
        None => format!("; {what} {}", list(&known)),
    }
}

/// `` `a`, `b` ``
pub(crate) fn list(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(written, word), *word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_a_near_word_is_suggested() {
        assert_eq!(nearest("rom", &["room", "date"]), Some("room"));
        assert_eq!(nearest("sujbect", &["subject", "log"]), Some("subject"));
        assert_eq!(nearest("client", &["room", "date"]), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
