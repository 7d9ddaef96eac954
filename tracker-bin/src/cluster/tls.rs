//! TLS with servers of etcd: certificates, as etcd has them, of an authority that the configuration names.

use std::io;
use std::path::Path;
use std::sync::Arc;

use potok_core::model::invite::HostPort;
use potok_core::tracker::settings::TrackerSettings;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How servers of etcd are known, and what they are shown.
pub(super) type EtcdTls = TlsConnector;

/// A file with certificates or a key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {path}: {why}")]
pub(crate) struct BadCertificate {
    pub(crate) setting: &'static str,
    path: String,
    why: String,
}

/// What the settings say; none if no certificates are named.
pub(super) fn read(settings: &TrackerSettings) -> Result<Option<EtcdTls>, BadCertificate> {
    if settings.cluster_ca.is_empty() {
        return Ok(None);
    }
    let ca = Named { setting: "cluster_ca", path: &settings.cluster_ca };
    let mut roots = RootCertStore::empty();
    for certificate in ca.certificates()? {
        roots.add(certificate).map_err(|why| ca.wrong(&why))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| ca.wrong(&why))?
        .with_root_certificates(roots);
    let config = if settings.cluster_certificate.is_empty() {
        config.with_no_client_auth()
    } else {
        let own = Named { setting: "cluster_certificate", path: &settings.cluster_certificate };
        let key = Named { setting: "cluster_key", path: &settings.cluster_key };
        config.with_client_auth_cert(own.certificates()?, key.key()?).map_err(|why| own.wrong(&why))?
    };
    Ok(Some(TlsConnector::from(Arc::new(config))))
}

/// Proves that the server is who it is to be.
pub(super) async fn connect(tls: &EtcdTls, at: &HostPort, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(at.host().to_owned()).map_err(io::Error::other)?;
    tls.connect(name, stream).await
}

/// A file that a setting names.
struct Named<'a> {
    setting: &'static str,
    path: &'a str,
}

impl Named<'_> {
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, BadCertificate> {
        let read = CertificateDer::pem_file_iter(Path::new(self.path)).map_err(|why| self.wrong(&why))?;
        let read: Vec<_> = read.collect::<Result<_, _>>().map_err(|why| self.wrong(&why))?;
        if read.is_empty() {
            return Err(self.wrong(&"there is no certificate in it"));
        }
        Ok(read)
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, BadCertificate> {
        PrivateKeyDer::from_pem_file(Path::new(self.path)).map_err(|why| self.wrong(&why))
    }

    fn wrong(&self, why: &dyn std::fmt::Display) -> BadCertificate {
        BadCertificate { setting: self.setting, path: self.path.to_owned(), why: why.to_string() }
    }
}
