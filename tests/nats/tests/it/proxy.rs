use std::time::Duration;

use async_nats::jetstream;
use eventmodel_nats_harness::{Direction, Proxy, Server, When};
use support::until;

use crate::{connect, create, messages, publish, within};

/// A server with a log, a proxy in front of it, a client in front of that, and one beside it.
async fn behind_a_proxy() -> (Server, Proxy, jetstream::Context, jetstream::Context) {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let direct = connect(vec![server.url()]).await;
    create(&direct, "log", 1).await;
    let client = async_nats::ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(10))
        .connect(proxy.url())
        .await
        .unwrap();
    let mut context = jetstream::new(client);
    context.set_timeout(Duration::from_secs(1));
    (server, proxy, context, direct)
}

#[tokio::test]
async fn a_client_that_is_cut_comes_back_through_the_proxy() {
    let (_server, proxy, context, direct) = behind_a_proxy().await;
    publish(&context, "log.1".into()).await;
    proxy.cut();
    until("it is connected", async || proxy.connections() == 1).await;
    within(async {
        while context
            .publish("log.2", "".into())
            .await
            .unwrap()
            .await
            .is_err()
        {}
    })
    .await;
    assert!(messages(&direct, "log").await >= 2);
}

#[tokio::test]
async fn a_cut_before_a_text_keeps_it_from_the_server() {
    let (_server, proxy, context, direct) = behind_a_proxy().await;
    let fault = proxy.cut_at(Direction::ToServer, When::seen("log.second"));
    publish(&context, "log.first".into()).await;
    let lost = context.publish("log.second", "".into()).await.unwrap();
    within(fault.happened()).await;
    assert!(lost.await.is_err());
    assert_eq!(messages(&direct, "log").await, 1);
}

#[tokio::test]
async fn a_cut_before_an_answer_loses_it_after_the_server_has_stored() {
    let (_server, proxy, context, direct) = behind_a_proxy().await;
    let fault = proxy.cut_at(Direction::ToClient, When::seen("\"seq\":"));
    let unknown = context.publish("log.1", "".into()).await.unwrap();
    within(fault.happened()).await;
    assert!(unknown.await.is_err());
    assert_eq!(messages(&direct, "log").await, 1);
}

#[tokio::test]
async fn what_is_blocked_arrives_after_the_client_has_given_up() {
    let (_server, proxy, context, direct) = behind_a_proxy().await;
    let fault = proxy.block_at(Direction::ToServer, When::seen("log.1"));
    let unknown = context.publish("log.1", "".into()).await.unwrap();
    within(fault.happened()).await;
    assert!(unknown.await.is_err());
    assert_eq!(messages(&direct, "log").await, 0);
    proxy.unblock();
    within(async { while messages(&direct, "log").await == 0 {} }).await;
}

#[tokio::test]
async fn no_client_is_admitted_while_the_proxy_refuses() {
    let (_server, proxy, _context, _direct) = behind_a_proxy().await;
    proxy.refuse();
    proxy.cut();
    assert!(async_nats::connect(proxy.url()).await.is_err());
    proxy.admit();
    async_nats::connect(proxy.url()).await.unwrap();
}

#[tokio::test]
async fn a_cut_after_some_bytes_cuts_everybody() {
    let (_server, proxy, context, _direct) = behind_a_proxy().await;
    let other = async_nats::connect(proxy.url()).await.unwrap();
    proxy.refuse();
    let fault = proxy.cut_at(Direction::ToServer, When::Bytes(10));
    let _lost = context.publish("log.1", "payload".into()).await.unwrap();
    within(fault.happened()).await;
    until("it is cut", async || proxy.connections() == 0).await;
    until("the other one is told", async || {
        other.connection_state() != async_nats::connection::State::Connected
    })
    .await;
}
