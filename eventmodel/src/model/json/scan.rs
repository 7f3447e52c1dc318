//! One pass over a text that is known to be JSON, to find what the grammar allows and this library refuses.

use std::borrow::Cow;

use super::{JsonText, without_position};
use crate::model::json::number;

/// What is wrong with a text, and where: the names and indices that lead there.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) fault: Fault,
    pub(super) path: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Fault {
    /// An object has two members of this name.
    Doubled,
    /// A reader would take the value of this member for something else than was sent.
    Reserved,
    TooDeep,
    /// A number is beyond what a 64-bit float can be.
    TooLarge,
    /// A number as it is sent, and what it would become.
    Changed {
        sent: String,
        becomes: String,
    },
    /// The escapes of a string are no Unicode.
    NotUnicode(String),
}

/// A member of such a name stands for JSON in a string, or for a number, where `serde_json` reads a `Value`.
const RESERVED: &str = "$serde_json::private::";

/// Looks for what is wrong with a text.
pub(super) fn check(text: &str) -> Result<(), Finding> {
    Scanner::new(text, false).value(&Step::Root)
}

/// The same, and for a number that [`serde_json::Number`] would change.
pub(super) fn check_exact(text: &str) -> Result<(), Finding> {
    Scanner::new(text, true).value(&Step::Root)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// How many objects and arrays are open.
    depth: usize,
    /// The names of the objects that are open, the innermost last.
    names: Vec<Cow<'a, str>>,
    exact: bool,
}

/// The path to a value. It lives on the stack, and is written out only when something is wrong.
#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Member(&'p Step<'p>, &'p str),
    Element(&'p Step<'p>, usize),
}

impl Step<'_> {
    fn path(&self) -> Vec<String> {
        let mut path = Vec::new();
        let mut step = self;
        loop {
            let (above, part) = match step {
                Step::Root => break,
                Step::Member(above, name) => (above, (*name).to_owned()),
                Step::Element(above, index) => (above, index.to_string()),
            };
            path.push(part);
            step = above;
        }
        path.reverse();
        path
    }

    fn finding(&self, fault: Fault) -> Finding {
        let path = self.path();
        Finding { fault, path }
    }
}

type Scanned<T> = Result<T, Finding>;

impl<'a> Scanner<'a> {
    fn new(text: &'a str, exact: bool) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            names: Vec::new(),
            exact,
        }
    }

    fn value(&mut self, here: &Step<'_>) -> Scanned<()> {
        match self.next() {
            b'{' => self.object(here),
            b'[' => self.array(here),
            b'"' => self.string(here).map(drop),
            _ => self.scalar(here),
        }
    }

    fn object(&mut self, here: &Step<'_>) -> Scanned<()> {
        self.open(here)?;
        let outer = self.names.len();
        while self.goes_on(b'}') {
            let name = self.string(here)?;
            self.next();
            self.at += 1;
            let member = Step::Member(here, &name);
            if name.starts_with(RESERVED) {
                return Err(member.finding(Fault::Reserved));
            }
            self.value(&member)?;
            self.names.push(name);
        }
        let names = &mut self.names[outer..];
        names.sort_unstable();
        if let Some([name, ..]) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Step::Member(here, name).finding(Fault::Doubled));
        }
        self.names.truncate(outer);
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self, here: &Step<'_>) -> Scanned<()> {
        self.open(here)?;
        let mut index = 0;
        while self.goes_on(b']') {
            self.value(&Step::Element(here, index))?;
            index += 1;
        }
        self.depth -= 1;
        Ok(())
    }

    fn open(&mut self, here: &Step<'_>) -> Scanned<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > JsonText::MAX_DEPTH {
            return Err(here.finding(Fault::TooDeep));
        }
        Ok(())
    }

    /// Steps over the comma before the next item, or over what closes the object or array.
    fn goes_on(&mut self, close: u8) -> bool {
        let mut next = self.next();
        if next == b',' {
            self.at += 1;
            next = self.next();
        }
        if next == close {
            self.at += 1;
        }
        next != close
    }

    /// A string, decoded.
    fn string(&mut self, here: &Step<'_>) -> Scanned<Cow<'a, str>> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.byte() {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = &self.text[start..self.at];
        if !escaped {
            return Ok(Cow::Borrowed(&quoted[1..quoted.len() - 1]));
        }
        serde_json::from_str(quoted)
            .map(Cow::Owned)
            .map_err(|error| here.finding(Fault::NotUnicode(without_position(&error))))
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self, here: &Step<'_>) -> Scanned<()> {
        let start = self.at;
        while !matches!(
            self.byte(),
            b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'
        ) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Ok(());
        }
        if number::is_too_large(text) {
            return Err(here.finding(Fault::TooLarge));
        }
        if self.exact
            && let Some(becomes) = number::change_of(text)
        {
            let sent = text.to_owned();
            return Err(here.finding(Fault::Changed { sent, becomes }));
        }
        Ok(())
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> u8 {
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
        self.byte()
    }

    /// The byte here. The end of the text counts as a comma.
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(b',')
    }
}
