//! TLS by people who are not who they say: somebody's key without its secret half, no key, a key of another kind.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use potok_core::model::key::PublicKey;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs as provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureAlgorithm, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// How a proof is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// The handshake is signed with another key than the one that is shown.
    OwnSignature,
    /// 64 zeros for a signature: an old library took them.
    Zeros,
    /// No bytes for a signature.
    Empty,
    /// Half of a signature.
    Truncated,
    /// A good signature with more behind it.
    Longer,
    /// A good signature of something else: of another handshake, say.
    OfSomethingElse,
    /// Signed by another scheme than the key is for.
    OtherScheme,
    /// The shown key is cut off.
    ShortKey,
    /// The shown key has more behind it.
    LongKey,
    /// The shown key is zeros, a point of small order: any signature may fit.
    SmallOrder,
    /// A key of another kind, honestly proven.
    P256,
    /// Nothing is shown at all.
    Nothing,
}

impl Forgery {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::OwnSignature,
        Self::Zeros,
        Self::Empty,
        Self::Truncated,
        Self::Longer,
        Self::OfSomethingElse,
        Self::OtherScheme,
        Self::ShortKey,
        Self::LongKey,
        Self::SmallOrder,
        Self::P256,
        Self::Nothing,
    ];
}

/// A client that shows `victim`'s key and cannot prove it; it takes any server.
pub fn client(forgery: Forgery, victim: PublicKey, alpn: &[u8]) -> TlsConnector {
    let provider = Arc::new(provider::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let mut config = match certified(forgery, victim) {
        Some(key) => builder
            .with_client_cert_resolver(Arc::new(rustls::client::AlwaysResolvesClientRawPublicKeys::new(Arc::new(key)))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.enable_sni = false;
    TlsConnector::from(Arc::new(config))
}

/// A server that shows `victim`'s key and cannot prove it; it takes any client.
pub fn server(forgery: Forgery, victim: PublicKey, alpn: &[u8]) -> TlsAcceptor {
    let provider = Arc::new(provider::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_client_cert_verifier(Arc::new(Anybody));
    let key = certified(forgery, victim).unwrap_or_else(|| {
        // A server must show something: then it shows nothing of sense.
        CertifiedKey::new(vec![CertificateDer::from(vec![0x30, 0])], Arc::new(Forger::new(Forgery::Nothing)))
    });
    let resolver = rustls::server::AlwaysResolvesServerRawPublicKeys::new(Arc::new(key));
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![alpn.to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// For the dialling side, which needs a name that nobody sends.
pub fn nobody() -> ServerName<'static> {
    ServerName::try_from("potok.invalid").expect("a valid name")
}

fn certified(forgery: Forgery, victim: PublicKey) -> Option<CertifiedKey> {
    let spki = |key: &[u8]| vec![CertificateDer::from([ED25519_SPKI.as_slice(), key].concat())];
    let shown = match forgery {
        Forgery::Nothing => return None,
        Forgery::P256 => return Some(p256()),
        Forgery::ShortKey => spki(&victim.as_bytes()[..31]),
        Forgery::LongKey => spki(&[victim.as_bytes().as_slice(), &[0]].concat()),
        Forgery::SmallOrder => spki(&[0; 32]),
        _ => spki(victim.as_bytes()),
    };
    Some(CertifiedKey::new(shown, Arc::new(Forger::new(forgery))))
}

fn p256() -> CertifiedKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("generated");
    let pkcs8 = pair.to_pkcs8v1().expect("encoded");
    let der = PrivatePkcs8KeyDer::from(pkcs8.as_ref().to_vec());
    let key = provider::sign::any_supported_type(&der.into()).expect("loaded");
    let spki = key.public_key().expect("public").to_vec();
    CertifiedKey::new(vec![CertificateDer::from(spki)], key)
}

/// Signs with a key of its own, more or less.
#[derive(Debug)]
struct Forger {
    forgery: Forgery,
    own: Arc<Ed25519KeyPair>,
}

impl Forger {
    fn new(forgery: Forgery) -> Self {
        let own = Ed25519KeyPair::generate().expect("generated");
        assert_eq!(own.public_key().as_ref().len(), 32);
        Self { forgery, own: Arc::new(own) }
    }
}

impl SigningKey for Forger {
    fn choose_scheme(&self, _offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(Self { forgery: self.forgery, own: self.own.clone() }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        None
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for Forger {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.own.sign(message).as_ref().to_vec();
        Ok(match self.forgery {
            Forgery::Zeros | Forgery::SmallOrder => vec![0; 64],
            Forgery::Empty => Vec::new(),
            Forgery::Truncated => signature[..32].to_vec(),
            Forgery::Longer => [signature, vec![0]].concat(),
            Forgery::OfSomethingElse => self.own.sign(b"another handshake").as_ref().to_vec(),
            _ => signature,
        })
    }

    fn scheme(&self) -> SignatureScheme {
        match self.forgery {
            Forgery::OtherScheme => SignatureScheme::ECDSA_NISTP256_SHA256,
            _ => SignatureScheme::ED25519,
        }
    }
}

/// Believes everybody.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519, SignatureScheme::ECDSA_NISTP256_SHA256]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519, SignatureScheme::ECDSA_NISTP256_SHA256]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
