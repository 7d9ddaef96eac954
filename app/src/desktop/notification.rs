//! Messages of the desktop, for what happens while nobody looks at the window.
//!
//! One thread sends them; a desktop that does not answer, or none at all, means silence. Texts with names of strangers
//! come in already shown safely ([`potok_core::model::shown`]); here they only lose what a desktop would take for markup.

use crossbeam_channel::{Sender, TrySendError};

/// Messages that wait for the desktop; more of them would only be noise.
const MESSAGES_WAITING_MAX: usize = 4;
/// Longest text; names of files can be very long.
const TEXT_CHARS_MAX: usize = 300;

/// One message of the desktop, as the person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// In a few words, without any text of strangers.
    pub title: String,
    /// One sentence that says what happened.
    pub text: String,
}

/// The way to the desktop. Its thread starts with the first message.
#[derive(Debug, Default)]
pub struct Notifier {
    waiting: Option<Sender<Message>>,
}

/// How long the last message of a program that ends may take.
const LAST_MAX: std::time::Duration = std::time::Duration::from_secs(1);

impl Notifier {
    /// Sends the one message of a program that ends, and waits a little for it to be on its way.
    pub fn send_and_wait(message: Message) {
        let (waiting, messages) = crossbeam_channel::bounded(1);
        let (done, is_done) = crossbeam_channel::bounded::<()>(0);
        let run = move || {
            system::run(&messages);
            drop(done);
        };
        if std::thread::Builder::new().name("potok-notify".into()).spawn(run).is_ok() {
            let _ = waiting.send(message);
            drop(waiting);
            // Either it is sent, or the desktop does not answer.
            let _ = is_done.recv_timeout(LAST_MAX);
        }
    }

    /// Sends a message, or drops it.
    pub fn send(&mut self, mut message: Message) {
        if let Some((end, _)) = message.text.char_indices().nth(TEXT_CHARS_MAX) {
            message.text.truncate(end);
            message.text.push('…');
        }
        let waiting = self.waiting.get_or_insert_with(|| {
            let (waiting, messages) = crossbeam_channel::bounded::<Message>(MESSAGES_WAITING_MAX);
            // Without a thread the receiver is dropped, and with it every message.
            let _ = std::thread::Builder::new().name("potok-notify".into()).spawn(move || system::run(&messages));
            waiting
        });
        if let Err(TrySendError::Disconnected(_)) = waiting.try_send(message) {
            self.waiting = None;
        }
    }
}

/// What markup could be made of, written so that it is none.
#[cfg(any(test, all(unix, not(target_os = "macos"))))]
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use std::collections::HashMap;

    use crossbeam_channel::Receiver;
    use zbus::blocking::{Connection, Proxy};
    use zbus::zvariant::Value;

    use super::{Message, without_markup};

    /// Sends until nobody can ask any more. A bus that is gone is looked for again with the next message.
    pub(super) fn run(messages: &Receiver<Message>) {
        let mut open = None;
        for message in messages {
            if open.is_none() {
                open = server().ok();
            }
            if let Some((proxy, has_markup)) = &open
                && send(proxy, *has_markup, &message).is_err()
            {
                open = None;
            }
        }
    }

    fn server() -> zbus::Result<(Proxy<'static>, bool)> {
        let name = "org.freedesktop.Notifications";
        let proxy = Proxy::new(&Connection::session()?, name, "/org/freedesktop/Notifications", name)?;
        let can: Vec<String> = proxy.call("GetCapabilities", &())?;
        Ok((proxy, can.iter().any(|can| can == "body-markup")))
    }

    fn send(proxy: &Proxy<'_>, has_markup: bool, message: &Message) -> zbus::Result<u32> {
        let text = if has_markup { without_markup(&message.text) } else { message.text.clone() };
        let hints = HashMap::from([("desktop-entry", Value::from(crate::desktop::APP_ID))]);
        let (replaces, actions, expires) = (0_u32, Vec::<&str>::new(), -1_i32);
        proxy
            .call("Notify", &("Potok", replaces, crate::desktop::APP_ID, &message.title, text, actions, hints, expires))
    }
}

#[cfg(any(windows, target_os = "macos"))]
mod system {
    use crossbeam_channel::Receiver;

    use super::Message;

    pub(super) fn run(messages: &Receiver<Message>) {
        for message in messages {
            // Notifications may be switched off for Potok; the window tells it all the same.
            let _ = notify_rust::Notification::new().summary(&message.title).body(&message.text).show();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        assert_eq!(without_markup("<b>a</b> & <img src=x>"), "&lt;b&gt;a&lt;/b&gt; &amp; &lt;img src=x&gt;");
        assert_eq!(without_markup("&lt;"), "&amp;lt;");
    }
}
