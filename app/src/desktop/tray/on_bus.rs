//! The icon as desktops on D-Bus have it (StatusNotifierItem), by a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use ksni::blocking::TrayMethods;
use ksni::menu::StandardItem;
use ksni::{Category, MenuItem, OfflineReason, ToolTip};

use super::{Icon, TRAY_MENU, Wish};
use crate::desktop::{Bell, DesktopEvent};

/// Refreshes that wait; one refreshes everything.
const REFRESHES_MAX: usize = 1;

/// The service behind the icon. Its thread talks to the bus and ends when this is dropped.
#[derive(Debug)]
pub(super) struct IconOnBus {
    refresh: Sender<()>,
    is_there: Arc<AtomicBool>,
}

impl IconOnBus {
    pub(super) fn start(bell: Bell, icon: Icon) -> Self {
        let (refresh, refreshes) = bounded(REFRESHES_MAX);
        let is_there = Arc::<AtomicBool>::default();
        let item = Item { bell, icon, is_there: Arc::clone(&is_there) };
        // Without a thread there is no tray.
        let _ = std::thread::Builder::new().name("potok-tray".into()).spawn(move || run(item, &refreshes));
        Self { refresh, is_there }
    }

    pub(super) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    pub(super) fn refresh(&self) {
        // Full: one is on its way.
        let _ = self.refresh.try_send(());
    }
}

fn run(item: Item, refreshes: &Receiver<()>) {
    let (bell, is_there) = (item.bell.clone(), Arc::clone(&item.is_there));
    is_there.store(true, Ordering::Relaxed);
    // The panel may start after us: then it is told when it comes.
    let handle = item.assume_sni_available(true).spawn();
    if handle.is_err() {
        is_there.store(false, Ordering::Relaxed);
    }
    bell.ring(DesktopEvent::TrayIsThere(is_there.load(Ordering::Relaxed)));
    let Ok(handle) = handle else { return };
    while refreshes.recv().is_ok() {
        handle.update(|_item| {});
    }
    handle.shutdown().wait();
}

struct Item {
    bell: Bell,
    icon: Icon,
    is_there: Arc<AtomicBool>,
}

impl Item {
    fn line(wish: Wish) -> MenuItem<Self> {
        let activate = Box::new(move |item: &mut Self| {
            item.bell.ring(DesktopEvent::Tray(wish));
        });
        // An underscore would underline the next letter.
        StandardItem { label: wish.text().replace('_', "__"), activate, ..StandardItem::default() }.into()
    }

    fn is_there_now(&self, is_there: bool) {
        self.is_there.store(is_there, Ordering::Relaxed);
        self.bell.ring(DesktopEvent::TrayIsThere(is_there));
    }
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "org.potok.Potok".into()
    }

    fn category(&self) -> Category {
        Category::Communications
    }

    fn title(&self) -> String {
        "Potok".into()
    }

    fn icon_name(&self) -> String {
        "org.potok.Potok".into()
    }

    /// For a Potok that is not installed, whose icon no theme has.
    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        let points = self.icon.rgba.as_chunks::<4>().0;
        let data = points.iter().flat_map(|[red, green, blue, opacity]| [*opacity, *red, *green, *blue]).collect();
        let side = i32::try_from(self.icon.side).unwrap_or_default();
        vec![ksni::Icon { width: side, height: side, data }]
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip { title: "Potok".into(), ..ToolTip::default() }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.bell.ring(DesktopEvent::Tray(Wish::Open));
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let mut menu = Vec::new();
        for group in TRAY_MENU {
            if !menu.is_empty() {
                menu.push(MenuItem::Separator);
            }
            menu.extend(group.iter().map(|wish| Self::line(*wish)));
        }
        menu
    }

    fn watcher_online(&self) {
        self.is_there_now(true);
    }

    fn watcher_offline(&self, _why: OfflineReason) -> bool {
        self.is_there_now(false);
        true
    }
}
