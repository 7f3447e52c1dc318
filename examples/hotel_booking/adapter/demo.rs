//! The story of the board, played by itself.

use std::io::{self, Write};

use eventmodel::store::{AuditEntry, AuditQuery};
use eventmodel::{App, EventQuery, ExecuteOptions, Failure, StoreError, ViewError};
use futures_util::TryStreamExt;
use hotel_booking::command::{BookRoom, CheckIn, CleanRoom};
use hotel_booking::model::booking::Booking;
use hotel_booking::model::cleanup::Cleanup;
use hotel_booking::model::{Client, Room};
use hotel_booking::projection::{Availability, CleaningSchedule};
use jiff::civil::{Date, date};

use super::narrator::Narrator;

const ROOM: Room = Room { id: 1 };
const NIGHT: Date = date(2022, 12, 12);
const DAY_AFTER: Date = date(2022, 12, 13);

/// Why the story broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("a command failed")]
    Command(#[source] Failure),
    #[error("a view did not answer")]
    View(#[from] ViewError),
    #[error("the events cannot be read")]
    Events(#[from] StoreError),
    #[error("a name cannot be used")]
    Name(#[from] eventmodel::record::SubjectError),
    #[error("the story cannot be printed")]
    Print(#[from] io::Error),
}

/// Plays the story on a hotel that has its rooms, and prints it.
pub(crate) async fn play(app: &App, out: impl Write) -> Result<(), DemoError> {
    let mut story = Story {
        app,
        narrator: Narrator::new(app.clone(), out),
    };
    story.booking().await?;
    story.cleaning().await?;
    story.checking_in().await?;
    story.record().await
}

struct Story<'a, W> {
    app: &'a App,
    narrator: Narrator<W>,
}

impl<W: Write> Story<'_, W> {
    async fn booking(&mut self) -> Result<(), DemoError> {
        self.narrator
            .heading("A guest books room 1 for the night of 2022-12-12")?;
        self.look_at_room("Guest 1").await?;
        let book = |client| BookRoom {
            room: ROOM,
            client: Client { id: client },
            date: NIGHT,
        };
        // The same request twice, as a browser sends it when the first answer got lost.
        let sent = ExecuteOptions::new()
            .id(eventmodel::CommandId::fresh())
            .source("Guest 1");
        let does = "books the room";
        self.narrator
            .execute_with("Guest 1", does, book(1), sent.clone())
            .await?;
        let does = "sends the same request again";
        self.narrator
            .execute_with("Guest 1", does, book(1), sent)
            .await?;
        self.narrator
            .execute("Guest 2", "wants the same room, that night", book(2))
            .await?;
        let room = Room { id: 99 };
        self.narrator
            .execute("Guest 2", "tries room 99", BookRoom { room, ..book(2) })
            .await?;
        self.look_at_room("Guest 2").await
    }

    async fn cleaning(&mut self) -> Result<(), DemoError> {
        self.narrator
            .heading("The bot plans the cleaning, the team cleans")?;
        self.app.settled().await?;
        let planned = EventQuery::new().of(&Cleanup {
            room: ROOM,
            date: NIGHT,
        })?;
        let planned: Vec<_> = self.app.events(planned).try_collect().await?;
        self.narrator
            .who("Bot", "has seen the booking, and tells the team on duty")?;
        self.narrator.events(&planned)?;
        self.look_at_calendar().await?;
        let check_in = CheckIn {
            room: ROOM,
            client: Client { id: 1 },
            date: NIGHT,
        };
        self.narrator
            .execute("Guest 1", "comes too early", check_in)
            .await?;
        let clean = |id| CleanRoom {
            room: Room { id },
            date: NIGHT,
            team: None,
        };
        self.narrator
            .execute("Manager", "reports that the room is clean", clean(1))
            .await?;
        self.narrator
            .execute("Manager", "reports it again", clean(1))
            .await?;
        let does = "reports room 2, which nobody has booked";
        self.narrator.execute("Manager", does, clean(2)).await?;
        self.look_at_calendar().await
    }

    async fn checking_in(&mut self) -> Result<(), DemoError> {
        self.narrator
            .heading("The guest arrives after midnight, on 2022-12-13")?;
        self.look_at_room("Desk").await?;
        let check_in = |id| CheckIn {
            room: ROOM,
            client: Client { id },
            date: DAY_AFTER,
        };
        self.narrator
            .execute("Guest 2", "wants to check in", check_in(2))
            .await?;
        self.narrator
            .execute("Guest 1", "checks in, for the night before", check_in(1))
            .await?;
        self.narrator
            .execute("Guest 1", "checks in again", check_in(1))
            .await?;
        self.look_at_room("Desk").await
    }

    async fn record(&mut self) -> Result<(), DemoError> {
        self.narrator
            .heading("All of it is on record: who asked for what, and which events it gave")?;
        let mut entries = self.app.audit(&AuditQuery::new()).await?;
        // The newest comes first. The opening of the hotel is not a part of the story.
        entries.reverse();
        entries.retain(|entry| &*entry.command != "CreateRoom");
        // The bot may be done before the request that it reacts to was noted: what followed from one request
        // stands together, the cause first.
        let first = |entry: &AuditEntry| {
            let same = |other: &AuditEntry| other.correlation_id == entry.correlation_id;
            (entries.iter().position(same), entry.causation_id.is_some())
        };
        let mut story: Vec<_> = entries.iter().collect();
        story.sort_by_key(|entry| first(entry));
        self.narrator.audit(story)?;
        Ok(())
    }

    async fn look_at_room(&mut self, who: &str) -> Result<(), DemoError> {
        self.app.settled().await?;
        self.narrator.who(who, "looks at room 1")?;
        let key = Booking {
            room: ROOM,
            date: NIGHT,
        };
        let Availability { status, client } = self
            .app
            .view::<Availability>()
            .get(&key)
            .await?
            .unwrap_or_default();
        let status = format!("{status:?}").to_lowercase();
        let whose = client.map(|client| format!(", guest {}", client.id));
        self.narrator
            .then(&format!("{status}{}", whose.unwrap_or_default()))?;
        Ok(())
    }

    async fn look_at_calendar(&mut self) -> Result<(), DemoError> {
        self.app.settled().await?;
        self.narrator.who("Manager", "looks at the calendar")?;
        let day = self
            .app
            .view::<CleaningSchedule>()
            .get(&NIGHT)
            .await?
            .unwrap_or_default();
        for planned in day.rooms {
            let done = if planned.done { "done" } else { "to do" };
            self.narrator
                .then(&format!("{}: {}, {done}", planned.room, planned.team))?;
        }
        Ok(())
    }
}
