//! What passwords and keys live in: left out of a shared folder unless it is named by itself.
//!
//! The list has what programs write without being asked and what is worth something to a stranger: keys, tokens, stored
//! passwords, and the histories of shells, which have passwords in them sooner or later. It has nothing that people make
//! to give it away, and nothing that is useless without another secret.

use std::io::Read;
use std::path::Path;

/// Folders and files, wherever they lie.
const NAMES: &[&str] = &[
    // Keys, and what proves who somebody is.
    ".ssh",
    ".gnupg",
    ".pki",
    ".password-store",
    ".vault-token",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "wallet.dat",
    ".electrum",
    ".bitcoin",
    ".ethereum",
    // What programs sign in with.
    ".aws",
    ".azure",
    ".kube",
    ".oci",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".s3cfg",
    ".boto",
    ".databrickscfg",
    ".smbcredentials",
    ".msmtprc",
    ".mbsyncrc",
    ".offlineimaprc",
    ".fetchmailrc",
    ".rclone.conf",
    ".terraformrc",
    ".env",
    // Browsers and mail, with their passwords and sessions.
    ".mozilla",
    ".librewolf",
    ".waterfox",
    ".thunderbird",
    "org.mozilla.firefox",
    "org.mozilla.Thunderbird",
    "com.google.Chrome",
    "org.chromium.Chromium",
    // Histories.
    ".bash_history",
    ".zsh_history",
    ".sh_history",
    ".histfile",
    ".python_history",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
    ".rediscli_history",
    ".node_repl_history",
    "fish_history",
    "ConsoleHost_history.txt",
];

/// The same with the folder that they lie in.
const BELOW: &[(&str, &str)] = &[
    (".local/share", "keyrings"),
    (".local/share", "kwalletd"),
    (".local/share", "TelegramDesktop"),
    (".config", "gh"),
    (".config", "hub"),
    (".config", "glab-cli"),
    (".config", "gcloud"),
    (".config", "rclone"),
    (".config", "op"),
    (".config", "filezilla"),
    (".config", "google-chrome"),
    (".config", "chromium"),
    (".config", "BraveSoftware"),
    (".config", "microsoft-edge"),
    (".config", "vivaldi"),
    (".config", "opera"),
    (".config", "Signal"),
    (".config", "discord"),
    (".config", "Slack"),
    (".config/git", "credentials"),
    (".config/composer", "auth.json"),
    (".config/containers", "auth.json"),
    (".docker", "config.json"),
    (".cargo", "credentials.toml"),
    (".cargo", "credentials"),
    (".gradle", "gradle.properties"),
    (".m2", "settings.xml"),
    (".m2", "settings-security.xml"),
    (".gem", "credentials"),
    (".composer", "auth.json"),
    (".bundle", "config"),
    (".pip", "pip.conf"),
    (".subversion", "auth"),
    (".terraform.d", "credentials.tfrc.json"),
    (".kaggle", "kaggle.json"),
    (".huggingface", "token"),
    (".cache/huggingface", "token"),
    (".vnc", "passwd"),
    (".purple", "accounts.xml"),
    ("snap", "firefox"),
    ("snap", "chromium"),
    ("snap", "thunderbird"),
    ("Library", "Keychains"),
    ("Library", "Cookies"),
    ("Application Support/Google", "Chrome"),
    ("Application Support", "Firefox"),
    ("Application Support", "Thunderbird"),
    ("Google/Chrome", "User Data"),
    ("Microsoft/Edge", "User Data"),
    ("Mozilla/Firefox", "Profiles"),
    ("Microsoft", "Credentials"),
    ("Microsoft", "Protect"),
];

/// So much of a file that is read for its secrets, in bytes; a longer one is no honest one of its kind.
const SUSPECT_BYTES_MAX: u64 = 256 * 1024;

/// Whether a file must be read to know whether there are secrets in it: the settings of a repository, which many share
/// with all the rest of it, have passwords in them with some, and with most not.
pub(super) fn is_suspect(parent: &Path, name: &str) -> bool {
    let is_of_repository = || {
        // Those of what a repository holds lie deep in it; one that is only for storing is called `x.git`.
        let is_repository = |part: &std::ffi::OsStr| part.to_str().is_some_and(|part| part.ends_with(".git"));
        parent.iter().any(is_repository) || parent.ends_with(".config/git")
    };
    name == ".gitconfig" || ((name == "config" || name == "config.worktree") && is_of_repository())
}

/// Whether there are passwords or tokens in the settings of a repository: in an address of it, in a header that is sent
/// along, or in what signs in. What is too long to be read has them.
pub(super) fn has_credentials(mut file: impl Read) -> bool {
    let mut text = Vec::new();
    let read = (&mut file).take(SUSPECT_BYTES_MAX + 1).read_to_end(&mut text);
    if read.is_err() || text.len() as u64 > SUSPECT_BYTES_MAX {
        return true;
    }
    String::from_utf8_lossy(&text).lines().any(line_has_credentials)
}

fn line_has_credentials(line: &str) -> bool {
    let line = line.trim();
    let lower = line.to_ascii_lowercase();
    if lower.starts_with(['#', ';']) {
        return false;
    }
    // `https://anna:secret@host/x`, `https://token@host/x`, also where an address is rewritten.
    let has_user_in_address = lower.match_indices("://").any(|(at, _)| {
        let scheme = lower[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '+').next().unwrap_or("");
        let host = lower[at + 3..].split(['/', '"', ' ', '\'']).next().unwrap_or("");
        let user = host.rsplit_once('@').map(|(user, _)| user);
        // A name alone is how one signs in by key.
        user.is_some_and(|user| user.contains(':') || !scheme.contains("ssh"))
    });
    let name = lower.split(['=', ' ', '\t']).next().unwrap_or("");
    let is_secret = ["extraheader", "password", "passwd", "token", "oauthtoken", "secret", "smtppass", "cookiefile"];
    has_user_in_address || (lower.contains('=') && is_secret.contains(&name))
}

/// Whether something that lies in `parent` is known to have secrets in it.
pub(super) fn has_secrets(parent: &Path, name: &str) -> bool {
    // Not all disks tell large letters from small ones.
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
        || BELOW.iter().any(|(folder, below)| below.eq_ignore_ascii_case(name) && ends_with(parent, folder))
}

fn ends_with(path: &Path, end: &str) -> bool {
    let mut parts = path.iter().rev();
    end.rsplit('/').all(|part| parts.next().is_some_and(|name| name.eq_ignore_ascii_case(part)))
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
            ("/Users/i", ".SSH", true),
            ("/home/i/.Config", "GH", true),
            ("/home/i/.docker", "config.json", true),
            ("/home/i/docker", "config.json", false),
            ("/home/i/.config/git", "credentials", true),
            ("/home/i/snap", "firefox", true),
            ("/home/i/src", "firefox", false),
        ] {
            assert_eq!(has_secrets(Path::new(parent), name), expected, "{parent}/{name}");
        }
        for (local, expected) in
            [("/home/i/.ssh", true), ("/home/i/.ssh/keys", true), ("/home/i", false), ("/home/i/.config/gh", true)]
        {
            assert_eq!(is_asked_for(Path::new(local)), expected, "{local}");
        }
    }

    #[test]
    fn credentials_of_a_repository_are_known_by_what_is_in_its_settings() {
        for (parent, name, expected) in [
            ("/src/x/.git", "config", true),
            ("/srv/x.git", "config", true),
            ("/src/x/.git/modules/sub", "config", true),
            ("/home/i/.config/git", "config", true),
            ("/src/x/.git", "config.worktree", true),
            ("/home/i", ".gitconfig", true),
            ("/src/x", "config", false),
            ("/src/x/.git", "HEAD", false),
        ] {
            assert_eq!(is_suspect(Path::new(parent), name), expected, "{parent}/{name}");
        }
        for (text, expected) in [
            ("[remote \"origin\"]\n\turl = https://github.com/a/b.git\n", false),
            ("[remote \"origin\"]\n\turl = git@github.com:a/b.git\n", false),
            ("[remote \"origin\"]\n\turl = ssh://git@github.com/a/b.git\n", false),
            ("[remote \"origin\"]\n\turl = https://anna:s3cret@host/a.git\n", true),
            ("[remote \"origin\"]\n\turl = https://ghp_0123456789@github.com/a/b.git\n", true),
            ("[url \"https://oauth2:tok@gitlab.com/\"]\n\tinsteadOf = gitlab:\n", true),
            ("[http \"https://h/\"]\n\textraheader = AUTHORIZATION: basic eDp5\n", true),
            ("[github]\n\ttoken=abc\n", true),
            ("# url = https://anna:s3cret@host/a.git\n", false),
            ("[user]\n\temail = anna@example.org\n[core]\n\tbare = false\n", false),
        ] {
            assert_eq!(has_credentials(text.as_bytes()), expected, "{text}");
        }
        assert!(has_credentials(std::io::repeat(b'x')), "nobody's settings are so long");
    }
}
