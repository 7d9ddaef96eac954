//! A bar for what takes time, at a terminal only; for programs it draws nothing.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use potok_core::model::shown::Shown;
use potok_core::node::event::{Transfer, TransferState};
use rust_i18n::t;
use unicode_width::UnicodeWidthStr;

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
        let count =
            if transfer.files > 1 { format!(" {}/{}", transfer.files_done, transfer.files) } else { String::new() };
        bar.set_prefix(fitting(&Shown(&transfer.label).to_string(), &count));
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

/// What fits on a line of 80 columns, in either language: a name of 20 columns, the bar, the part, the size, and the 27
/// that speed and time left may take. A longer message is cut where the terminal ends.
const TEMPLATE: &str = "{prefix} {bar:12} {percent:>3} %  {binary_total_bytes:>10}  {wide_msg}";
const NAME_COLUMNS: usize = 20;

/// A name and what stands behind it, as wide as there is room; the end of the name stays.
fn fitting(name: &str, behind: &str) -> String {
    let room = NAME_COLUMNS.saturating_sub(behind.width());
    if name.width() <= room {
        return format!("{name}{behind}");
    }
    // One column is for what stands in place of the rest.
    let end_room = room.saturating_sub(1) / 2;
    let start_room = room.saturating_sub(1) - end_room;
    let start =
        name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| name[..*end].width() <= start_room);
    let end = name.char_indices().rev().map(|(at, _)| at).take_while(|start| name[*start..].width() <= end_room);
    let (start, end) = (start.last().unwrap_or(0), end.last().unwrap_or(name.len()));
    format!("{}…{}{behind}", &name[..start], &name[end..])
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(TEMPLATE)
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
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }

    #[test]
    fn a_line_fits_into_80_columns() {
        for (name, behind, fits) in [
            ("a.txt", "", "a.txt"),
            ("Long recording of a river.flac", "", "Long recor…iver.flac"),
            ("Витоша 2026/Изгрев над Черни връх.jpg", "", "Витоша 202… връх.jpg"),
            ("Витоша 2026/", " 12/1234", "Витоша 2026/ 12/1234"),
            ("Витоша 2026/", " 123/1234", "Витош…2026/ 123/1234"),
            ("日本語の資料/旅行の写真.zip", "", "日本語の資…写真.zip"),
            ("x", " 123456789012345/123456789012345", "… 123456789012345/123456789012345"),
        ] {
            let fitted = fitting(name, behind);
            assert_eq!(fitted, fits);
            assert!(fitted.width() <= NAME_COLUMNS.max(behind.width() + 1), "{fitted}");
        }
        let rest = " ############ 100 %  1023.9 MiB  ".width();
        for time in ["1023.9 MiB/s, 99:59:59 left", "12,5 MiB/s, остават 1:02:03"] {
            assert!(NAME_COLUMNS + rest + time.width() <= 80, "{time}");
        }
    }

    #[test]
    fn programs_see_no_bar() {
        let mut progress = Progress::new(false);
        progress.hashing(1, 2, 3);
        assert!(progress.bar.is_none());
    }
}
