//! A hotel that listens on a port of its own.

use std::ops::Deref;

use eventmodel::{AppOptions, MemoryStore, Store};
use eventmodel_http::Http;
use hotel_booking::{ROOMS, create_rooms, hotel_booking};
use support::served::Served;

pub(crate) struct Hotel(Served);

impl Hotel {
    /// With its rooms, and its back office under `/admin`.
    pub(crate) async fn open() -> Self {
        Self::open_on(MemoryStore::new(), AppOptions::new()).await
    }

    /// As [`open`](Self::open), with its books in this store.
    pub(crate) async fn open_on(store: impl Store, options: AppOptions) -> Self {
        let app = hotel_booking().start_with(store, options).await.unwrap();
        create_rooms(&app, ROOMS).await.unwrap();
        let http = Http::new(app.clone());
        let router = http.router().nest("/admin", http.admin());
        Self(Served::open(app, router).await)
    }

    /// Stops it in good order; live views have ended then.
    pub(crate) async fn close(self) {
        self.0.close().await;
    }
}

impl Deref for Hotel {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.0
    }
}
