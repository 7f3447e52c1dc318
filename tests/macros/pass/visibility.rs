//! Public types with private fields of private types, in modules that do not see each other's fields.

#![deny(warnings)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]
#![warn(
    unused_qualifications,
    unused_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    unused_results,
    let_underscore_drop,
    elided_lifetimes_in_paths,
    redundant_lifetimes
)]

/// Rooms.
pub mod room {
    use eventmodel::{Stream, SubjectToken};
    use serde::{Deserialize, Serialize};

    /// A room.
    #[derive(SubjectToken, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct RoomId(u32);

    impl RoomId {
        /// A room.
        #[must_use]
        pub fn new(number: u32) -> Self {
            Self(number)
        }
    }

    #[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, SubjectToken)]
    struct Secret(u32);

    /// Its lane.
    #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
    #[stream(subject = "room.{room}.{secret}")]
    pub struct Room {
        room: RoomId,
        secret: Secret,
    }

    /// It is there.
    #[derive(eventmodel::Event, Serialize, Deserialize, Clone, Debug)]
    #[event(stream = Room)]
    pub struct Created {
        room: RoomId,
        secret: Secret,
    }

    impl Created {
        /// It is there.
        #[must_use]
        pub fn new(room: RoomId) -> Self {
            Self {
                room,
                secret: Secret(0),
            }
        }
    }
}

/// Views.
pub mod view {
    use eventmodel::projection;
    use serde::{Deserialize, Serialize};

    use super::room::{Created, RoomId};

    /// How many.
    #[derive(Default, Clone, Debug, Serialize, Deserialize)]
    pub struct Count(u32);

    #[projection(key(room: RoomId))]
    impl Count {
        fn created(&mut self, _: &Created) {
            self.0 += 1;
        }
    }
}

#[test]
fn it_is_accepted_and_works() {
    use eventmodel::Event;
    let created = room::Created::new(room::RoomId::new(1));
    assert_eq!(created.subjects().unwrap()[0].as_str(), "room.1.0");
}
