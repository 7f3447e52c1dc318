//! What the program says when it has started: all that can be done with it, ready to be pasted.

use super::store::StoreChoice;

/// The text for a hotel at this address.
pub(crate) fn text(url: &str, store: &StoreChoice) -> String {
    let put = |command: &str, data: &str| {
        format!(
            "curl --request PUT --url {url}/mutation/{command} \
             --header 'Content-Type: application/json' --data '{{\"data\": {data}}}'"
        )
    };
    let book = put(
        "book-room",
        r#"{"room": {"id": 1}, "client": {"id": 1}, "date": "2022-12-12"}"#,
    );
    let clean = put("cleanup", r#"{"room": {"id": 1}, "date": "2022-12-12"}"#);
    let check_in = put(
        "checkin",
        r#"{"room": {"id": 1}, "client": {"id": 1}, "date": "2022-12-13"}"#,
    );
    let over_nats = match store {
        StoreChoice::Memory => "",
        StoreChoice::Nats(_) => {
            "
The same commands over NATS, and who serves them:

nats request hotel-booking.command.book-room '{\"data\": {\"room\": {\"id\": 2}, \"client\": {\"id\": 1}, \"date\": \"2022-12-12\"}}'
nats micro info hotel-booking
"
        }
    };
    let kept = match store {
        StoreChoice::Memory => "Its books are in memory, and end with the program.",
        StoreChoice::Nats(_) => {
            "Its books are in NATS JetStream; `nats stream view hotel` shows them."
        }
    };
    format!(
        "\
The hotel is open at {url}, with rooms 1 to 10. {kept}

Book a room, clean it, and arrive after midnight. In another terminal, in this order:

{book}

{clean}

{check_in}

Each answers 201. Send one again, or in another order, and 409 says which rule it breaks.

Look at it:

curl {url}/query/availability/1/2022-12-12
curl {url}/query/availability
curl {url}/query/cleaning-schedule/2022-12-12
curl --no-buffer --header 'Accept: text/event-stream' {url}/query/availability   # live

The record, for the back office: how each command ended, and what has happened:

curl {url}/admin/audit
curl {url}/admin/events
{over_nats}
All commands and views, with their fields: curl {url}/
Ctrl-C closes the hotel.
"
    )
}
