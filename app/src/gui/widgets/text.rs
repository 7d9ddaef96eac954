//! Lines of text that are too long for their place: cut at the end, or in the middle so that the end of a file's name
//! stays.

use std::sync::Arc;

use eframe::egui::text::LayoutJob;
use eframe::egui::{Color32, FontId, Galley, TextFormat, Ui};

/// One line, cut with `…` at the end where it is too long.
pub fn one_line(ui: &Ui, text: &str, font: FontId, color: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
    job.wrap.max_width = width.max(0.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    job.break_on_newline = false;
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

/// One line, cut in the middle where it is too long; whether it was.
pub fn middle_line(ui: &Ui, text: &str, font: FontId, color: Color32, width: f32) -> (Arc<Galley>, bool) {
    match cut_middle(ui, text, &font, width) {
        Some(cut) => (one_line(ui, &cut, font, color, width), true),
        None => {
            let galley = one_line(ui, text, font, color, width);
            let is_cut = galley.elided;
            (galley, is_cut)
        }
    }
}

/// `A very long na….flac`; `None` if the whole fits. Most of a name's meaning is in front, so the front gets more.
pub fn cut_middle(ui: &Ui, text: &str, font: &FontId, width: f32) -> Option<String> {
    ui.fonts_mut(|fonts| shorten(text, width, |c| fonts.glyph_width(font, c)))
}

/// Share of the room that the end gets.
const END_PART: f32 = 0.4;
/// A name that has less room than this many ellipses is only cut.
const ELLIPSES_MIN: f32 = 4.0;

fn shorten(text: &str, width: f32, mut width_of: impl FnMut(char) -> f32) -> Option<String> {
    let whole: f32 = text.chars().map(&mut width_of).sum();
    let ellipsis = width_of('…');
    if whole <= width || width < ELLIPSES_MIN * ellipsis {
        return None;
    }
    let room = width - ellipsis;
    let mut taken = 0.0;
    let mut end = text.len();
    for (at, c) in text.char_indices().rev() {
        taken += width_of(c);
        if taken > room * END_PART {
            break;
        }
        end = at;
    }
    let mut left = room - text[end..].chars().map(&mut width_of).sum::<f32>();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        left -= width_of(c);
        if left < 0.0 || at >= end {
            break;
        }
        start = at + c.len_utf8();
    }
    Some(format!("{}…{}", text[..start].trim_end(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_stays() {
        let one = |_: char| 1.0;
        for (text, width, expected) in [
            ("short.txt", 20.0, None),
            ("a very long name of a song.flac", 16.0, Some("a very lo…g.flac")),
            ("много дълго име на файл.jpg", 12.0, Some("много д….jpg")),
            ("tiny.txt", 3.0, None),
        ] {
            assert_eq!(shorten(text, width, one).as_deref(), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_cut_name_fits(text in "\\PC{0,60}", width in 4_u16..40) {
            if let Some(cut) = shorten(&text, f32::from(width), |_| 1.0) {
                proptest::prop_assert!(cut.chars().count() <= usize::from(width));
            }
        }
    }
}
