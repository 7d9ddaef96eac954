//! The gate *Who*: TLS 1.3 in which both sides prove an Ed25519 key. What it hands out is a stream and the key that
//! was proven; there is no other source of "who is this".
//!
//! The keys are raw public keys (RFC 7250): no certificate, no names, no dates. There is no resumption and no early
//! data, because a resumed session would rest on a ticket instead of a proof.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, Error, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::model::key::PublicKey;
use crate::net::ciphertext::Ciphertext;
use crate::net::identity::Identity;
use crate::net::raw_key::{RawKeyVerifier, certified_key, key_of};
use crate::protocol::{mesh_line, peer};

/// The first byte of a TLS handshake record; no line of text begins with it.
pub const HANDSHAKE_BYTE: u8 = 0x16;

/// What a connection is for: it decides the protocol's name in the handshake and the buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Lines between a client and a tracker, thousands of connections: small buffers.
    Tracker,
    /// Blocks between peers, a few connections: rustls asks the socket for 4 KiB at a time, so it reads from a buffer
    /// of a whole block, and writes as much at once.
    Peer,
    /// Lines between the trackers of one network.
    Mesh,
    /// Questions of one of these trackers to another.
    MeshAsk,
    /// The same as `Peer`, for a downloader that also reads what is told about files.
    Download,
}

impl Purpose {
    /// The names that a client offers. A server takes the first one that it knows, of those that are offered.
    fn offered(self) -> &'static [&'static [u8]] {
        match self {
            Self::Tracker => &[b"potok-tracker/1"],
            Self::Mesh => &[mesh_line::MESH_ALPN],
            Self::MeshAsk => &[mesh_line::MESH_ASK_ALPN],
            Self::Peer => &[peer::ALPN],
            Self::Download => &[peer::ALPN_REACHED, peer::ALPN_ABOUT, peer::ALPN],
        }
    }

    fn known(self) -> &'static [&'static [u8]] {
        match self {
            Self::Tracker => self.offered(),
            Self::Mesh | Self::MeshAsk => &[mesh_line::MESH_ALPN, mesh_line::MESH_ASK_ALPN],
            Self::Peer | Self::Download => Self::Download.offered(),
        }
    }

    /// Bytes read from the socket at once, and bytes of records gathered for one write; `None` leaves both to rustls.
    fn buffer_bytes(self) -> Option<usize> {
        match self {
            Self::Tracker | Self::Mesh | Self::MeshAsk => None,
            Self::Peer | Self::Download => Some(256 * 1024),
        }
    }

    /// The stream as a client's TLS reads it.
    fn of_client<S: AsyncRead>(self, stream: S) -> Ciphertext<S> {
        match self {
            Self::Tracker => Ciphertext::greeted(stream, self.stream_buffer_bytes()),
            _ => Ciphertext::begun(stream, self.stream_buffer_bytes(), Bytes::new()),
        }
    }

    /// A read for more than the buffer holds goes past it: with one byte it is the stream.
    fn stream_buffer_bytes(self) -> usize {
        self.buffer_bytes().unwrap_or(1)
    }
}

/// A stream whose other end has proven a key.
pub type Encrypted<S> = TlsStream<Ciphertext<S>>;

/// Accepts connections, from anybody who proves a key.
#[derive(Clone)]
pub struct TlsServer {
    acceptor: TlsAcceptor,
    purpose: Purpose,
}

/// Makes connections, to one expected key each.
#[derive(Clone)]
pub struct TlsClient {
    identity: Arc<CertifiedKey>,
    provider: Arc<CryptoProvider>,
    purpose: Purpose,
}

impl TlsServer {
    /// A server that proves `identity` to whoever connects.
    pub fn new(identity: &Identity, purpose: Purpose) -> Self {
        let provider = provider();
        let resolver = rustls::server::AlwaysResolvesServerRawPublicKeys::new(certified_key(identity, &provider));
        let mut config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has TLS 1.3")
            .with_client_cert_verifier(Arc::new(RawKeyVerifier::new(None, &provider)))
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = names(purpose.known());
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), purpose }
    }

    /// Handshakes and returns the key that the other side has proven.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<(Encrypted<S>, PublicKey)> {
        self.accept_begun(stream, Bytes::new()).await
    }

    /// The same, of a stream of which these bytes were read already.
    pub async fn accept_begun<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        read: Bytes,
    ) -> io::Result<(Encrypted<S>, PublicKey)> {
        let stream = Ciphertext::begun(stream, self.purpose.stream_buffer_bytes(), read);
        let mut accepted = self.acceptor.accept(stream).await?;
        if let Some(bytes) = self.purpose.buffer_bytes() {
            accepted.get_mut().1.set_buffer_limit(Some(bytes));
        }
        proven_key(TlsStream::Server(accepted))
    }
}

impl TlsClient {
    /// A client that proves `identity` to whomever it connects to.
    pub fn new(identity: &Identity, purpose: Purpose) -> Self {
        let provider = provider();
        Self { identity: certified_key(identity, &provider), provider, purpose }
    }

    /// Handshakes with somebody who must prove `expected`; with `None`, whoever answers, whose key is then to be
    /// remembered. The check is made inside the handshake, before anything is sent to the other side.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        expected: Option<PublicKey>,
    ) -> io::Result<(Encrypted<S>, PublicKey)> {
        let verifier = RawKeyVerifier::new(expected, &self.provider);
        let resolver = rustls::client::AlwaysResolvesClientRawPublicKeys::new(self.identity.clone());
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = names(self.purpose.offered());
        config.enable_sni = false;
        config.resumption = rustls::client::Resumption::disabled();
        // Not sent, since there is no SNI; the key is the name.
        let name = ServerName::try_from("potok.invalid").expect("a valid name");
        let connector = TlsConnector::from(Arc::new(config));
        let mut connected = connector.connect(name, self.purpose.of_client(stream)).await?;
        if let Some(bytes) = self.purpose.buffer_bytes() {
            connected.get_mut().1.set_buffer_limit(Some(bytes));
        }
        proven_key(TlsStream::Client(connected))
    }
}

fn names(names: &[&[u8]]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.to_vec()).collect()
}

/// Whether both sides of a connection between peers know what is told about files.
pub fn tells_about<S>(stream: &Encrypted<S>) -> bool {
    matches!(stream.get_ref().1.alpn_protocol(), Some(peer::ALPN_ABOUT | peer::ALPN_REACHED))
}

/// Whether both sides of a connection between peers know what is told of how it came about.
pub fn tells_reached<S>(stream: &Encrypted<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(peer::ALPN_REACHED)
}

/// Our own address of a connection.
pub fn own_address(stream: &Encrypted<TcpStream>) -> Option<IpAddr> {
    stream.get_ref().0.get_ref().local_addr().ok().map(|own| own.ip())
}

/// Whether a connection between trackers is for questions.
pub fn is_for_questions<S>(stream: &Encrypted<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(mesh_line::MESH_ASK_ALPN)
}

/// Whether a handshake failed because somebody else answered than was expected.
pub fn is_wrong_key(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    matches!(inner, Some(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)))
}

fn proven_key<S>(stream: Encrypted<S>) -> io::Result<(Encrypted<S>, PublicKey)> {
    let certificates = stream.get_ref().1.peer_certificates();
    let key = certificates.and_then(|all| all.first()).and_then(key_of);
    let key = key.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the other side has proven no key"))?;
    Ok((stream, key))
}

fn provider() -> Arc<CryptoProvider> {
    // Gathering the first randomness of a process takes tens of milliseconds. It must not happen between connecting and
    // the first byte: a tracker takes half a second of silence for a person at telnet, and one of an earlier version does so
    // for good.
    let mut warm_up = [0u8; 32];
    aws_lc_rs::rand::fill(&mut warm_up).expect("the system's source of randomness does not fail");
    Arc::new(provider::default_provider())
}

impl std::fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsServer").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsClient").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::raw_key::certificate_of;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    type Met = (io::Result<(Encrypted<DuplexStream>, PublicKey)>, io::Result<(Encrypted<DuplexStream>, PublicKey)>);

    async fn meet(server: &Identity, client: &Identity, expected: Option<PublicKey>, purpose: Purpose) -> Met {
        let (near, far) = duplex(1 << 16);
        let (server, client) = (TlsServer::new(server, purpose), TlsClient::new(client, purpose));
        tokio::join!(server.accept(near), client.connect(far, expected))
    }

    #[tokio::test]
    async fn both_sides_learn_the_proven_key() {
        let (server, client) = (Identity::generate(), Identity::generate());
        for purpose in [Purpose::Tracker, Purpose::Peer] {
            for expected in [None, Some(server.public_key())] {
                let (accepted, connected) = meet(&server, &client, expected, purpose).await;
                let (mut near, seen_by_server) = accepted.expect("accepted");
                let (mut far, seen_by_client) = connected.expect("connected");
                assert_eq!((seen_by_server, seen_by_client), (client.public_key(), server.public_key()));
                near.write_all(b"hello").await.expect("written");
                near.flush().await.expect("flushed");
                let mut heard = [0; 5];
                far.read_exact(&mut heard).await.expect("read");
                assert_eq!(&heard, b"hello");
            }
        }
    }

    #[tokio::test]
    async fn somebody_else_is_refused_inside_the_handshake() {
        let (server, client) = (Identity::generate(), Identity::generate());
        let expected = Some(Identity::generate().public_key());
        let (accepted, connected) = meet(&server, &client, expected, Purpose::Peer).await;
        let error = connected.expect_err("refused");
        assert!(is_wrong_key(&error), "{error}");
        assert!(accepted.is_err(), "the impostor gets no stream");
    }

    #[tokio::test]
    async fn what_is_told_about_files_is_agreed_on() {
        for (server, client, expected) in [
            (Purpose::Peer, Purpose::Download, true),
            (Purpose::Download, Purpose::Download, true),
            (Purpose::Peer, Purpose::Peer, false),
            (Purpose::Tracker, Purpose::Tracker, false),
        ] {
            let (server, client) =
                (TlsServer::new(&Identity::generate(), server), TlsClient::new(&Identity::generate(), client));
            let (one, other) = tokio::io::duplex(1 << 20);
            let (accepted, connected) = tokio::join!(server.accept(one), client.connect(other, None));
            let (accepted, connected) = (accepted.expect("accepts").0, connected.expect("connects").0);
            assert_eq!([tells_about(&accepted), tells_about(&connected)], [expected; 2]);
            assert_eq!([tells_reached(&accepted), tells_reached(&connected)], [expected; 2]);
        }
        // Earlier versions know one name, or two.
        for older in [&[peer::ALPN.to_vec()][..], &[peer::ALPN_ABOUT.to_vec(), peer::ALPN.to_vec()]] {
            let (offered, known) = (names(Purpose::Download.offered()), names(Purpose::Peer.known()));
            assert!(offered.ends_with(older) && known.ends_with(older));
        }
    }

    #[tokio::test]
    async fn the_two_purposes_do_not_mix() {
        let (near, far) = duplex(1 << 16);
        let (server, client) = (Identity::generate(), Identity::generate());
        let (server, client) = (TlsServer::new(&server, Purpose::Tracker), TlsClient::new(&client, Purpose::Peer));
        let (accepted, connected) = tokio::join!(server.accept(near), client.connect(far, None));
        assert!(accepted.is_err() && connected.is_err());
    }

    /// A copied public key without its private half: the signature is made by another key.
    #[tokio::test]
    async fn a_copied_key_is_worth_nothing() {
        let (victim, thief) = (Identity::generate(), Identity::generate());
        let provider = provider();
        let key = certified_key(&thief, &provider).key.clone();
        let forged = Arc::new(CertifiedKey::new(vec![certificate_of(&victim.public_key())], key));

        // As a server that answers in the victim's place ...
        let resolver = rustls::server::AlwaysResolvesServerRawPublicKeys::new(forged.clone());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_client_cert_verifier(Arc::new(RawKeyVerifier::new(None, &provider)))
            .with_cert_resolver(Arc::new(resolver));
        let (near, far) = duplex(1 << 16);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let client = TlsClient::new(&Identity::generate(), Purpose::Peer);
        let (_, connected) = tokio::join!(acceptor.accept(near), client.connect(far, Some(victim.public_key())));
        assert!(connected.is_err());

        // ... and as a client that calls itself the victim.
        let client = TlsClient { identity: forged, provider, purpose: Purpose::Peer };
        let server = TlsServer::new(&Identity::generate(), Purpose::Peer);
        let (near, far) = duplex(1 << 16);
        let (accepted, _) = tokio::join!(server.accept(near), client.connect(far, None));
        assert!(accepted.is_err());
    }

    #[tokio::test]
    async fn nobody_comes_in_without_a_key() {
        let provider = provider();
        let verifier = RawKeyVerifier::new(None, &provider);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = names(Purpose::Tracker.offered());
        let server = TlsServer::new(&Identity::generate(), Purpose::Tracker);
        let (near, far) = duplex(1 << 16);
        let name = ServerName::try_from("potok.invalid").expect("a valid name");
        let connector = TlsConnector::from(Arc::new(config));
        let (accepted, _) = tokio::join!(server.accept(near), connector.connect(name, far));
        assert!(accepted.is_err());
    }

    #[tokio::test]
    async fn garbage_is_an_error_not_a_panic() {
        for garbage in [&b""[..], b"\x16", b"\x16\x03\x01\xff\xff", b"GET / HTTP/1.1\r\n\r\n", &[0x16; 70_000]] {
            let (near, mut far) = duplex(1 << 17);
            far.write_all(garbage).await.expect("written");
            drop(far);
            let server = TlsServer::new(&Identity::generate(), Purpose::Tracker);
            assert!(server.accept(near).await.is_err());
        }
    }
}
