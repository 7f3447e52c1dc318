use eventmodel_nats_harness::{Cluster, shared_cluster, unique};

use crate::{connect, create, messages, publish, within};

#[tokio::test]
async fn a_cluster_of_three_survives_each_way_to_lose_the_leader() {
    let cluster = Cluster::start().await.unwrap();
    let context = connect(cluster.urls()).await;
    create(&context, "log", 3).await;
    let first = cluster.leader_of("log").await.unwrap();
    publish(&context, "log.1".into()).await;

    cluster.node(first).kill();
    let second = cluster.leader_of("log").await.unwrap();
    assert_ne!(first, second);
    publish(
        &connect(vec![cluster.node(second).url()]).await,
        "log.2".into(),
    )
    .await;
    cluster.node(first).restart().await.unwrap();

    cluster.node(second).pause().unwrap();
    let third = cluster.leader_of("log").await.unwrap();
    assert_ne!(second, third);
    publish(
        &connect(vec![cluster.node(third).url()]).await,
        "log.3".into(),
    )
    .await;
    cluster.node(second).resume().unwrap();
    cluster.wait_healthy().await.unwrap();

    let before = cluster.leader_of("log").await.unwrap();
    assert_ne!(cluster.step_down("log").await.unwrap(), before);
    assert_eq!(messages(&connect(cluster.urls()).await, "log").await, 3);
}

#[tokio::test]
async fn a_cluster_comes_back_after_all_of_it_was_killed() {
    let cluster = Cluster::start().await.unwrap();
    let context = connect(cluster.urls()).await;
    create(&context, "log", 3).await;
    publish(&context, "log.1".into()).await;
    for node in cluster.nodes() {
        node.kill();
    }
    for node in cluster.nodes() {
        node.launch().unwrap();
    }
    cluster.wait_healthy().await.unwrap();
    cluster.leader_of("log").await.unwrap();
    assert_eq!(messages(&connect(cluster.urls()).await, "log").await, 1);
}

#[tokio::test]
async fn the_shared_cluster_takes_streams_of_three_replicas() {
    let urls = shared_cluster().await.unwrap();
    let context = connect(urls.split(',').map(str::to_owned).collect()).await;
    let name = unique("log");
    create(&context, &name, 3).await;
    assert_eq!(within(publish(&context, format!("{name}.1"))).await, 1);
    context.delete_stream(&name).await.unwrap();
}
