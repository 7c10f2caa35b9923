//! Certificates for servers on this machine: good ones, and each kind of bad one.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

static AUTHORITIES: AtomicUsize = AtomicUsize::new(0);

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It ended in 2001.
    Expired,
    /// It is for another host.
    WrongHost,
    /// It begins in 2100.
    NotYet,
}

/// An authority that nobody knows but those who are given its certificate.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key in PEM.
pub struct Certificate {
    pub chain_pem: String,
    pub key_pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each has its own name, else an unknown one is taken for a known one with a bad signature.
        let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
        params
            .distinguished_name
            .push(DnType::CommonName, format!("test authority {number}"));
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("signs itself"))
    }

    /// What a client must trust.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `localhost` and 127.0.0.1, flawed as asked.
    pub fn issue(&self, flaw: Flaw) -> Certificate {
        let names = if flaw == Flaw::WrongHost {
            vec!["elsewhere.example".to_owned()]
        } else {
            vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
        };
        let mut params = CertificateParams::new(names).expect("names");
        match flaw {
            Flaw::Expired => {
                (params.not_before, params.not_after) =
                    (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1))
            }
            Flaw::NotYet => {
                (params.not_before, params.not_after) =
                    (date_time_ymd(2100, 1, 1), date_time_ymd(2101, 1, 1))
            }
            Flaw::None | Flaw::WrongHost => {}
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("signs");
        Certificate {
            chain_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

impl Certificate {
    /// The server's side of TLS with this certificate.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server_config_for(&[])
    }

    /// The same for these protocols (ALPN), the most wanted first.
    pub fn server_config_for(&self, protocols: &[&str]) -> Arc<ServerConfig> {
        self.config(protocols, None)
    }

    /// The same for clients that show a certificate of this authority.
    pub fn server_config_asking(
        &self,
        protocols: &[&str],
        clients: &Authority,
    ) -> Arc<ServerConfig> {
        self.config(protocols, Some(clients))
    }

    fn config(&self, protocols: &[&str], clients: Option<&Authority>) -> Arc<ServerConfig> {
        let chain = CertificateDer::pem_slice_iter(self.chain_pem.as_bytes())
            .collect::<Result<_, _>>()
            .expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).expect("PEM");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder
            .with_safe_default_protocol_versions()
            .expect("versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let root = CertificateDer::from_pem_slice(authority.pem().as_bytes());
                roots.add(root.expect("PEM")).expect("a certificate");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.expect("has roots"))
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .expect("key and certificate match");
        config.alpn_protocols = protocols.iter().map(|name| (*name).into()).collect();
        Arc::new(config)
    }
}
