//! A bar for what takes time, at a terminal only; for programs it draws nothing.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use potok_core::model::shown::Shown;
use potok_core::node::event::{Transfer, TransferState};
use rust_i18n::t;

use crate::human;
use crate::render::tables;

/// At most one bar.
#[derive(Debug, Default)]
pub struct Progress {
    bar: Option<ProgressBar>,
    is_at_terminal: bool,
}

impl Progress {
    /// Draws on standard error when people read.
    pub fn new(is_at_terminal: bool) -> Self {
        Self { bar: None, is_at_terminal }
    }

    /// How far a download is.
    pub fn transfer(&mut self, transfer: &Transfer) {
        let Some(bar) = self.bar() else { return };
        bar.set_length(transfer.total_bytes);
        bar.set_position(transfer.done_bytes);
        bar.set_prefix(if transfer.files > 1 {
            format!("{} {}/{}", Shown(&transfer.label), transfer.files_done, transfer.files)
        } else {
            Shown(&transfer.label).to_string()
        });
        bar.set_message(running_or_state(transfer));
    }

    /// How far hashing is.
    pub fn hashing(&mut self, done_bytes: u64, total_bytes: u64, files_left: u64) {
        let Some(bar) = self.bar() else { return };
        bar.set_length(total_bytes);
        bar.set_position(done_bytes);
        bar.set_prefix(t!("console.hashing").into_owned());
        bar.set_message(t!("console.files-left", count = files_left).into_owned());
    }

    /// Prints something without leaving pieces of the bar behind.
    pub fn around<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&mut self) -> Option<&ProgressBar> {
        if !self.is_at_terminal {
            return None;
        }
        Some(self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
            bar.set_style(style());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        }))
    }
}

const DRAWS_PER_SECOND: u8 = 10;

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {bar:24} {percent:>3} %  {binary_bytes}/{binary_total_bytes}  {msg}")
        .unwrap_or_else(|_bad_template| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

/// Speed and time left while bytes move, else the reason why they do not.
fn running_or_state(transfer: &Transfer) -> String {
    if transfer.state != TransferState::Running {
        return tables::state(transfer);
    }
    let speed = human::speed(transfer.bytes_per_second);
    let missing = transfer.total_bytes.saturating_sub(transfer.done_bytes);
    match human::time_left(missing, transfer.bytes_per_second) {
        Some(time) => t!("console.speed-and-time-left", speed = speed, time = time).into_owned(),
        None => speed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid() {
        assert!(
            ProgressStyle::with_template(
                "{prefix} {bar:24} {percent:>3} %  {binary_bytes}/{binary_total_bytes}  {msg}"
            )
            .is_ok()
        );
    }

    #[test]
    fn programs_see_no_bar() {
        let mut progress = Progress::new(false);
        progress.hashing(1, 2, 3);
        assert!(progress.bar.is_none());
    }
}
