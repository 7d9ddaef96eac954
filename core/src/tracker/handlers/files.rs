//! `register-files` and `unregister-files`: only one's own, all items or none.

use std::collections::BTreeSet;

use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::shown::Shown;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::event::Event;
use crate::protocol::reply::FileLine;
use crate::tracker::catalog::Insert;
use crate::tracker::handlers::{Answer, Asker, Outcome};
use crate::tracker::machine::Tracker;
use crate::tracker::session::User;

impl Tracker {
    pub(super) fn register_files(&mut self, asker: &Asker, username: &Username, shares: &[Share]) -> Outcome {
        let user = asker.own(username)?;
        self.check_quota(user, shares)?;
        let mut changed = shares.iter().filter(|share| self.catalog.insert(user.owner, share) != Insert::Same);
        let (first, is_many) = (changed.next(), changed.count() > 0);
        match first {
            None => {}
            Some(_) if is_many => self.changes.shared_many(asker.now, &user.username),
            Some(share) => self.changes.shared(asker.now, &user.username, || Event::Shared(line(user, share))),
        }
        Ok(Answer::Done)
    }

    pub(super) fn unregister_files(&mut self, asker: &Asker, username: &Username, paths: &[SharePath]) -> Outcome {
        let user = asker.own(username)?;
        if let Some(missing) = paths.iter().find(|path| self.catalog.get(user.owner, path).is_none()) {
            let text = format!("you do not share \"{}\"; nothing was changed", Shown(missing.as_str()));
            return Err(Refusal::new(Code::NotShared, text));
        }
        // A path that stands twice in the list is gone the first time.
        let mut gone = paths.iter().filter(|path| self.catalog.remove(user.owner, path));
        let (first, is_many) = (gone.next(), gone.count() > 0);
        match first {
            None => {}
            Some(_) if is_many => self.changes.shared_many(asker.now, &user.username),
            Some(path) => {
                let event = || Event::Unshared(user.username.clone(), path.clone());
                self.changes.shared(asker.now, &user.username, event);
            }
        }
        Ok(Answer::Done)
    }

    fn check_quota(&self, user: &User, shares: &[Share]) -> Result<(), Refusal> {
        let bytes = |share: &Share| share.path.as_str().len();
        let most_bytes: usize = shares.iter().map(bytes).sum();
        if self.quota_broken_by(user, shares.len(), most_bytes).is_none() {
            return Ok(());
        }
        // Near the bound it matters which of them are new.
        let new = shares.iter().filter(|share| self.catalog.get(user.owner, &share.path).is_none());
        let new: BTreeSet<&SharePath> = new.map(|share| &share.path).collect();
        let new_bytes = new.iter().map(|path| path.as_str().len()).sum();
        self.quota_broken_by(user, new.len(), new_bytes).map_or(Ok(()), |text| Err(Refusal::new(Code::Limit, text)))
    }

    fn quota_broken_by(&self, user: &User, new: usize, new_bytes: usize) -> Option<String> {
        let (settings, catalog) = (&self.settings, &self.catalog);
        let own = catalog.shares_of(user.owner);
        if own + new > settings.shares_per_user {
            let max = settings.shares_per_user;
            return Some(format!("you share {own} files and may share {max}; nothing was changed"));
        }
        if catalog.path_bytes_of(user.owner) + new_bytes > settings.path_bytes_per_user {
            let max = settings.path_bytes_per_user;
            return Some(format!("the paths of your files may have {max} bytes together; nothing was changed"));
        }
        let all_max = settings.shares_in_all;
        let text = || format!("this tracker holds at most {all_max} files in all; nothing was changed");
        (catalog.len() + new > all_max).then(text)
    }
}

fn line(user: &User, share: &Share) -> FileLine {
    FileLine { username: user.username.clone(), size: share.size, hash: share.hash, path: share.path.clone() }
}
