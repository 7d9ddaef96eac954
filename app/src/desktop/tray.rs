//! The icon in the tray: what is left of Potok when its window is closed.
//!
//! KDE, XFCE, Cinnamon and others have a tray; GNOME has none without an extension, and [`Tray::is_there`] says so.
//! Only Linux and its like for now: on Windows and macOS there is none, and a closed window is minimised instead.

use crate::desktop::Bell;

/// What is wished of the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Show the window.
    Open,
    /// Pause every transfer.
    PauseAll,
    /// Go on with every transfer.
    ResumeAll,
    /// End Potok, the engine too.
    Quit,
}

/// A square picture: bytes of red, green, blue and opacity, row by row.
#[derive(Debug, Clone)]
pub struct Icon {
    /// Points a side.
    pub side: u32,
    /// Four bytes a point.
    pub rgba: Vec<u8>,
}

/// The icon, shown or not.
#[derive(Debug)]
pub struct Tray {
    #[cfg_attr(not(all(unix, not(target_os = "macos"))), expect(dead_code, reason = "no tray on this system yet"))]
    bell: Bell,
    #[cfg_attr(not(all(unix, not(target_os = "macos"))), expect(dead_code, reason = "no tray on this system yet"))]
    icon: Icon,
    #[cfg(all(unix, not(target_os = "macos")))]
    shown: Option<system::TrayThread>,
}

#[cfg(all(unix, not(target_os = "macos")))]
impl Tray {
    /// Nothing is shown yet.
    pub fn new(bell: Bell, icon: Icon) -> Self {
        Self { bell, icon, shown: None }
    }

    /// Shows it, or takes it away. Whether a tray is there is told by [`crate::desktop::DesktopEvent::TrayIsThere`].
    pub fn show(&mut self, is_wanted: bool) {
        match (is_wanted, &self.shown) {
            (true, None) => self.shown = Some(system::TrayThread::start(self.bell.clone(), self.icon.clone())),
            (false, Some(_)) => self.shown = None,
            _ => {}
        }
    }

    /// Whether somebody can see it.
    pub fn is_there(&self) -> bool {
        self.shown.as_ref().is_some_and(system::TrayThread::is_there)
    }

    /// The language has changed.
    pub fn translate(&self) {
        if let Some(shown) = &self.shown {
            shown.refresh();
        }
    }
}

#[cfg(any(windows, target_os = "macos"))]
impl Tray {
    /// Nothing is ever shown.
    pub fn new(bell: Bell, icon: Icon) -> Self {
        Self { bell, icon }
    }

    /// Does nothing here.
    pub fn show(&mut self, _is_wanted: bool) {}

    /// There is never a tray here.
    pub fn is_there(&self) -> bool {
        false
    }

    /// Does nothing here.
    pub fn translate(&self) {}
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use crossbeam_channel::{Receiver, Sender, bounded};
    use ksni::blocking::TrayMethods;
    use ksni::menu::StandardItem;
    use ksni::{Category, MenuItem, OfflineReason, ToolTip};
    use rust_i18n::t;

    use super::{Icon, Wish};
    use crate::desktop::{Bell, DesktopEvent};

    /// Refreshes that wait; one refreshes everything.
    const REFRESHES_MAX: usize = 1;

    /// The service behind the icon. Its thread talks to the bus and ends when this is dropped.
    #[derive(Debug)]
    pub(super) struct TrayThread {
        refresh: Sender<()>,
        is_there: Arc<AtomicBool>,
    }

    impl TrayThread {
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
        fn line(text: String, wish: Wish) -> MenuItem<Self> {
            let activate = Box::new(move |item: &mut Self| {
                item.bell.ring(DesktopEvent::Tray(wish));
            });
            // An underscore would underline the next letter.
            StandardItem { label: text.replace('_', "__"), activate, ..StandardItem::default() }.into()
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
            vec![
                Self::line(t!("tray.open").into(), Wish::Open),
                MenuItem::Separator,
                Self::line(t!("tray.pause-all").into(), Wish::PauseAll),
                Self::line(t!("tray.resume-all").into(), Wish::ResumeAll),
                MenuItem::Separator,
                Self::line(t!("tray.quit").into(), Wish::Quit),
            ]
        }

        fn watcher_online(&self) {
            self.is_there_now(true);
        }

        fn watcher_offline(&self, _why: OfflineReason) -> bool {
            self.is_there_now(false);
            true
        }
    }
}
