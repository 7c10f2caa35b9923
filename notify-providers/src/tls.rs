//! What a failed TLS handshake means, for every protocol of this crate.

use notify_core::provider::Fault;
use rustls::{CertificateError, Error};

/// A certificate that does not hold is for an operator, a connection that broke is for later.
pub(crate) fn fault_of(error: &Error) -> Fault {
    match error {
        Error::InvalidCertificate(certificate) => Fault::config(match certificate {
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
        Error::NoCertificatesPresented => Fault::config("tls_certificate"),
        // What came was not TLS at all, or nothing both sides speak: the wrong port, or someone in
        // between.
        Error::InvalidMessage(_) | Error::PeerIncompatible(_) => Fault::config("tls_handshake"),
        _ => Fault::provider("tls_handshake"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_does_not_hold_is_a_config_fault() {
        for (error, code) in [
            (CertificateError::Expired, "tls_expired"),
            (CertificateError::NotValidYet, "tls_not_valid_yet"),
            (CertificateError::NotValidForName, "tls_wrong_host"),
            (CertificateError::UnknownIssuer, "tls_unknown_issuer"),
            (CertificateError::Revoked, "tls_revoked"),
            (CertificateError::BadSignature, "tls_certificate"),
        ] {
            let fault = fault_of(&Error::InvalidCertificate(error));
            assert_eq!(fault, Fault::config(code));
        }
    }
}
