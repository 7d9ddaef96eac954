//! A page of parts that come, go and grow without being asked for: the part under the pointer stays where it is, and the
//! page is scrolled by as much as what lies above it has grown.

use eframe::egui::{ScrollArea, Ui};

/// Where each part begins, from the top of the page, in points.
type Tops = Vec<(&'static str, f32)>;

/// The parts of a page as they are drawn.
#[derive(Debug)]
pub struct Sections {
    begin: f32,
    tops: Tops,
}

impl Sections {
    /// What is drawn from here on is this part.
    pub fn part(&mut self, ui: &Ui, name: &'static str) {
        self.tops.push((name, ui.cursor().top() - self.begin));
    }
}

/// Draws such a page.
pub fn show(ui: &mut Ui, page: &'static str, add: impl FnOnce(&mut Ui, &mut Sections)) {
    let viewport = ui.available_rect_before_wrap();
    let (of_tops, of_offset) = (ui.scope_id().with((page, "tops")), ui.scope_id().with((page, "offset")));
    let mut area = ScrollArea::vertical().id_salt(page).auto_shrink(false);
    if let Some(offset) = ui.data_mut(|data| data.remove_temp::<f32>(of_offset)) {
        area = area.vertical_scroll_offset(offset);
    }
    let shown = area.show(ui, |ui| {
        let mut sections = Sections { begin: ui.cursor().top(), tops: Tops::new() };
        add(ui, &mut sections);
        // So that the page can be scrolled as far as it is, though what made it so long is gone.
        ui.add_space((viewport.bottom() - ui.cursor().top()).max(0.0));
        sections.tops
    });
    let (tops, offset) = (shown.inner, shown.state.unclamped_offset().y);
    let before = ui.data_mut(|data| {
        let before = data.get_temp::<Tops>(of_tops).unwrap_or_default();
        data.insert_temp(of_tops, tops.clone());
        before
    });
    let Some(pointer) = ui.ctx().pointer_hover_pos().filter(|at| shown.inner_rect.contains(*at)) else { return };
    let at = pointer.y - shown.inner_rect.top() + offset;
    // What was under the pointer before anything grew.
    let Some((name, was)) = before.iter().rev().find(|(_, top)| *top <= at) else { return };
    let Some((_, is)) = tops.iter().find(|(other, _)| other == name) else { return };
    let grown = is - was;
    if grown.abs() >= 0.5 {
        ui.data_mut(|data| data.insert_temp(of_offset, (offset + grown).max(0.0)));
        // This frame is not shown.
        ui.ctx().request_discard("a part above the pointer has grown");
    }
}
