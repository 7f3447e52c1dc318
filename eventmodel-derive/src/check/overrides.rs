//! `key(..)` of an event or of a command, as far as one macro can see. Whether a stream has the field is asked in
//! the expansion, where the compiler knows.

use crate::attr::overrides::Override;
use crate::ctxt::Ctxt;

/// `count` is the number of streams or states, called `what`.
pub(crate) fn check(ctxt: &Ctxt, overrides: &[Override], count: usize, what: &str) {
    for over in overrides {
        match &over.index {
            _ if count == 0 => {
                ctxt.error(
                    &over.field,
                    format_args!("there is no {what} whose key this could be a field of"),
                );
            }
            Some((index, literal)) if *index >= count => {
                ctxt.error_at(
                    literal.span(),
                    format_args!(
                        "there is no {what} {index}: there {}, counted from 0",
                        number(count)
                    ),
                );
            }
            _ => {}
        }
    }
}

fn number(count: usize) -> String {
    if count == 1 {
        "is 1".to_owned()
    } else {
        format!("are {count}")
    }
}
