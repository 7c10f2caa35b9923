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
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

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

/// What a failed handshake means: a certificate that does not hold is for an operator, a connection
/// that broke is for later.
fn fault_of(error: &io::Error) -> Fault {
    let Some(error) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        return Fault::provider("tls_closed");
    };
    match error {
        rustls::Error::InvalidCertificate(certificate) => Fault::config(match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "tls_expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "tls_not_valid_yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "tls_wrong_host"
            }
            CertificateError::UnknownIssuer => "tls_unknown_issuer",
            CertificateError::Revoked => "tls_revoked",
            _ => "tls_certificate",
        }),
        rustls::Error::NoCertificatesPresented => Fault::config("tls_certificate"),
        // What came was not TLS at all, or nothing both sides speak: the wrong port, or someone in
        // between.
        rustls::Error::InvalidMessage(_) | rustls::Error::PeerIncompatible(_) => {
            Fault::config("tls_handshake")
        }
        _ => Fault::provider("tls_handshake"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_certificate_that_does_not_hold_is_a_config_fault() {
        let fault = |e: rustls::Error| fault_of(&io::Error::new(io::ErrorKind::InvalidData, e));
        for (error, code) in [
            (CertificateError::Expired, "tls_expired"),
            (CertificateError::NotValidYet, "tls_not_valid_yet"),
            (CertificateError::NotValidForName, "tls_wrong_host"),
            (CertificateError::UnknownIssuer, "tls_unknown_issuer"),
            (CertificateError::Revoked, "tls_revoked"),
            (CertificateError::BadSignature, "tls_certificate"),
        ] {
            assert_eq!(
                fault(rustls::Error::InvalidCertificate(error)),
                Fault::config(code)
            );
        }
        assert_eq!(
            fault_of(&io::Error::from(io::ErrorKind::UnexpectedEof)),
            Fault::provider("tls_closed")
        );
    }
}
