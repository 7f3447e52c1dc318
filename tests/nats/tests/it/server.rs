use eventmodel_nats_harness::{Error, Server, shared_server, unique};
use support::until;

use crate::{connect, create, messages, publish};

#[tokio::test]
async fn a_server_keeps_its_port_and_its_data_over_a_kill_and_over_a_stop() {
    let server = Server::start().await.unwrap();
    let url = server.url();
    let context = connect(vec![url.clone()]).await;
    create(&context, "log", 1).await;
    publish(&context, "log.1".into()).await;
    server.stop().await.unwrap();
    assert!(!server.is_running());
    server.restart().await.unwrap();
    assert_eq!(server.url(), url);
    publish(&connect(vec![url.clone()]).await, "log.2".into()).await;
    server.kill();
    assert!(!server.is_running());
    server.restart().await.unwrap();
    assert_eq!(messages(&connect(vec![url]).await, "log").await, 2);
}

#[tokio::test]
async fn nothing_is_left_of_a_server_that_is_dropped() {
    let server = Server::start().await.unwrap();
    let (address, directory) = (server.address(), server.directory().to_owned());
    assert!(directory.exists());
    server.pause().unwrap();
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_paused_server_answers_when_it_is_resumed() {
    let server = Server::start().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    server.pause().unwrap();
    let flush = tokio::spawn(async move { client.flush().await.map(|()| client) });
    let refused = async_nats::ConnectOptions::new()
        .connection_timeout(std::time::Duration::from_millis(200))
        .connect(server.url())
        .await;
    assert!(refused.is_err(), "a paused server greeted a client");
    server.resume().unwrap();
    let client = flush.await.unwrap().unwrap();
    client.request("$JS.API.INFO", "".into()).await.unwrap();
}

#[tokio::test]
async fn a_server_in_lame_duck_mode_ends() {
    let server = Server::start().await.unwrap();
    server.lame_duck().unwrap();
    until("it has ended", async || !server.is_running()).await;
    assert!(matches!(server.pause(), Err(Error::NotRunning)));
}

#[tokio::test]
async fn the_configuration_is_the_server_s() {
    let server = Server::builder()
        .config("max_payload: 1KB")
        .jetstream("max_file_store: 1MB")
        .start()
        .await
        .unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    assert_eq!(client.server_info().max_payload, 1024);
    let log = server.log();
    assert!(log.contains("Max Storage:     1.00 MB"), "{log}");
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_its_log() {
    let error = Server::builder()
        .config("no_such_setting: 1")
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn the_shared_server_is_one() {
    let url = shared_server().await.unwrap();
    assert_eq!(url, shared_server().await.unwrap());
    let context = connect(vec![url]).await;
    let name = unique("log");
    create(&context, &name, 1).await;
    assert_eq!(messages(&context, &name).await, 0);
}
