//! A library that lends books: the board, and the program.

mod bookshelf;
mod borrow_copy;
mod holder;
mod loan;
mod return_copy;

use bookshelf::Bookshelf;
use borrow_copy::BorrowCopy;
use eventmodel::{EventModel, MemoryStore, Slice};
use eventmodel_http::{router, serve, shutdown_signal};
use return_copy::ReturnCopy;
use tokio::net::TcpListener;

/// The board, in the order of time.
fn lending() -> EventModel {
    EventModel::new("lending")
        .slice(
            Slice::new("Member borrows a copy")
                .actor("Member")
                .screen("Desk")
                .command::<BorrowCopy>()
                .rule("a copy is lent to one member at a time"),
        )
        .slice(
            Slice::new("Member brings the copy back")
                .actor("Member")
                .screen("My bookshelf")
                .view::<Bookshelf>()
                .command::<ReturnCopy>()
                .rule("only a copy that is lent comes back"),
        )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = lending().start(MemoryStore::new()).await?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    serve(listener, router(app.clone()), app, shutdown_signal()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_member_borrows_is_on_the_bookshelf() -> Result<(), Box<dyn std::error::Error>> {
        let app = lending().start(MemoryStore::new()).await?;
        let ada = "Ada".to_owned();
        let borrow = BorrowCopy {
            copy: 7,
            member: ada.clone(),
        };
        let receipt = app.execute(borrow).await?;

        let shelf = app.view::<Bookshelf>().after(receipt.position);
        let shelf = shelf.get(&ada).await?.unwrap_or_default();
        assert!(shelf.copies.contains(&7));
        app.shutdown().await?;
        Ok(())
    }
}
