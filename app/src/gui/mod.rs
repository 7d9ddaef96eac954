//! The window. A ring: events → [`crate::model::Model`] → screens → [`action::Action`]s → intents. It sleeps until
//! something happens.

pub mod action;
pub mod away;
pub mod dialogs;
pub mod download_questions;
pub mod fingerprint;
pub mod friend;
pub mod guide;
pub mod icon;
pub mod icons;
mod keep_out;
mod licences;
mod no_window;
pub mod picker;
pub mod questions;
mod reach_sign;
pub mod screen;
pub mod screens;
pub mod share_question;
pub mod shell;
pub mod start;
pub mod theme;
mod toasts;
pub mod widgets;
pub mod window;
