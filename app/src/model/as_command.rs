//! What a click asked for, as the command that would have done the same: the window teaches its own console.

use potok_core::model::invite::{Invite, TrackerAddress};
use potok_core::node::intent::{DownloadRequest, Intent, QueueMove, TransferSelection};
use potok_core::protocol::field::Quoted;

use crate::command_line::table::PLACE_WORDS;

/// The command; `None` where there is none, or where it would be a secret or noise.
pub fn line(intent: &Intent) -> Option<String> {
    Some(match intent {
        Intent::ListUsers => "list-users".to_owned(),
        Intent::ListFiles { user: None } => "list-files".to_owned(),
        Intent::ListFiles { user: Some(user) } => format!("list-files {}", word(user.as_str())),
        Intent::Search { words } => format!("search {}", words.iter().map(|w| word(w)).collect::<Vec<_>>().join(" ")),
        Intent::Share(requests) => {
            let one = |request: &potok_core::node::intent::ShareRequest| match &request.share_as {
                Some(name) => format!("{} as {}", Quoted(&request.typed), Quoted(name)),
                None => Quoted(&request.typed).to_string(),
            };
            format!("register {}", requests.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        Intent::Unshare { paths } => {
            format!(
                "unregister {}",
                paths.iter().map(|path| Quoted(path.as_str()).to_string()).collect::<Vec<_>>().join(", ")
            )
        }
        Intent::ListShares => "shares".to_owned(),
        Intent::Download(request) => download(request),
        Intent::ListTransfers => "transfers".to_owned(),
        Intent::Pause(which) => format!("pause {}", number(*which)),
        Intent::Resume(which) => format!("resume {}", number(*which)),
        Intent::Cancel(which) => format!("cancel {}", number(*which)),
        Intent::Retry(which) => format!("retry {}", number(*which)),
        Intent::Reorder { number, to } => format!("move {number} {}", place(*to)),
        Intent::RenameShare { from, to } => format!("rename-share {} {}", Quoted(from.as_str()), Quoted(to.as_str())),
        Intent::Kick { user } => format!("kick {}", word(user.as_str())),
        Intent::Ban { user } => format!("ban {}", word(user.as_str())),
        Intent::Unban { who } => format!("unban {}", word(who.as_str())),
        Intent::ListBans => "bans".to_owned(),
        Intent::WhoAmI => "whoami".to_owned(),
        Intent::Invite => "invite".to_owned(),
        Intent::Status => "status".to_owned(),
        Intent::Join(tracker) => format!("join {}", address(tracker)),
        Intent::Leave => "leave".to_owned(),
        Intent::HostTracker(at) => format!("host {at}"),
        Intent::StopTracker => "stop-hosting".to_owned(),
        Intent::Acknowledge(number) => format!("forget {number}"),
        // The window asks these by itself; the console has whole lists instead.
        Intent::FindFiles { .. }
        | Intent::ListFolder { .. }
        | Intent::CountFiles { .. }
        | Intent::ListTotals { .. }
        | Intent::ListSources { .. } => return None,
        Intent::TapWire(_) | Intent::SendLine(_) | Intent::Apply(_) => return None,
    })
}

fn download(request: &DownloadRequest) -> String {
    let mut line = format!("download {} {}", word(request.user.as_str()), Quoted(request.remote_path.as_str()));
    if let Some(local) = &request.local_path {
        line += &format!(" {}", Quoted(&local.typed));
    }
    if request.overwrite {
        line += " --overwrite";
    }
    if request.wait {
        line += " --wait";
    }
    line
}

/// An invite says the key too.
fn address(tracker: &TrackerAddress) -> String {
    match tracker.key {
        Some(key) => Invite { address: tracker.address.clone(), key }.to_string(),
        None => tracker.address.to_string(),
    }
}

fn word(text: &str) -> String {
    let is_plain =
        !text.is_empty() && !text.starts_with('-') && text.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    if is_plain { text.to_owned() } else { Quoted(text).to_string() }
}

fn place(to: QueueMove) -> &'static str {
    PLACE_WORDS.iter().find(|(_, place)| *place == to).map_or("first", |(name, _)| name)
}

fn number(which: TransferSelection) -> String {
    match which {
        TransferSelection::One(number) => number.to_string(),
        TransferSelection::All => "all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use potok_core::library::typed::{self, LocalPath, RemotePath, ShareOrLocalPath};
    use potok_core::model::username::Username;
    use potok_core::node::intent::ShareRequest;

    use potok_core::node::intent::TransferId;

    use super::*;
    use crate::command_line::{self, LineRequest};

    #[test]
    fn the_command_does_what_the_click_did() {
        let here = PathBuf::from("/here");
        let share = |typed: &str, share_as: Option<&str>| ShareRequest {
            typed: typed.into(),
            cwd: here.clone(),
            share_as: share_as.map(str::to_owned),
        };
        let unshared = |typed: &str| ShareOrLocalPath::new(typed, &here).expect("a path");
        let path = |typed: &str| typed::share_path(typed).expect(typed);
        let maria = Username::new("Мария").expect("a name");
        for intent in [
            Intent::ListUsers,
            Intent::Share(vec![share("a, \"b\".txt", None), share("x y", Some("z/ я"))]),
            Intent::Unshare { paths: ["Trip/day 1.jpg", "b"].map(unshared).into() },
            Intent::Download(DownloadRequest {
                user: maria.clone(),
                remote_path: RemotePath::new("--wait \\ me").expect("a path"),
                local_path: Some(LocalPath::new("/tmp/my copy", &here)),
                overwrite: true,
                wait: false,
            }),
            Intent::Pause(TransferSelection::One(TransferId(7))),
            Intent::Cancel(TransferSelection::All),
            Intent::Reorder { number: TransferId(7), to: QueueMove::Later },
            Intent::RenameShare { from: path("Trip/"), to: path("a \"b\"") },
            Intent::Ban { user: maria },
            Intent::Unban { who: "@Мария".parse().expect("a name") },
            Intent::ListBans,
            Intent::Join("tracker.example.org:7686".parse().expect("an address")),
            Intent::Join(format!("potok://h:1/?key={}", "0a".repeat(32)).parse().expect("an invite")),
            Intent::Leave,
            Intent::HostTracker("0.0.0.0:7686".parse().expect("an address")),
            Intent::StopTracker,
            Intent::Acknowledge(TransferId(7)),
            Intent::Status,
        ] {
            let typed = line(&intent).expect("there is one");
            let read = command_line::parse(&typed, Path::new("/here")).expect(&typed).expect("a command");
            assert_eq!(read.request, LineRequest::Ask(intent), "{typed}");
        }
    }
}
