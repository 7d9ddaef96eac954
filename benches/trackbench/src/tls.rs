//! TLS 1.3 in which both sides prove an Ed25519 key as a raw public key, as Potok's programs speak it: users who sign on
//! and stay, and a server that does nothing else, to compare a tracker with.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::names::mix;
use crate::template::{Filler, Language, Template};
use crate::usage::{Usage, cpu_seconds, resident_kib};

/// The protocol's name in the handshake, between a client and a tracker.
pub const TRACKER: &[u8] = b"potok-tracker/1";
/// PKCS#8 version 1 of an Ed25519 key is this prefix and the 32-byte seed (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server, on this computer
    server: SocketAddr,
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Connections that share a source address
    #[arg(long, default_value_t = 24)]
    per_source: usize,
    /// Users who are signing on at a time
    #[arg(long, default_value_t = 64)]
    window: usize,
    /// Said first on every connection; everybody has a key of their own
    #[arg(long, default_value = "ping")]
    login: Template,
    /// The server's process, to be measured
    #[arg(long, default_value_t = 0)]
    pid: u32,
}

#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// Where to listen, on this computer
    listen: SocketAddr,
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

pub fn run(args: &Args) -> io::Result<()> {
    assert!(args.server.ip().is_loopback(), "load is for this computer alone");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(sign_on(args))
}

async fn sign_on(args: &Args) -> io::Result<()> {
    let mut filler = Filler::new(Language::Lines, Vec::new());
    let mut times = crate::nanoseconds();
    let (mut users, mut failed, mut first_error) = (Vec::new(), 0, None);
    let mut under_way = JoinSet::new();
    // Keys are made before, and not counted.
    let keys: Vec<_> = (0..args.connections as u64).map(key).collect();
    let mut keys = keys.into_iter().enumerate();
    let resident_before_kib = resident_kib(args.pid);
    let cpu_before = cpu_seconds(args.pid);
    let usage = Usage::start(args.pid);
    let start = Instant::now();
    loop {
        while under_way.len() < args.window
            && let Some((id, key)) = keys.next()
        {
            let source = [127, 1, (id / args.per_source / 250) as u8, (id / args.per_source % 250 + 1) as u8];
            let mut hello = Vec::new();
            filler.push(&args.login, id as u64, id as u64, &mut hello);
            under_way.spawn(enter(args.server, source.into(), key, hello));
        }
        match under_way.join_next().await {
            Some(Ok(Ok((stream, time)))) => {
                times.saturating_record(time.as_nanos() as u64);
                users.push(stream);
            }
            Some(Ok(Err(error))) => {
                failed += 1;
                first_error.get_or_insert(error.to_string());
            }
            Some(Err(error)) => return Err(error.into()),
            None => break,
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds(args.pid) - cpu_before;
    let processors = usage.processors();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let added = resident_kib(args.pid).saturating_sub(resident_before_kib) as f64 * 1024.0;
    let report = json!({
        "asked": args.connections,
        "up": users.len(),
        "failed": failed,
        "first_error": first_error,
        "seconds": seconds,
        "users_per_second": users.len() as f64 / seconds,
        "milliseconds": crate::quantiles(&times),
        "server_cpu_microseconds_per_user": cpu * 1e6 / args.connections as f64,
        "processors": processors,
        "resident_bytes_per_user": added / users.len().max(1) as f64,
    });
    println!("{report}");
    Ok(())
}

type Session = BufReader<client::TlsStream<TcpStream>>;

async fn enter(
    server: SocketAddr,
    source: IpAddr,
    key: Arc<CertifiedKey>,
    hello: Vec<u8>,
) -> io::Result<(Session, Duration)> {
    let since = Instant::now();
    let mut session = BufReader::with_capacity(512, connect(server, source, key, TRACKER).await?);
    ask(&mut session, &hello).await?;
    Ok((session, since.elapsed()))
}

/// Connects from the address `source`.
pub async fn connect(
    server: SocketAddr,
    source: IpAddr,
    key: Arc<CertifiedKey>,
    protocol: &[u8],
) -> io::Result<client::TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((source, 0).into())?;
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("potok.invalid").expect("a valid name");
    TlsConnector::from(Arc::new(client_config(key, protocol))).connect(name, stream).await
}

/// Says a line and waits for its reply; notices are passed over.
pub async fn ask(session: &mut Session, line: &[u8]) -> io::Result<()> {
    session.write_all(line).await?;
    session.flush().await?;
    let mut answer = String::new();
    loop {
        answer.clear();
        if session.read_line(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if answer.starts_with("OK ") {
            return Ok(());
        }
        if answer.starts_with("ERR ") {
            return Err(io::Error::other(answer));
        }
    }
}

pub fn serve(args: &ServerArgs) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(args.threads).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen).await?;
        let acceptor = acceptor(key(u64::MAX), TRACKER);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let acceptor = acceptor.clone();
            tokio::spawn(async move { answer(acceptor.accept(stream).await?).await });
        }
    })
}

async fn answer(stream: server::TlsStream<TcpStream>) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(512, stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        stream.write_all(b"OK 0\n").await?;
        stream.flush().await?;
        line.clear();
    }
    Ok(())
}

pub fn acceptor(key: Arc<CertifiedKey>, protocol: &[u8]) -> TlsAcceptor {
    let resolver = rustls::server::AlwaysResolvesServerRawPublicKeys::new(key);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has TLS 1.3")
        .with_client_cert_verifier(Arc::new(AnyKey(provider().signature_verification_algorithms)))
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![protocol.to_vec()];
    config.send_tls13_tickets = 0;
    TlsAcceptor::from(Arc::new(config))
}

fn client_config(key: Arc<CertifiedKey>, protocol: &[u8]) -> ClientConfig {
    let resolver = rustls::client::AlwaysResolvesClientRawPublicKeys::new(key);
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey(provider().signature_verification_algorithms)))
        .with_client_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![protocol.to_vec()];
    config.enable_sni = false;
    config.resumption = rustls::client::Resumption::disabled();
    config
}

/// The key of a number: nothing secret is kept with it.
pub fn key(number: u64) -> Arc<CertifiedKey> {
    let seed = (0..4).flat_map(|part| mix(number ^ mix(part)).to_le_bytes());
    let pkcs8: Vec<u8> = PKCS8_PREFIX.into_iter().chain(seed).collect();
    let key = provider().key_provider.load_private_key(PrivatePkcs8KeyDer::from(pkcs8).into());
    let key = key.expect("any seed is an Ed25519 key");
    let public = key.public_key().expect("Ed25519 keys have public ones").as_ref().to_vec();
    Arc::new(CertifiedKey::new(vec![CertificateDer::from(public)], key))
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: std::sync::LazyLock<Arc<CryptoProvider>> =
        std::sync::LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    PROVIDER.clone()
}

/// Takes any key, and insists on the proof that the other side holds it.
#[derive(Debug)]
struct AnyKey(WebPkiSupportedAlgorithms);

macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("TLS 1.3 only".into()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            key: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let key = SubjectPublicKeyInfoDer::from(key.as_ref());
            verify_tls13_signature_with_raw_key(message, &key, signature, &self.0)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }
    };
}

impl ServerCertVerifier for AnyKey {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}

impl ClientCertVerifier for AnyKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}
