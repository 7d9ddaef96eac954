//! The key that says who this computer is: made at the first start, kept for ever, never shown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::disk::{private, save};
use crate::model::key::PublicKey;

/// PKCS#8 version 1 of an Ed25519 key is this prefix and the 32-byte seed (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// What the file of an identity begins with (RFC 7468, section 10).
pub(crate) const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
/// A file longer than this is no key: do not read it into memory.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// An Ed25519 key pair (RFC 8032); the secret half leaves it for TLS only and is wiped from memory at the end.
pub struct Identity {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

/// An identity that was read or made, and what the person should know about it.
#[derive(Debug)]
pub struct Loaded {
    /// The key pair that was in the file, or is now.
    pub identity: Identity,
    /// Whether it was made just now, because there was no file.
    pub created: bool,
    /// Whether others on this computer could read the file; they no longer can.
    pub was_readable_by_others: bool,
}

/// Why there is no identity. The file is left as it is: a new key would be a new person.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The system refuses to read or write the file.
    #[error("the identity {path} cannot be read or made: {source}")]
    Io {
        /// The file of the identity.
        path: PathBuf,
        /// The reason in the system's words.
        source: io::Error,
    },
    /// The file is there and is no Ed25519 key in PKCS#8 and PEM.
    #[error(
        "the identity {path} is damaged. It is who you are, so it is never replaced: put a copy of it back, or move it \
         away to begin anew as somebody else"
    )]
    Damaged {
        /// The file of the identity.
        path: PathBuf,
    },
}

impl Identity {
    /// Reads the key, or makes one where there is none. The folder is made readable for its owner alone.
    pub fn load_or_create(path: &Path) -> Result<Loaded, IdentityError> {
        let io = |source| IdentityError::Io { path: path.to_owned(), source };
        match Self::load(path) {
            Err(IdentityError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let identity = Self::generate();
                match identity.save_new(path) {
                    Ok(()) => Ok(Loaded { identity, created: true, was_readable_by_others: false }),
                    // Another program was faster; its key is the one.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
                    Err(error) => Err(io(error)),
                }
            }
            other => other,
        }
    }

    /// A new key that is kept nowhere, for tests and one-time peers.
    pub fn generate() -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        aws_lc_rs::rand::SecureRandom::fill(&SystemRandom::new(), seed.as_mut_slice())
            .expect("the system's source of randomness does not fail");
        Self::from_seed(&seed)
    }

    fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are an Ed25519 seed");
        let public = pair.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes");
        let pkcs8 = Zeroizing::new([PKCS8_PREFIX.as_slice(), seed].concat());
        Self { pkcs8, public: PublicKey::from_bytes(public) }
    }

    /// The public half, by which others know this user or tracker.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The whole key in PKCS#8, for the TLS configuration only.
    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    fn load(path: &Path) -> Result<Loaded, IdentityError> {
        let io = |source| IdentityError::Io { path: path.to_owned(), source };
        let damaged = || IdentityError::Damaged { path: path.to_owned() };
        let metadata = fs::symlink_metadata(path).map_err(io)?;
        if !metadata.is_file() || metadata.len() > KEY_FILE_BYTES_MAX {
            return Err(damaged());
        }
        let was_readable_by_others = private::tighten(path).map_err(io)?;
        let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => damaged(),
            _ => io(error),
        })?);
        let seed = seed_of(&text).ok_or_else(damaged)?;
        Ok(Loaded { identity: Self::from_seed(&seed), created: false, was_readable_by_others })
    }

    fn save_new(&self, path: &Path) -> io::Result<()> {
        private::create_dir(path.parent().unwrap_or(Path::new(".")))?;
        let base64 = Zeroizing::new(data_encoding::BASE64.encode(&self.pkcs8));
        let pem = Zeroizing::new(format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", *base64));
        save::create(path, pem.as_bytes())
    }
}

fn seed_of(pem: &str) -> Option<Zeroizing<[u8; 32]>> {
    let body = pem.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    let base64: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    let der = Zeroizing::new(data_encoding::BASE64.decode(base64.as_bytes()).ok()?);
    let seed: [u8; 32] = der.strip_prefix(&PKCS8_PREFIX)?.try_into().ok()?;
    Some(Zeroizing::new(seed))
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({}, secret ***)", self.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_once_and_stays() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("data/identity.key");
        let first = Identity::load_or_create(&path).expect("made");
        assert!(first.created);
        let second = Identity::load_or_create(&path).expect("read");
        assert!(!second.created);
        assert_eq!(first.identity.public_key(), second.identity.public_key());
        assert!(
            !format!("{:?}", first.identity).contains(&data_encoding::HEXLOWER.encode(&first.identity.pkcs8[16..]))
        );
    }

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn the_public_key_is_that_of_the_standard() {
        let seed = crate::model::hex::parse_32("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = Identity::from_seed(&seed.expect("hex")).public_key();
        assert_eq!(public.to_string(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("data/identity.key");
        Identity::load_or_create(&path).expect("made");
        let mode = |p: &Path| fs::metadata(p).expect("exists").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("folder"))), (0o600, 0o700));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert!(Identity::load_or_create(&path).expect("read").was_readable_by_others);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("identity.key");
        Identity::load_or_create(&path).expect("made");
        let good = fs::read(&path).expect("read");
        let mut flipped = good.clone();
        flipped[30] = b'!';
        for damage in [&b""[..], b"hello", &good[..40], &flipped, &[0xff; 100], &vec![b'x'; 100_000]] {
            fs::write(&path, damage).expect("written");
            assert!(matches!(Identity::load_or_create(&path), Err(IdentityError::Damaged { .. })));
            assert_eq!(fs::read(&path).expect("read"), damage);
        }
    }
}
