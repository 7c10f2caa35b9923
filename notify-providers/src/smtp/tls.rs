//! TLS for SMTP: whom to trust, and what a failed handshake means.

use notify_core::provider::Fault;
use notify_core::{Error, ErrorKind, Result};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Makes the TLS side of connections to one host.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// Trusts the given certificates, or the platform's where there are none.
    ///
    /// The crypto provider is named, so that no process-wide default is needed or set.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the host is no name, the PEM holds no certificate, or the platform
    /// has no roots.
    pub(super) fn new(host: &str, roots_pem: Option<&[u8]>) -> Result<Self> {
        let config_error = |why: &str| Error::new(ErrorKind::Config, why);
        let name = ServerName::try_from(host.to_owned()).map_err(|e| {
            config_error("the smtp host is not a name that a certificate can hold").source(e)
        })?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| {
                config_error("the crypto provider has no safe protocol version").source(e)
            })?;
        let builder = match roots_pem {
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            None => builder.with_platform_verifier().map_err(|e| {
                config_error("the platform has no root certificates: install ca-certificates or give the smtp provider its roots").source(e)
            })?,
        };
        Ok(Self {
            connector: TlsConnector::from(Arc::new(builder.with_no_client_auth())),
            name,
        })
    }

    /// Shakes hands.
    pub(super) async fn connect(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Fault> {
        self.connector
            .connect(self.name.clone(), stream)
            .await
            .map_err(|e| fault_of(&e))
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore> {
    let config_error = || {
        Error::new(
            ErrorKind::Config,
            "the root certificates of the smtp provider are not PEM certificates",
        )
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| config_error().source(e))?;
        store
            .add(certificate)
            .map_err(|e| config_error().source(e))?;
    }
    if store.is_empty() {
        Err(config_error())
    } else {
        Ok(store)
    }
}

/// What a failed handshake means. An error that is not TLS's own is a connection that broke.
fn fault_of(error: &io::Error) -> Fault {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => crate::tls::fault_of(error),
        None => Fault::provider("tls_closed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_rustls::rustls::CertificateError;

    #[test]
    fn roots_that_are_none_are_refused() {
        for bad in [
            "",
            "not pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let error = Tls::new("mail.example.com", Some(bad.as_bytes()))
                .err()
                .expect("refused");
            assert_eq!(error.kind(), ErrorKind::Config, "{bad}");
        }
    }

    #[test]
    fn a_host_that_no_certificate_can_name_is_refused() {
        assert!(Tls::new("mail example com", None).is_err());
    }

    #[test]
    fn a_broken_connection_is_for_later_and_a_bad_certificate_is_for_an_operator() {
        let certificate = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let certificate = io::Error::new(io::ErrorKind::InvalidData, certificate);
        assert_eq!(fault_of(&certificate), Fault::config("tls_expired"));
        assert_eq!(
            fault_of(&io::Error::from(io::ErrorKind::UnexpectedEof)),
            Fault::provider("tls_closed")
        );
    }
}
