//! The types come out of another macro, so that their tokens have its scope.

#![deny(warnings)]

use eventmodel::{Command, Decide, Decision, Event, Projection, Stream, emit, projection};
use serde::{Deserialize, Serialize};

macro_rules! model {
    ($stream:ident, $event:ident, $state:ident, $command:ident, $key:ident: $ty:ty) => {
        #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
        #[stream(subject = "made.{number}.{other}")]
        struct $stream {
            number: $ty,
            other: u32,
        }

        #[derive(Event, Serialize, Deserialize)]
        #[event(stream = $stream, key(other = self.$key + 1))]
        struct $event {
            number: $ty,
            $key: u32,
        }

        #[derive(Default, Clone, Serialize, Deserialize)]
        struct $state(u32);

        #[projection(key(number: $ty, sum: u32))]
        impl $state {
            #[key(sum = event.$key)]
            fn happened(&mut self, event: &$event) {
                self.0 += event.number;
            }
        }

        #[derive(Command, Serialize, Deserialize)]
        #[command(emits($event), id = "{number}")]
        struct $command {
            number: $ty,
        }

        impl Decide for $command {
            fn decide(&self, (): &()) -> Decision<Self> {
                emit($event {
                    number: self.number,
                    $key: 1,
                })
            }
        }
    };
}

model!(Row, Happened, Sum, Happen, extra: u32);

#[test]
fn it_is_accepted_and_works() {
    let event = Happened {
        number: 1,
        extra: 1,
    };
    assert_eq!(event.subjects().unwrap()[0].as_str(), "made.1.2");
    assert_eq!(Happened::INFO.ty.file, file!());
    assert_eq!(Sum::INFO.key, ["number", "sum"]);
    assert_eq!(Happen { number: 4 }.id().unwrap(), "happen:4");
}
