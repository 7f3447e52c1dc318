//! A value that stands in a subject: it comes back as it was, and it can do nothing to the subject.

use std::fmt::Debug;
use std::sync::Arc;

use eventmodel::{Key, Stream, Subject, SubjectError, SubjectPattern, SubjectToken};
use proptest::prelude::*;

/// A key with one part of each kind that a user can choose freely.
#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "lane.{name}.{number}.between.{part.code}.{part.flag}")]
struct Lane {
    name: Name,
    number: i64,
    part: Part,
}

#[derive(SubjectToken, Clone, Debug, PartialEq, Eq, Hash)]
struct Name(String);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Part {
    code: String,
    flag: bool,
}

/// Any text, and often one that means something to NATS or to the encoding.
fn text() -> impl Strategy<Value = String> {
    let hostile = prop_oneof![
        Just("."),
        Just("*"),
        Just(">"),
        Just("$JS"),
        Just("%"),
        Just("%2E"),
        Just("%%"),
        Just(" "),
        Just("\0"),
        Just("\r\n"),
        Just("é"),
        Just("🏨"),
        Just("{name}"),
        Just("a"),
    ];
    prop_oneof![
        any::<String>(),
        proptest::collection::vec(hostile, 0..6).prop_map(|parts| parts.concat()),
    ]
}

fn lane() -> impl Strategy<Value = Lane> {
    (text(), any::<i64>(), text(), any::<bool>()).prop_map(|(name, number, code, flag)| Lane {
        name: Name(name),
        number,
        part: Part { code, flag },
    })
}

/// The subject, unless the key is too long for one.
fn subject(lane: &Lane) -> Result<Option<Subject>, TestCaseError> {
    match lane.subject() {
        Ok(subject) => Ok(Some(subject)),
        Err(SubjectError::TooLong { len, .. }) => {
            prop_assert!(len > Subject::MAX_LEN);
            Ok(None)
        }
        Err(other) => Err(TestCaseError::fail(other.to_string())),
    }
}

fn round_trip<T: Key + PartialEq + Debug>(value: &T) {
    let text = value.to_text();
    assert_eq!(T::from_text(&text).as_ref(), Ok(value), "{text}");
}

proptest! {
    #[test]
    fn a_key_comes_back_from_its_subject(lane in lane()) {
        if let Some(subject) = subject(&lane)? {
            prop_assert_eq!(Lane::from_subject(&subject).unwrap(), lane.clone());
        }
        prop_assert_eq!(Lane::from_text(&lane.to_text()).unwrap(), lane);
    }

    #[test]
    fn two_keys_never_share_a_subject(a in lane(), b in lane(), which in 0..4u8) {
        // Two random keys differ in everything; here they differ in one part at most.
        let mut near = a.clone();
        match which {
            0 => near.name = b.name.clone(),
            1 => near.number = b.number,
            2 => near.part.code = b.part.code.clone(),
            _ => near.part.flag = b.part.flag,
        }
        for other in [&b, &near] {
            if let (Some(ours), Some(theirs)) = (subject(&a)?, subject(other)?) {
                prop_assert_eq!(a == *other, ours == theirs);
            }
            prop_assert_eq!(a == *other, a.to_text() == other.to_text());
        }
    }

    #[test]
    fn text_cannot_move_between_two_parts(texts in (text(), text(), text(), text())) {
        let (a, b, c, d) = texts;
        let (ours, theirs) = ((a.clone(), b.clone()), (c.clone(), d.clone()));
        prop_assert_eq!(ours == theirs, ours.to_text() == theirs.to_text());
    }

    #[test]
    fn what_a_hostile_text_gives_is_one_valid_token(lane in lane()) {
        let Some(subject) = subject(&lane)? else { return Ok(()) };
        let tokens: Vec<&str> = subject.tokens().collect();
        prop_assert_eq!(tokens.len(), 6);
        prop_assert_eq!((tokens[0], tokens[3]), ("lane", "between"));
        for token in tokens {
            prop_assert!(!token.is_empty());
            prop_assert!(token.bytes().all(|b| b.is_ascii_graphic() && !b".*>$".contains(&b)), "{}", token);
        }
        prop_assert!(Subject::new(subject.as_str()).is_ok());
        prop_assert!(Lane::INFO.template.pattern().matches(&subject));
        // It is a literal for NATS: as a pattern it fits itself only.
        let pattern = SubjectPattern::new(subject.as_str()).unwrap();
        prop_assert!(pattern.matches(&subject) && !pattern.as_str().contains(['*', '>']));
    }

    #[test]
    fn any_subject_is_read_or_refused(text in "lane\\.[ -~]{0,12}\\.[0-9+-]{1,4}\\.between\\.[ -~]{0,12}\\.(true|false|1)") {
        if let Ok(subject) = Subject::new(&text)
            && let Ok(lane) = Lane::from_subject(&subject)
        {
            prop_assert_eq!(lane.subject().unwrap(), subject);
        }
    }

    #[test]
    fn strings_come_back(text in text()) {
        round_trip(&text);
        round_trip(&text.clone().into_boxed_str());
        round_trip(&Arc::<str>::from(text.as_str()));
        round_trip(&Name(text));
    }

    #[test]
    fn numbers_and_flags_come_back(
        unsigned in any::<(u8, u16, u32, u64)>(),
        signed in any::<(i8, i16, i32, i64)>(),
        large in any::<(u128, i128, usize, isize)>(),
        others in any::<(bool, char)>(),
    ) {
        round_trip(&unsigned);
        round_trip(&signed);
        round_trip(&large);
        round_trip(&others);
    }

    #[test]
    fn uuids_and_dates_come_back(bits in any::<u128>(), second in -377_705_023_201i64..253_402_207_200, nano in 0..1_000_000_000i32) {
        round_trip(&uuid::Uuid::from_u128(bits));
        let timestamp = jiff::Timestamp::new(second, nano).unwrap();
        round_trip(&timestamp);
        let civil = timestamp.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        round_trip(&civil);
        round_trip(&civil.date());
        round_trip(&civil.time());
    }
}
