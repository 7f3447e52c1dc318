//! The hotel's clients under load: no room is given to two guests, and nobody sleeps in a room that is
//! not clean.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use eventmodel::{Decide, Decision, RecordedEvent, Unguarded};
use hotel_booking::command::{BookRoom, CheckIn, CleanRoom, CreateRoom};
use hotel_booking::model::admin::{Admin, RoomCreated};
use hotel_booking::model::booking::{Booking, GuestCheckedIn, RoomAvailable, RoomBooked, Status};
use hotel_booking::model::cleanup::{Cleanup, RoomCleanedUp, RoomCleaningScheduled};
use hotel_booking::model::{Client, Room};
use hotel_booking::projection::{Availability, CleaningSchedule, CleaningTask, HotelRoom, RoomDay};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use tokio::task::JoinSet;

use support::world::{Decisions, World, fold};

/// The last of them is never built.
const ROOMS: u32 = 3;
const NIGHTS: u32 = 3;
const GUESTS: u32 = 3;
/// How many commands a client sends of one night and its neighbours.
pub(crate) const COMMANDS: usize = 12;

type Log = [RecordedEvent];

fn room_day(log: &Log, room: Room, date: Date) -> RoomDay {
    fold(log, &Booking { room, date })
}

fn creating(command: &CreateRoom, log: &Log, _: &Log) -> Vec<Decision<CreateRoom>> {
    let room = command.room;
    vec![command.decide(&fold::<HotelRoom>(log, &Admin { room }))]
}

fn booking(command: &BookRoom, log: &Log, consulted: &Log) -> Vec<Decision<BookRoom>> {
    let BookRoom { room, date, .. } = *command;
    let exists = Unguarded::new(fold(consulted, &Admin { room }));
    vec![command.decide(&(room_day(log, room, date), exists))]
}

fn cleaning(command: &CleanRoom, log: &Log, _: &Log) -> Vec<Decision<CleanRoom>> {
    let CleanRoom { room, date, .. } = *command;
    let task: CleaningTask = fold(log, &Cleanup { room, date });
    vec![command.decide(&(room_day(log, room, date), task))]
}

fn checking_in(command: &CheckIn, log: &Log, consulted: &Log) -> Vec<Decision<CheckIn>> {
    let CheckIn { room, date, .. } = *command;
    // Of its two nights, the one that it writes is guarded.
    let nights = |tonight, last_night: &Log| {
        let tonight = Unguarded::new(room_day(tonight, room, date));
        let last_night = room_day(last_night, room, date.yesterday().unwrap());
        command.decide(&(tonight, Unguarded::new(last_night)))
    };
    vec![nights(log, consulted), nights(consulted, log)]
}

/// Lets so many clients send so many commands each, and checks all that must hold in the end.
pub(crate) async fn play(world: &Arc<World>, clients: usize, commands: usize) {
    play_while(world, clients, move |n| n < commands).await;
}

/// As [`play`], as long as a client that has sent so many commands is to go on.
pub(crate) async fn play_while(
    world: &Arc<World>,
    clients: usize,
    goes_on: impl Fn(usize) -> bool + Clone + Send + Sync + 'static,
) {
    let mut sending = JoinSet::new();
    for client in 0..clients {
        sending.spawn(be_a_client(world.clone(), client, goes_on.clone()));
    }
    while let Some(ended) = sending.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    let log = world.finish().await;
    world.check_commands(&log);
    check_nights(&log);
    world.check_view::<Availability>(&log).await;
    world.check_view::<CleaningSchedule>(&log).await;
}

async fn be_a_client(world: Arc<World>, number: usize, goes_on: impl Fn(usize) -> bool) {
    for n in (0..).take_while(|n| goes_on(*n)) {
        world.rest().await;
        let id = format!("c{number}-{n}");
        let room = Room {
            id: 1 + world.below(ROOMS),
        };
        let client = Client {
            id: 1 + world.below(GUESTS),
        };
        let night = world.below(NIGHTS);
        let date = date(2022, 12, 12 + i8::try_from(night).unwrap());
        // Time goes on, so that there is always something to book.
        let date = date.saturating_add(i64::try_from(n / COMMANDS).unwrap().days());
        match world.below(10) {
            0 | 1 => {
                let room = Room {
                    id: room.id.min(ROOMS - 1),
                };
                send(&world, id, CreateRoom { room }, creating).await;
            }
            2..=4 => send(&world, id, BookRoom { room, client, date }, booking).await,
            5 | 6 => {
                let team = None;
                send(&world, id, CleanRoom { room, date, team }, cleaning).await;
            }
            _ => send(&world, id, CheckIn { room, client, date }, checking_in).await,
        }
    }
}

async fn send<C>(world: &World, id: String, command: C, decisions: Decisions<C>)
where
    C: Decide + Clone + Debug,
{
    let Some(receipt) = world.send(id, command, decisions).await else {
        return;
    };
    if let Some(Ok(RoomBooked { room, date, client })) =
        receipt.events.first().map(RecordedEvent::decode)
    {
        let (room, date) = (*room, *date);
        let night = Booking { room, date };
        let seen: Availability = world.view_after(&receipt, &night).await;
        assert_eq!(seen.client, Some(*client));
    }
}

/// The rules of the board, told once more and in another way.
fn check_nights(log: &Log) {
    let mut rooms: BTreeMap<u32, u32> = BTreeMap::new();
    let mut nights: BTreeMap<(u32, Date), (Status, Client)> = BTreeMap::new();
    let mut scheduled: BTreeMap<(u32, Date), u32> = BTreeMap::new();
    let mut cleaned: BTreeMap<(u32, Date), u32> = BTreeMap::new();
    for event in log {
        if let Ok(RoomCreated { room }) = event.decode() {
            *rooms.entry(room.id).or_default() += 1;
        } else if let Ok(RoomBooked { room, date, client }) = event.decode() {
            assert!(rooms.contains_key(&room.id), "{room} exists");
            let before = nights.insert((room.id, *date), (Status::Booked, *client));
            assert_eq!(before, None, "{room} is booked once for {date}");
        } else if let Ok(RoomAvailable { room, date }) = event.decode() {
            let night = nights.get_mut(&(room.id, *date)).expect("it is booked");
            assert_eq!(night.0, Status::Booked, "{room} is cleaned once for {date}");
            night.0 = Status::Available;
        } else if let Ok(GuestCheckedIn { room, client, date }) = event.decode() {
            let night = nights.get_mut(&(room.id, *date)).expect("it is booked");
            assert_eq!(*night, (Status::Available, *client), "{room} on {date}");
            night.0 = Status::Occupied;
        } else if let Ok(RoomCleaningScheduled { room, date, .. }) = event.decode() {
            *scheduled.entry((room.id, *date)).or_default() += 1;
        } else if let Ok(RoomCleanedUp { room, date, .. }) = event.decode() {
            *cleaned.entry((room.id, *date)).or_default() += 1;
        } else {
            panic!("what is {event:?}?");
        }
    }
    let once = |counts: &BTreeMap<_, u32>| counts.values().all(|n| *n == 1);
    assert!(rooms.values().all(|n| *n == 1), "{rooms:?}");
    assert!(
        once(&scheduled) && once(&cleaned),
        "{scheduled:?} {cleaned:?}"
    );
    for (night, (status, _)) in &nights {
        let is_clean = *status != Status::Booked;
        assert_eq!(cleaned.contains_key(night), is_clean, "both, or neither");
        // The bot has nothing to do for a room that was clean before it heard of the booking.
        assert!(is_clean || scheduled.contains_key(night), "{night:?}");
    }
}
