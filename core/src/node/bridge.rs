//! From the app's thread to the engine's: intents are taken from a crossbeam channel by one named thread, so that no
//! tokio worker ever waits on it.

use std::thread;

use crossbeam_channel::Receiver;
use tokio::sync::mpsc;

use crate::node::intent::{Intent, IntentId};

/// Intents that wait in each of the two channels to the engine; who asks faster waits in its own thread.
pub(super) const INTENTS_MAX: usize = 256;

/// Starts the thread. It ends when the app drops its sender, or when the engine drops the receiver; the engine's loop
/// sees the first as the end of the channel.
pub(super) fn start(from_app: Receiver<(IntentId, Intent)>) -> std::io::Result<mpsc::Receiver<(IntentId, Intent)>> {
    let (to_core, from_bridge) = mpsc::channel(INTENTS_MAX);
    let forward = move || {
        for intent in &from_app {
            if to_core.blocking_send(intent).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("potok-bridge".into()).spawn(forward)?;
    Ok(from_bridge)
}
