//! Connections by TLS.

use std::path::{Path, PathBuf};

use eventmodel_nats::ConnectError;
use eventmodel_nats_harness::Server;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::works;
use crate::builder;

/// An authority of its own, a server that it vouches for, and a client.
struct Certificates {
    directory: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(authority, key).unwrap();
        let write = |name: &str, text: String| {
            std::fs::write(directory.path().join(name), text).unwrap();
        };
        write("authority.pem", authority.pem());
        for name in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            let certificate = params.signed_by(&key, &authority).unwrap();
            write(&format!("{name}.pem"), certificate.pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn server(&self, more: &str) -> Server {
        let quoted = |path: &Path| format!("\"{}\"", path.display());
        let (authority, certificate, key) = (
            quoted(&self.path("authority.pem")),
            quoted(&self.path("server.pem")),
            quoted(&self.path("server.key")),
        );
        Server::builder()
            .config(&format!(
                "tls {{ ca_file: {authority}, cert_file: {certificate}, key_file: {key}, {more} }}"
            ))
            .start()
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_server_is_trusted_by_the_certificates_in_a_file() {
    let certificates = Certificates::new();
    let server = certificates.server("").await;
    let stranger = builder().connect(server.url()).await;
    assert!(
        matches!(stranger, Err(ConnectError::Unreachable { .. })),
        "{stranger:?}"
    );
    let builder = builder().root_certificates(certificates.path("authority.pem"));
    works(builder, server.url()).await;
}

#[tokio::test]
async fn a_client_may_have_to_show_a_certificate() {
    let certificates = Certificates::new();
    let server = certificates.server("verify: true").await;
    let builder = || builder().root_certificates(certificates.path("authority.pem"));
    let stranger = builder().connect(server.url()).await;
    assert!(
        matches!(stranger, Err(ConnectError::Unreachable { .. })),
        "{stranger:?}"
    );
    let (certificate, key) = (
        certificates.path("client.pem"),
        certificates.path("client.key"),
    );
    works(builder().client_certificate(certificate, key), server.url()).await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_if_tls_is_required() {
    let server = Server::start().await.unwrap();
    let refused = builder().require_tls().connect(server.url()).await;
    assert!(
        matches!(refused, Err(ConnectError::Unreachable { .. })),
        "{refused:?}"
    );
}
