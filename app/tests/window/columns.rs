//! Columns of tables: they sort, are chosen, made wider, and remembered.

use eframe::egui::accesskit::Toggled;
use eframe::egui::pos2;
use egui_kittest::kittest::NodeT;
use potok_app::gui::widgets::table;
use potok_app::gui::widgets::table_look::TableLooks;

use super::*;

fn people() -> Test {
    let mut test = Test::new(Screen::People);
    test.go_online();
    let line = |(user, port): (&str, u16)| UserLine {
        username: name(user),
        address: Some(([10, 0, 0, 1], port).into()),
        key: None,
    };
    let users = [("anna", 3), ("boris", 1), ("vera", 2)].into_iter().map(line).collect();
    test.answer(|i| matches!(i, Intent::ListUsers), Outcome::Users(users));
    test
}

fn title(test: &Test, title: &str) -> Option<eframe::egui::Rect> {
    test.window.query_by_role_and_label(Role::ColumnHeader, title).map(|title| title.rect())
}

fn click_title(test: &mut Test, title: &str) {
    test.window.get_by_role_and_label(Role::ColumnHeader, title).click();
    test.steps();
}

/// The names in the rows, from top to bottom.
fn rows(test: &Test) -> Vec<String> {
    let mut rows: Vec<(f32, String)> = ["anna", "boris", "vera"]
        .into_iter()
        .map(|name| (test.window.get_by_role_and_label(Role::Row, name).rect().top(), name.to_owned()))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn a_title_sorts_and_the_choice_stays_with_its_row() {
    let mut test = people();
    assert_eq!(rows(&test), ["anna", "boris", "vera"]);
    test.click("boris");
    click_title(&mut test, "Address");
    assert_eq!(rows(&test), ["boris", "vera", "anna"]);
    click_title(&mut test, "Address");
    assert_eq!(rows(&test), ["anna", "vera", "boris"]);
    let chosen = test.window.get_by_role_and_label(Role::Row, "boris");
    assert_eq!(chosen.accesskit_node().toggled(), Some(Toggled::True));
    click_title(&mut test, "Address");
    assert_eq!(rows(&test), ["anna", "boris", "vera"], "as it was");
}

#[test]
fn columns_are_chosen_made_wider_and_remembered() {
    let mut test = people();
    let at_first = title(&test, "Address").expect("there").width();
    test.click("Columns");
    test.window.get_by_role_and_label(Role::MenuItemCheckBox, "Size").click();
    test.steps();
    assert!(test.window.query_by_role_and_label(Role::MenuItemCheckBox, "Files").is_some(), "the menu stays open");
    assert_eq!(title(&test, "Size"), None);
    test.press(Modifiers::NONE, Key::Escape);

    let before = title(&test, "Address").expect("there").width();
    let edge = title(&test, "Address").expect("there").left_center() - vec2(10.0, 0.0);
    test.window.hover_at(edge);
    test.window.step();
    test.window.drag_at(edge);
    test.window.step();
    for step in 1_u8..=5 {
        test.window.hover_at(pos2(edge.x + f32::from(step) * 8.0, edge.y));
        test.window.step();
    }
    test.window.drop_at(pos2(edge.x + 40.0, edge.y));
    test.steps();
    let after = title(&test, "Address").expect("there").width();
    assert!((before - after - 40.0).abs() < 1.5, "{before} to {after}");

    // Another start reads what this one leaves.
    let folder = tempfile::tempdir().expect("folder");
    table::looks_of(&test.window.ctx).save(folder.path());
    let mut again = people();
    table::use_looks(&again.window.ctx, TableLooks::load(folder.path()));
    again.steps();
    assert_eq!(title(&again, "Size"), None);
    assert_eq!(title(&again, "Address").map(|title| title.width()), Some(after));
    again.click("Columns");
    again.click("As they were");
    assert!(title(&again, "Size").is_some());
    assert_eq!(title(&again, "Address").map(|title| title.width()), Some(at_first));
}

#[test]
fn a_menu_is_as_wide_as_its_words() {
    let mut test = people();
    test.click("anna");
    test.press(Modifiers::SHIFT, Key::F10);
    let item = test.window.get_by_role(Role::MenuItem).rect();
    assert!(item.width() < 260.0, "{item:?}");
}
