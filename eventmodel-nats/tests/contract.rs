use eventmodel::testing::{hosts_contract, store_contract};
use eventmodel_nats::NatsStore;
store_contract!(r1, || async {
    NatsStore::connect(std::env::var("NATS_URL").unwrap())
        .await
        .unwrap()
});
