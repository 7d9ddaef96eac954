//! What a file's content is called.

crate::model::hex::hex_newtype! {
    /// The BLAKE3 hash of a whole file, as `b3sum` prints it. Two shares with the same hash are the same content.
    ContentHash
}

impl From<blake3::Hash> for ContentHash {
    fn from(hash: blake3::Hash) -> Self {
        Self::from_bytes(*hash.as_bytes())
    }
}
