//! Who somebody is.

crate::model::hex::hex_newtype! {
    /// An Ed25519 public key: the identity of a user or of a tracker. The username is only its label.
    PublicKey
}
