use eventmodel::automation;

use crate::command::ScheduleCleaning;
use crate::model::Team;
use crate::model::booking::RoomBooked;

/// Puts each room that is booked on the list of the team that is on duty.
#[derive(Clone, Copy, Debug, Default)]
pub struct CleaningBot;

#[automation]
impl CleaningBot {
    fn room_booked(&self, event: &RoomBooked) -> ScheduleCleaning {
        ScheduleCleaning {
            room: event.room,
            date: event.date,
            team: Team::on_duty(event.date),
        }
    }
}
