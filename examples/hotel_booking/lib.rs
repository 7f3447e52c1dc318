//! A hotel as an event model: guests book, a bot plans the cleaning, teams clean, guests check in.
//!
//! One folder, one event model. What is on the board is a file here, and nothing else is:
//!
//! | folder | on the board |
//! |---|---|
//! | `adapter` | the lanes on top: how people reach it, and how it is started |
//! | `command` | the blue post-its: what is asked for, decided on the state |
//! | `model` | the rows at the bottom, and the orange post-its in them: what has happened |
//! | `projection` | the green post-its: what commands decide on, what people look at |
//! | `automation` | the gear: what happens by itself |
//!
//! [`hotel_booking`] is the board itself, in the order of time.
//!
//! ```
//! use eventmodel::MemoryStore;
//! use hotel_booking::command::{BookRoom, CreateRoom};
//! use hotel_booking::hotel_booking;
//! use hotel_booking::model::booking::{Booking, Status};
//! use hotel_booking::model::{Client, Room};
//! use hotel_booking::projection::Availability;
//! use jiff::civil::date;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hotel = hotel_booking().start(MemoryStore::new()).await?;
//! let (room, client, date) = (Room { id: 1 }, Client { id: 1 }, date(2022, 12, 12));
//! let _ = hotel.execute(CreateRoom { room }).await?;
//! let receipt = hotel.execute(BookRoom { room, client, date }).await?;
//!
//! let availability = hotel.view::<Availability>().after(receipt.position);
//! let day = availability.get(&Booking { room, date }).await?.unwrap_or_default();
//! assert_eq!(day.status, Status::Booked);
//! # hotel.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! - **A room is booked once, for ever.** The first event of a night is written only if there is none. A message id
//!   that a server remembers for two minutes would let the room go twice, two minutes apart.
//! - **A guest is let in on what the books say now.** The state that a decision was made on is the state that it is
//!   written on, or it is made again. A look at a view, and a write some time after it, would let in a guest whom
//!   someone else has just let in, or into a room that is not clean.
//! - **Cleaning is written whole.** The room that is clean and the room that is available are two events in two
//!   streams, stored together or not at all. Two writes, one after the other, would leave a clean room that no
//!   guest may enter when the program stops between them.
//! - **A request that is sent twice has its effect once**, and what the bot does about a booking it does once,
//!   though it may hear of the booking twice.
//! - **Everything is on record**: the events, in their order, and who asked for what, and how it ended.

pub mod automation;
pub mod command;
pub mod model;
pub mod projection;

use std::ops::RangeInclusive;

use eventmodel::{App, EventModel, ExecuteError, Slice};

use automation::CleaningBot;
use command::{BookRoom, CheckIn, CleanRoom, CreateRoom, CreateRoomRejection};
use model::Room;
use projection::{Availability, CleaningSchedule};

/// The rooms of the hotel, when it opens.
pub const ROOMS: RangeInclusive<u32> = 1..=10;

/// The board, in the order of time.
pub fn hotel_booking() -> EventModel {
    EventModel::new("hotel-booking")
        .slice(
            Slice::new("Manager creates a room")
                .actor("Manager")
                .screen("Rooms")
                .command::<CreateRoom>()
                .rule("a room is created once"),
        )
        .slice(
            Slice::new("User books the room")
                .actor("Guest")
                .screen("Booking form")
                .view::<Availability>()
                .command::<BookRoom>()
                .rule("the room must exist")
                .rule("it should be booked once")
                .rule("the booking process must be auditable"),
        )
        .slice(
            Slice::new("Bot schedules the cleaning for the date")
                .actor("Bot")
                .automation::<CleaningBot>()
                .rule("react to the booking")
                .rule("assign the team for the date")
                .rule("the schedule contains the room"),
        )
        .slice(
            Slice::new("The team cleans the room")
                .actor("Manager")
                .screen("Calendar")
                .view::<CleaningSchedule>()
                .command::<CleanRoom>()
                .rule("the room must be booked this day")
                .rule("it is cleaned once")
                .rule("the room becomes available when done"),
        )
        .slice(
            Slice::new("Guest checks in")
                .actor("Guest")
                .screen("Desk")
                .view::<Availability>()
                .command::<CheckIn>()
                .rule("the room needs to be available to check in")
                .rule("the guest who booked checks in, once")
                .rule("a guest who arrives after midnight comes for the night before")
                .rule("availability must be known in real time"),
        )
}

/// Creates those of the rooms that the hotel does not have yet.
///
/// # Errors
/// [`ExecuteError`] if one could not be created. Call it again: it goes on where it stopped.
pub async fn create_rooms(
    app: &App,
    rooms: RangeInclusive<u32>,
) -> Result<(), ExecuteError<CreateRoomRejection>> {
    for id in rooms {
        match app.execute(CreateRoom { room: Room { id } }).await {
            // Somebody may have created it before, under another id.
            Ok(_) | Err(ExecuteError::Rejected(CreateRoomRejection::RoomExists { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
