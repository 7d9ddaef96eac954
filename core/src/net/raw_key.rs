//! A key as a certificate of TLS: an Ed25519 key and nothing else (RFC 7250), and the proof that the other side holds it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::model::key::PublicKey;
use crate::net::identity::Identity;

/// An Ed25519 SubjectPublicKeyInfo is this prefix and the 32 bytes of the key (RFC 8410, section 4). A raw public key
/// travels in this form.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// Points of small order, but for the highest bit, which says nothing of the order: with such a "key" a signature of
/// zeros fits one message in a few, so that it proves nothing. No honest key is among them.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    first_then(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    first_then(0xec, 0xff, 0x7f),
    first_then(0xed, 0xff, 0x7f),
    first_then(0xee, 0xff, 0x7f),
];

const fn first_then(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// The key of a certificate; `None` if it is anything but a raw Ed25519 key that can prove something.
pub(super) fn key_of(certificate: &CertificateDer<'_>) -> Option<PublicKey> {
    let key: [u8; 32] = certificate.as_ref().strip_prefix(&SPKI_PREFIX)?.try_into().ok()?;
    let mut point = key;
    point[31] &= 0x7f;
    if SMALL_ORDER.contains(&point) { None } else { Some(PublicKey::from_bytes(key)) }
}

/// What is sent of a key.
pub(super) fn certificate_of(key: &PublicKey) -> CertificateDer<'static> {
    CertificateDer::from([SPKI_PREFIX.as_slice(), key.as_bytes()].concat())
}

/// What we send of ourselves, and what signs for us.
pub(super) fn certified_key(identity: &Identity, provider: &CryptoProvider) -> Arc<CertifiedKey> {
    let pkcs8 = PrivatePkcs8KeyDer::from(identity.pkcs8().to_vec());
    let key = provider.key_provider.load_private_key(pkcs8.into()).expect("an identity holds a valid Ed25519 key");
    Arc::new(CertifiedKey::new(vec![certificate_of(&identity.public_key())], key))
}

/// Checks that the other side sent an Ed25519 key, that it is the expected one, and that it signed this handshake.
#[derive(Debug)]
pub(super) struct RawKeyVerifier {
    expected: Option<PublicKey>,
    algorithms: rustls::crypto::WebPkiSupportedAlgorithms,
}

impl RawKeyVerifier {
    /// `None` takes whoever answers.
    pub(super) fn new(expected: Option<PublicKey>, provider: &CryptoProvider) -> Self {
        Self { expected, algorithms: provider.signature_verification_algorithms }
    }

    fn check_key(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let key = key_of(certificate).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        match self.expected {
            Some(expected) if expected != key => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
            _ => Ok(()),
        }
    }

    fn check_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(certificate.as_ref());
        rustls::crypto::verify_tls13_signature_with_raw_key(message, &spki, signature, &self.algorithms)
    }
}

impl ServerCertVerifier for RawKeyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check_key(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for RawKeyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check_key(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_small_order_is_no_key() {
        let is_key = |key: [u8; 32]| key_of(&CertificateDer::from([SPKI_PREFIX.as_slice(), &key].concat())).is_some();
        for point in SMALL_ORDER {
            let mut other_sign = point;
            other_sign[31] |= 0x80;
            assert!(!is_key(point) && !is_key(other_sign), "{point:?}");
        }
        assert!(is_key(*Identity::generate().public_key().as_bytes()));
    }
}
