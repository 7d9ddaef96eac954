//! What the engine hears of connections, threads and the tracker.

use super::{Engine, now};
use crate::service::downloader::Event;
use crate::service::downloader::source_state::{Report, Why};
use crate::transfer::SourceId;
use crate::transfer::event::TransferEvent;
use crate::transfer::job::{FileId, FileState};

impl Engine {
    pub(super) fn hear(&mut self, event: Event) {
        match event {
            Event::Source(id, connection, report) => {
                if self.connections.is_current(id, connection) {
                    self.hear_source(id, report);
                }
            }
            Event::Sources(file, contacts) => self.machine.sources_found(file, &contacts, now()),
            Event::Announced(file, announced) => self.machine.announced(file, announced, now()),
            Event::Checked(file, check, found) => {
                if let Some(checked) = self.file_work.checked(file, check, found) {
                    self.machine.checked(file, checked);
                }
            }
            Event::Looked(id, number, verdicts) => self.looked(id, number, verdicts),
            Event::Finished(finished) => {
                for (file, result) in finished {
                    let is_done = result.is_ok() && self.is_open(file);
                    self.machine.finished(file, result);
                    if is_done {
                        self.file_work.files().close(file);
                        self.finished_file(file);
                    }
                }
            }
            Event::Added(added) => self.added(*added),
            Event::Grown(grown) => self.grown(*grown),
            Event::LookedAtOver(looked) => self.looked_at_over(*looked),
            Event::Free(id, free) => {
                if self.file_work.take_free(id, free) {
                    self.machine.room(id);
                }
            }
        }
    }

    fn hear_source(&mut self, id: SourceId, report: Report) {
        let now = now();
        match report {
            Report::Attempted(attempt) => self.machine.attempted(id, attempt),
            Report::Up(way) => self.machine.connected(id, way, now),
            Report::Way(way) => self.machine.goes_another_way(id, way),
            Report::Queued(place) => self.machine.queued(id, place, now),
            Report::Granted => self.machine.granted(id),
            Report::Answered(outcomes) => {
                for (request, outcome) in outcomes {
                    self.machine.answered(id, request, outcome, now);
                }
            }
            Report::Down(why) => {
                self.connections.ended(id);
                match why {
                    Why::Misbehaved => self.machine.misbehaved(id, now),
                    Why::Flapping => self.machine.wasted(id, now),
                    Why::NoWay(no_relay) => self.machine.no_way(id, no_relay, now),
                    _ => self.machine.disconnected(id, now),
                }
            }
        }
    }

    fn is_open(&self, file: FileId) -> bool {
        let state = self.machine.job(file.job).map(|job| job.state(file.index));
        matches!(state, Some(FileState::Pending | FileState::Active))
    }

    pub(super) fn finished_file(&mut self, file: FileId) {
        let Some(job) = self.file_work.job(file.job) else { return };
        let Some(content) = job.content(file.index) else { return };
        let target = job.path(file.index);
        self.told.push(TransferEvent::FileFinished { id: file.job, target, size: content.size, hash: content.hash });
    }
}
