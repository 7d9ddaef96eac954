//! The window by its labels: what is told is seen, what is clicked is asked. No display, no network.
#![cfg(feature = "gui")]

mod browse;
mod columns;
mod console;
mod dialogs;
mod everywhere;
mod first_minute;
mod guide;
mod harness;
mod metered;
mod network;
mod newer;
mod owner;
mod pages;
mod people;
mod questions;
mod shared;
mod steady;
mod still;
mod transfers;

use std::path::PathBuf;

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, vec2};
use egui_kittest::kittest::Queryable;
use potok_app::gui::screen::Screen;
use potok_app::model::made_up::{self, MadeUpNetwork};
use potok_core::model::hash::ContentHash;
use potok_core::model::invite::Invite;
use potok_core::model::key::PublicKey;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;
use potok_core::model::transfer::TransferError;
use potok_core::node::event::{
    Direction, HereFile, Me, NodeEvent, Outcome, TrackerConnection, Transfer, TransferState,
};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Existing, Intent, IntentId, TransferId, TransferSelection};
use potok_core::node::settings::Settings;
use potok_core::protocol::command::owner::OwnerCommand;
use potok_core::protocol::reply::{FileLine, Totals, UserLine};
use potok_core::service::share_indexer::preview::{PreviewedShare, SharePreview};
use potok_core::service::share_indexer::root_status::SharedRoot;

use harness::*;
