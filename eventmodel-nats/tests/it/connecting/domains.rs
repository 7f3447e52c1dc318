//! JetStream that is somewhere else: behind a leaf node, in another account.

use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats_harness::Server;

use super::works;
use crate::builder;

/// The port at which a server takes leaf nodes.
fn leaf_port(server: &Server) -> u16 {
    let log = server.log();
    let says = "Listening for leafnode connections on 127.0.0.1:";
    let (_, port) = log.split_once(says).expect(&log);
    let end = port.find(|digit: char| !digit.is_ascii_digit());
    port[..end.unwrap_or(port.len())].parse().unwrap()
}

#[tokio::test]
async fn the_domain_of_a_hub_is_reached_through_a_leaf_node() {
    let hub = Server::builder()
        .jetstream("domain: hub")
        .config("leafnodes { listen: \"127.0.0.1:-1\" }");
    let hub = hub.start().await.unwrap();
    let port = leaf_port(&hub);
    // It has a JetStream of its own.
    let leaf = Server::builder().jetstream("domain: leaf").config(&format!(
        "leafnodes {{ remotes: [ {{ url: \"nats://127.0.0.1:{port}\" }} ] }}"
    ));
    let leaf = leaf.start().await.unwrap();
    works(builder().domain("hub"), leaf.url()).await;
    let names = async |server: &Server| {
        let client = eventmodel_nats::async_nats::connect(server.url())
            .await
            .unwrap();
        let account = jetstream::new(client).query_account().await.unwrap();
        account.streams
    };
    assert!(names(&hub).await > 0);
    assert_eq!(names(&leaf).await, 0);
}

#[tokio::test]
async fn the_jetstream_of_another_account_is_reached_by_the_prefix_of_its_import() {
    let server = Server::builder().config(
        "accounts {
  BOOKS {
    jetstream: enabled
    users: [ { user: books, password: books } ]
    exports: [
      { service: \"$JS.API.>\", response_type: stream }
      { service: \"$JS.ACK.>\" }
      { service: \"$KV.>\" }
      { service: \"*.item.*\" }
      { service: \"admin.>\" }
      { service: \"cleanup.>\" }
      { service: \"booking.>\" }
      { service: \"eventmodel.>\" }
    ]
  }
  DESK {
    users: [ { user: desk, password: desk } ]
    imports: [
      { service: { account: BOOKS, subject: \"$JS.API.INFO\" }, to: \"books.API.INFO\" }
      { service: { account: BOOKS, subject: \"$JS.API.STREAM.>\" }, to: \"books.API.STREAM.>\" }
      { service: { account: BOOKS, subject: \"$JS.API.CONSUMER.>\" }, to: \"books.API.CONSUMER.>\" }
      { service: { account: BOOKS, subject: \"$JS.API.DIRECT.>\" }, to: \"books.API.DIRECT.>\" }
      { service: { account: BOOKS, subject: \"$JS.ACK.>\" } }
      { service: { account: BOOKS, subject: \"$KV.>\" }, to: \"books.API.$KV.>\" }
      { service: { account: BOOKS, subject: \"*.item.*\" } }
      { service: { account: BOOKS, subject: \"admin.>\" } }
      { service: { account: BOOKS, subject: \"cleanup.>\" } }
      { service: { account: BOOKS, subject: \"booking.>\" } }
      { service: { account: BOOKS, subject: \"eventmodel.>\" } }
    ]
  }
}",
    );
    let server = server.start().await.unwrap();
    let desk = builder().user_and_password("desk", "desk");
    works(desk.api_prefix("books.API"), server.url()).await;
}
