//! The engine's one loop: intents in, sleep noticed, and the end in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::node::clock_watch;
use crate::node::engine::Engine;
use crate::node::intent::{Intent, IntentId};

/// Everything is asked to stop at once; what has not stopped by then is left behind.
const STOP_MAX: Duration = Duration::from_millis(1800);

/// Runs until the app drops its end.
pub(super) async fn run(engine: Arc<Engine>, mut intents: mpsc::Receiver<(IntentId, Intent)>) {
    loop {
        tokio::select! {
            intent = intents.recv() => match intent {
                Some((id, intent)) => engine.carry_out(id, intent),
                None => break,
            },
            () = clock_watch::jumped() => {
                if let Ok(client) = engine.tracker_session.client() {
                    client.probe();
                }
            }
        }
    }
    stop(&engine).await;
}

/// First nothing new begins, then everything that runs ends together.
async fn stop(engine: &Engine) {
    engine.cancel.cancel();
    let all = async {
        engine.tracker_session.leave().await;
        engine.stop_hosting().await;
        engine.tasks.close();
        engine.tasks.wait().await;
    };
    if timeout(STOP_MAX, all).await.is_err() {
        tracing::warn!("some tasks did not stop in time");
    }
}
