//! The problems that all adapters know: their codes are the last part of their types and never change.

/// A type of problem.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProblemKind {
    /// What programs compare: `unknown-outcome`.
    pub code: &'static str,
    /// The status, as in HTTP.
    pub status: u16,
    /// What it is, in a line.
    pub title: &'static str,
    /// What it means and what to do.
    pub doc: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $code:literal $status:literal $title:literal $doc:literal;)*) => {
        $(
            #[doc = concat!("`", $code, "`, ", $status, ": ", $title, ".")]
            pub const $name: &ProblemKind = &ProblemKind {
                code: $code,
                status: $status,
                title: $title,
                doc: $doc,
            };
        )*

        /// All of them.
        pub const ALL: &[&ProblemKind] = &[$($name),*];
    };
}

kinds! {
    MALFORMED_BODY = "malformed-body" 400 "The body is not a JSON object"
        "The body could not be read as JSON, or it is not an object. The detail says where it broke, or the member \
         `errors` points at it. Correct the body and send it again.";
    MALFORMED_HEADER = "malformed-header" 400 "A header cannot be understood"
        "The member `header` names it, the detail says what it must look like. Nothing was executed.";
    MALFORMED_URL = "malformed-url" 400 "The address cannot be understood"
        "A part of the path or a parameter of the query is not correctly percent-encoded UTF-8, or has a value \
         that it cannot have. The detail says which.";
    INVALID_KEY = "invalid-key" 400 "Not a key of this view"
        "The parts of the key in the address are too many, or one of them is not of the type that it must be. \
         A number is written without a sign and without leading zeros, a date as 2022-12-31.";
    NOT_FOUND = "not-found" 404 "There is nothing here"
        "No route has this address. The index of the adapter lists the commands and the views.";
    UNKNOWN_COMMAND = "unknown-command" 404 "There is no such command"
        "No command of the event model has this address, or it is one that only automations issue. The index \
         lists the commands.";
    UNKNOWN_VIEW = "unknown-view" 404 "There is no such view"
        "No view of the event model has this address. The index lists the views.";
    UNKNOWN_LOG = "unknown-log" 404 "There is no such log"
        "The event model has no log of this name.";
    NO_INSTANCE = "no-such-instance" 404 "The view has nothing under this key"
        "No event was for the instance with this key. If it was recorded just now, ask with \
         `?after=<position of the receipt>`.";
    NOT_PARKED = "not-parked" 404 "Nothing like this is parked"
        "No automation has set aside what the request names; it may have been retried already.";
    METHOD = "method-not-allowed" 405 "Not with this method"
        "The header `Allow` lists the methods of this address.";
    TOO_SLOW = "request-timeout" 408 "The body did not arrive in time"
        "The body of the request was not complete when its time was over. Nothing was executed.";
    CONFLICT = "conflict" 409 "Others wrote first"
        "Each time the command was decided, another one had changed what it was decided on. Nothing was stored. \
         Send it again after the time in `Retry-After`.";
    LOG_REPLACED = "log-replaced" 410 "The log was replaced"
        "The position is of a log that was deleted, or is of another store: in the log that has its name now it means \
         nothing. Read from the beginning.";
    STALE = "stale" 412 "The instance has another revision"
        "The instance is not at the revision that `If-Match` or `If-None-Match` names. Nothing was stored. Look \
         at what has changed, and decide whether to send the command again. The member `actual` is the revision \
         that it has, 0 if nothing was recorded.";
    BODY_TOO_LARGE = "body-too-large" 413 "The body is too large"
        "The member `limit` is the number of bytes that are taken. Nothing was executed.";
    EVENT_TOO_LARGE = "event-too-large" 413 "An event is too large for the store"
        "An event that the command would record has more bytes than the store takes. Nothing was stored. Keep \
         large data elsewhere, and record where.";
    TOO_MANY_EVENTS = "too-many-events" 413 "The command records too many events at once"
        "The store takes fewer records in one step than the command would make: each event on each of its streams, and \
         each instance that is only guarded. Nothing was stored. Ask for less at once.";
    MEDIA_TYPE = "unsupported-media-type" 415 "The body must be JSON"
        "Send the header `Content-Type: application/json`, and the body without a content encoding.";
    MISDIRECTED = "misdirected" 421 "This program is not reached under that name"
        "The header `Host` names another host than those that this program is reached as. Nothing was executed. Whoever runs \
         the program says which they are.";
    INVALID = "invalid-fields" 422 "The command is not valid"
        "A field is missing, has the wrong type, or has a value that it cannot have, whatever the state is; or a \
         member stands in its object twice, or a number would be changed. The member `errors` lists what is wrong, \
         each with a JSON Pointer into the body of the request.";
    ID_REUSED = "id-reused" 422 "The id was used before"
        "Another command, or one with another body, was committed under this `Idempotency-Key`. Nothing was \
         stored. Use a key of its own for each command.";
    UNKNOWN_OUTCOME = "unknown-outcome" 503 "It is not known whether it was committed"
        "The command may have been committed. Send it again with the id in the member `commandId` as \
         `Idempotency-Key`: there will be one of it. Without that member, look at what was recorded before you \
         send it again.";
    NOT_REACHED = "not-reached" 503 "The view is not that far yet"
        "The view did not reach the position in time. Ask again, or wait longer with `Prefer: wait=<seconds>`.";
    VIEW_STOPPED = "view-stopped" 503 "The view has stopped"
        "The view has stopped at an event that it cannot read, so as not to skip it. The program must be mended.";
    UNAVAILABLE = "unavailable" 503 "The store is not available"
        "Nothing was stored. Send the request again after the time in `Retry-After`.";
    STORE_FULL = "store-full" 503 "The store is full"
        "Nothing was stored. An operator has to make room; reading goes on meanwhile. Send the request again after the \
         time in `Retry-After`.";
    SHUTTING_DOWN = "shutting-down" 503 "The server is shutting down"
        "Nothing was stored. Send the request again, to another process or later.";
    TOO_MANY_WATCHERS = "too-many-watchers" 503 "Too many watch already"
        "The server does not take more live views at the same time. Try again later, or ask without \
         `Accept: text/event-stream`.";
    OVERLOADED = "overloaded" 503 "Too many requests at the same time"
        "The process has as many commands in hand as it takes. Nothing was executed. Send it again after the time in \
         `Retry-After`.";
    PANICKED = "panicked" 500 "The program has a mistake"
        "A function of the program panicked: the decision of this command, or a handler of the state that it decides \
         on. Nothing was stored. Other commands go on. The log of the server says which function it was; until it is \
         mended, the same request is answered so again.";
    INTERNAL = "internal" 500 "The server has made a mistake"
        "The request is not to blame. The log of the server says what happened, for a command with the id in the \
         member `correlationId`, unless there are too many such lines.";
}
