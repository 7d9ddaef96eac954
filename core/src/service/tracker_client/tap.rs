//! Shows the lines between us and the tracker to a person who wants to see them.
//!
//! No secret is among them: who we are is proven by TLS, below the lines, and an invite never travels.

use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a line that are shown; an announcement may have 64 KiB.
const SHOWN_BYTES_MAX: usize = 4096;

/// Where lines are shown. Nothing waits for whoever looks.
pub struct Tap {
    is_on: AtomicBool,
    show: Box<dyn Fn(LineDirection, String) + Send + Sync>,
}

/// Which way a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineDirection {
    /// To the tracker.
    Out,
    /// From the tracker.
    In,
}

impl Tap {
    /// Shows nothing until it is turned on; `show` must return at once.
    pub fn new(show: impl Fn(LineDirection, String) + Send + Sync + 'static) -> Self {
        Self { is_on: AtomicBool::new(false), show: Box::new(show) }
    }

    /// Turns it on or off.
    pub fn turn(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    /// Shows a line if it is on, or if the person has typed what it belongs to.
    pub(super) fn line(&self, way: LineDirection, line: &str, is_typed: bool) {
        if is_typed || self.is_on.load(Ordering::Relaxed) {
            (self.show)(way, shortened(line));
        }
    }
}

fn shortened(line: &str) -> String {
    if line.len() <= SHOWN_BYTES_MAX {
        return line.to_owned();
    }
    let shown = &line[..line.floor_char_boundary(SHOWN_BYTES_MAX)];
    format!("{shown}… (+{} bytes)", line.len() - shown.len())
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("is_on", &self.is_on).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[test]
    fn shows_what_is_wanted_and_no_more_of_a_line_than_fits() {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&shown);
        let tap = Tap::new(move |way, line| seen.lock().push((way, line)));
        tap.line(LineDirection::Out, "ping", false);
        tap.line(LineDirection::Out, "whoami", true);
        tap.turn(true);
        tap.line(LineDirection::In, "OK 0", false);
        tap.turn(false);
        tap.line(LineDirection::In, "OK 0", false);
        tap.line(LineDirection::In, &"я".repeat(40_000), true);
        let shown = shown.lock();
        assert_eq!(shown[..2], [(LineDirection::Out, "whoami".to_owned()), (LineDirection::In, "OK 0".to_owned())]);
        assert!(shown[2].1.ends_with("я… (+75904 bytes)") && shown.len() == 3, "{:?}", shown[2].1.len());
    }
}
