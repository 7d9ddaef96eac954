//! What passwords and keys live in: left out of a shared folder unless it is named by itself.
//!
//! The list has what programs write without being asked and what is worth something to a stranger: keys, tokens, stored
//! passwords, and the histories of shells, which have passwords in them sooner or later. It has nothing that people make
//! to give it away, and nothing that is useless without another secret.

use std::path::Path;

/// Folders and files, wherever they lie.
const NAMES: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".password-store",
    ".pki",
    ".mozilla",
    ".thunderbird",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".s3cfg",
    ".boto",
    ".env",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".psql_history",
    ".mysql_history",
    ".node_repl_history",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "wallet.dat",
];

/// The same with the folder that they lie in.
const BELOW: &[(&str, &str)] = &[
    (".local/share", "keyrings"),
    (".local/share", "kwalletd"),
    (".config", "gh"),
    (".config", "gcloud"),
    (".config", "rclone"),
    (".config", "google-chrome"),
    (".config", "chromium"),
    (".config", "BraveSoftware"),
    (".config", "microsoft-edge"),
    (".docker", "config.json"),
    (".cargo", "credentials.toml"),
    (".cargo", "credentials"),
    (".m2", "settings.xml"),
    (".gem", "credentials"),
    ("Library", "Keychains"),
];

/// Whether something that lies in `parent` is known to have secrets in it.
pub(super) fn has_secrets(parent: &Path, name: &str) -> bool {
    NAMES.contains(&name) || BELOW.iter().any(|(folder, below)| *below == name && parent.ends_with(folder))
}

/// Whether a place was named that has secrets in it or lies in such a one: then they are meant.
pub(super) fn is_asked_for(local: &Path) -> bool {
    local.ancestors().any(|place| {
        let name = place.file_name().and_then(|name| name.to_str());
        place.parent().zip(name).is_some_and(|(parent, name)| has_secrets(parent, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for (parent, name, expected) in [
            ("/home/i", ".ssh", true),
            ("/home/i/backup/2024", ".ssh", true),
            ("/home/i", ".sshd", false),
            ("/home/i", ".gitignore", false),
            ("/home/i/.config", "gh", true),
            ("/home/i", "gh", false),
            ("/home/i/.local/share", "keyrings", true),
            ("/home/i/x", "id_ed25519", true),
            ("/home/i/x", "id_ed25519.pub", false),
            ("/home/i", ".config", false),
        ] {
            assert_eq!(has_secrets(Path::new(parent), name), expected, "{parent}/{name}");
        }
        for (local, expected) in
            [("/home/i/.ssh", true), ("/home/i/.ssh/keys", true), ("/home/i", false), ("/home/i/.config/gh", true)]
        {
            assert_eq!(is_asked_for(Path::new(local)), expected, "{local}");
        }
    }
}
