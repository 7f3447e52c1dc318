//! Who a client says it is.

use data_encoding::BASE64URL_NOPAD;
use eventmodel_nats::{ConnectError, NatsStoreBuilder};
use eventmodel_nats_harness::Server;
use nkeys::KeyPair;
use serde_json::{Value, json};

use super::{histories, works};
use crate::builder;

async fn server(config: &str) -> Server {
    Server::builder().config(config).start().await.unwrap()
}

async fn is_refused(builder: NatsStoreBuilder, server: &Server) {
    let refused = builder.connect(server.url()).await;
    assert!(
        matches!(refused, Err(ConnectError::Unreachable { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_token() {
    let server = server("authorization { token: \"open sesame\" }").await;
    is_refused(builder().token("open"), &server).await;
    works(builder().token("open sesame"), server.url()).await;
}

#[tokio::test]
async fn a_name_and_a_password() {
    let server = server("authorization { user: hotel, password: \"p@ss\" }").await;
    is_refused(builder(), &server).await;
    is_refused(builder().user_and_password("hotel", "pass"), &server).await;
    works(builder().user_and_password("hotel", "p@ss"), server.url()).await;
    let address = server.url().replace("nats://", "nats://hotel:p%40ss@");
    let store = builder().connect(address).await.unwrap();
    histories(&store).await;
}

#[tokio::test]
async fn an_nkey() {
    let (user, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    let key = user.public_key();
    let server = server(&format!("authorization {{ users: [ {{ nkey: {key} }} ] }}")).await;
    let with = |key: &KeyPair| builder().nkey(key.seed().unwrap());
    is_refused(with(&stranger), &server).await;
    works(with(&user), server.url()).await;
}

/// What an issuer says of someone, signed: a JWT as NATS writes it.
fn said(issuer: &KeyPair, of: &KeyPair, nats: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let of = of.public_key();
    let claims = json!({ "jti": of, "iat": 1, "iss": issuer.public_key(), "sub": of, "name": of, "nats": nats });
    let [header, claims] =
        [header, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
    let signed = format!("{header}.{claims}");
    let signature = BASE64URL_NOPAD.encode(&issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn a_credentials_file() {
    let (operator, system, account) = (
        KeyPair::new_operator(),
        KeyPair::new_account(),
        KeyPair::new_account(),
    );
    let (user, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    let operator_said = said(
        &operator,
        &operator,
        &json!({
            "type": "operator", "version": 2, "system_account": system.public_key(),
        }),
    );
    let mut limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
    });
    let system_said = said(
        &operator,
        &system,
        &json!({
            "type": "account", "version": 2, "limits": limits,
        }),
    );
    for jetstream in ["mem_storage", "disk_storage", "streams", "consumer"] {
        limits[jetstream] = json!(-1);
    }
    let account_said = said(
        &operator,
        &account,
        &json!({
            "type": "account", "version": 2, "limits": limits,
        }),
    );
    let server = server(&format!(
        "operator: {operator_said}
system_account: {system}
resolver: MEMORY
resolver_preload: {{ {system}: {system_said}, {account}: {account_said} }}",
        system = system.public_key(),
        account = account.public_key(),
    ))
    .await;

    let directory = tempfile::tempdir().unwrap();
    let credentials = |issuer: &KeyPair, user: &KeyPair, name: &str| {
        let said = said(
            issuer,
            user,
            &json!({
                "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1,
            }),
        );
        let seed = user.seed().unwrap();
        let path = directory.path().join(name);
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{said}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    };
    let of_stranger = credentials(&KeyPair::new_account(), &stranger, "stranger.creds");
    is_refused(builder().credentials_file(of_stranger), &server).await;
    let of_user = credentials(&account, &user, "user.creds");
    works(builder().credentials_file(of_user), server.url()).await;

    let missing = builder().credentials_file(directory.path().join("missing.creds"));
    let missing = missing.connect(server.url()).await;
    assert!(
        matches!(missing, Err(ConnectError::Credentials(_))),
        "{missing:?}"
    );
}
