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

#[cfg(test)]
mod tests {
    use eventmodel::testing::automation_spec;
    use jiff::civil::date;

    use super::*;
    use crate::model::{Client, Room};

    #[test]
    fn the_room_that_was_booked_is_put_on_the_list_of_the_team_on_duty() {
        let (room, client, date) = (Room { id: 1 }, Client { id: 1 }, date(2022, 12, 12));
        automation_spec::<CleaningBot>()
            .given(RoomBooked { room, client, date })
            .then(ScheduleCleaning {
                room,
                date,
                team: Team::on_duty(date),
            });
    }
}
