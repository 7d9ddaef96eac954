//! An invite on the clipboard. Looked for when asked, and nothing but a whole invite is ever kept or told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use potok_core::model::invite::Invite;
use potok_core::model::limits::INVITE_BYTES_MAX;

use crate::desktop::{Bell, DesktopEvent};

/// Looks at the clipboard, one look at a time: the program that owns its content may take long to answer.
#[derive(Debug)]
pub struct Clipboard {
    bell: Bell,
    is_looking: Arc<AtomicBool>,
}

impl Clipboard {
    /// Nothing is looked at yet.
    pub fn new(bell: Bell) -> Self {
        Self { bell, is_looking: Arc::default() }
    }

    /// Looks once, on a thread of its own.
    pub fn look(&self) {
        if self.is_looking.swap(true, Ordering::Relaxed) {
            return;
        }
        let (bell, is_looking) = (self.bell.clone(), Arc::clone(&self.is_looking));
        let run = move || {
            let text = arboard::Clipboard::new().and_then(|mut clipboard| clipboard.get_text());
            if let Some(invite) = text.ok().as_deref().and_then(invite_in) {
                bell.ring(DesktopEvent::Clipboard(invite));
            }
            is_looking.store(false, Ordering::Relaxed);
        };
        if std::thread::Builder::new().name("potok-clipboard".into()).spawn(run).is_err() {
            self.is_looking.store(false, Ordering::Relaxed);
        }
    }
}

/// The invite that a text is, with nothing round it but spaces.
fn invite_in(text: &str) -> Option<Invite> {
    let text = text.trim();
    (text.len() <= INVITE_BYTES_MAX).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_invite_is_one() {
        let link = format!("potok://h:1/?key={}", "a".repeat(64));
        assert!(invite_in(&format!("  {link}\n")).is_some());
        for other in ["", "h:1", "password", &format!("see {link}"), &format!("{link}{}", " x")] {
            assert_eq!(invite_in(other), None, "{other}");
        }
    }
}
