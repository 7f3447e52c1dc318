//! The hotel under faults.

use eventmodel_testing::FaultyStore;
use hotel_booking::hotel_booking;
use support::seeds::{assert_all_happened, under_seeds};
use support::world::World;

use crate::hotel::load::{COMMANDS, play};

const CLIENTS: usize = 4;

#[test]
fn a_room_has_one_guest_a_night_who_finds_it_clean() {
    let injected = under_seeds(250, story);
    if std::env::var_os("SEED").is_none() {
        assert_all_happened(injected);
    }
}

async fn story(seed: u64) -> FaultyStore {
    let world = World::start(hotel_booking, seed).await;
    play(&world, CLIENTS, COMMANDS).await;
    world.store()
}
