//! What is behind one download, for people who look closer: its sources, its parts, its files.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Active, Downloads, Stage};
use crate::model::transfer::TransferId;
use crate::model::transfer_details::{
    FILES_OF_PAGE_MAX, FileQuery, PartMap, SOURCES_TOLD_MAX, SourceDetails, SourceStanding,
};
use crate::transfer::SourceId;
use crate::transfer::job::{DownloadJob, FileId, FileState};
use crate::transfer::source::{Link, Source};

/// Files in work whose sources are looked at: a folder may have thousands, and they have the same.
const FILES_LOOKED_AT_MAX: usize = 64;

/// What the machine knows of one download, and of the files that were asked for.
#[derive(Debug)]
pub struct Described {
    /// Who sends it, those first.
    pub sources: Vec<SourceDetails>,
    /// Sources that are not among them.
    pub sources_left_out: u64,
    /// Which parts of it are here.
    pub map: PartMap,
    /// Index, state and verified bytes of each file of the page.
    pub files: Vec<(u32, FileState, u64)>,
    /// How many files there are of those that were asked for.
    pub total: u64,
}

impl Downloads {
    /// What is behind a download now. It costs a step a file, and one for each run of blocks of those in work.
    pub fn describe(&mut self, id: TransferId, query: &FileQuery, now: Instant) -> Option<Described> {
        let (sources, sources_left_out) = self.describe_sources(id, now)?;
        let job = self.jobs.get(&id)?;
        let mut map = PartMap::of(job.total_bytes());
        let partial: BTreeMap<u32, u64> = job.partial().collect();
        for (index, content) in (0u32..).zip(&job.files) {
            match (job.state(index), self.active.get(&FileId { job: id, index })) {
                // It is not wanted.
                (FileState::LeftOut, _) => {}
                (FileState::Done, _) | (_, Some(Active { stage: Stage::Finishing, .. })) => {
                    map.push_part(content.size, content.size);
                }
                (FileState::Active, Some(Active { stage: Stage::Blocks(plan), .. })) => plan.tell(&mut map),
                _ => map.push_part(content.size, partial.get(&index).copied().unwrap_or(0)),
            }
        }
        let (files, total) = describe_files(job, &partial, query);
        Some(Described { sources, sources_left_out, map, files, total })
    }

    fn describe_sources(&mut self, id: TransferId, now: Instant) -> Option<(Vec<SourceDetails>, u64)> {
        let job = self.jobs.get(&id)?;
        let mut found: BTreeMap<SourceId, SourceStanding> = BTreeMap::new();
        let in_work = job.active.iter().take(FILES_LOOKED_AT_MAX);
        for active in in_work.filter_map(|index| self.active.get(&FileId { job: id, index: *index })) {
            for source in &active.offers {
                found.insert(*source, SourceStanding::NotConnected);
            }
            for source in &active.refused {
                found.entry(*source).or_insert(SourceStanding::HasNot);
            }
        }
        let owner = job.user.clone();
        let owner_source = self.lanes.get(&owner).and_then(|lane| lane.source).filter(|_| !job.is_over());
        if let Some(source) = owner_source {
            found.entry(source).or_insert(SourceStanding::NotConnected);
        }
        let is_over = job.is_over();
        let mut told = Vec::with_capacity(found.len());
        for (source, refused) in found {
            let Some(source) = self.sources.get_mut(source) else { continue };
            let standing = match standing_of(source, id) {
                SourceStanding::Connected | SourceStanding::NotConnected if refused == SourceStanding::HasNot => {
                    refused
                }
                standing => standing,
            };
            let bytes_per_second = if source.is_connected() { source.speed.rate(now) } else { 0 };
            let way = source.way.filter(|_| source.is_connected());
            let (user, tried) = (source.contact.username.clone(), source.attempt.told());
            told.push(SourceDetails { user, standing, way, tried, tried_by_them: false, bytes_per_second });
        }
        if !is_over && !told.iter().any(|source| source.user == owner) {
            let standing = self.lanes.get(&owner).map_or(SourceStanding::Unknown, |lane| lane.standing);
            told.push(SourceDetails {
                user: owner,
                standing,
                way: None,
                tried: Vec::new(),
                tried_by_them: false,
                bytes_per_second: 0,
            });
        }
        told.sort_by_key(|source| (source.standing, std::cmp::Reverse(source.bytes_per_second)));
        let left_out = told.len().saturating_sub(SOURCES_TOLD_MAX);
        told.truncate(SOURCES_TOLD_MAX);
        Some((told, left_out as u64))
    }
}

/// What a source does for this download.
fn standing_of(source: &Source, id: TransferId) -> SourceStanding {
    match source.link {
        _ if source.is_liar => SourceStanding::Lied,
        _ if source.is_given_up => SourceStanding::GivenUp,
        Link::Up if source.open.values().any(|(ask, _)| ask.file.job == id) => SourceStanding::Sending,
        Link::Up => SourceStanding::Connected,
        Link::Waiting(place) => SourceStanding::Waiting(place),
        Link::Connecting => SourceStanding::Connecting,
        Link::Down if source.strikes > 0 => SourceStanding::Declines,
        Link::Down if source.backoff.until().is_some() => SourceStanding::Unreachable,
        Link::Down => SourceStanding::NotConnected,
    }
}

fn describe_files(
    job: &DownloadJob,
    partial: &BTreeMap<u32, u64>,
    query: &FileQuery,
) -> (Vec<(u32, FileState, u64)>, u64) {
    let describe = |index: u32| {
        let state = job.state(index);
        let size = job.files.get(index as usize).map_or(0, |content| content.size);
        let done = if state == FileState::Done { size } else { partial.get(&index).copied().unwrap_or(0) };
        (index, state, done)
    };
    let all = 0..u32::try_from(job.files.len()).unwrap_or(u32::MAX);
    let from = usize::try_from(query.from).unwrap_or(usize::MAX);
    if query.only_failed {
        let failed = all.filter(|index| job.state(*index) == FileState::Failed);
        return (failed.skip(from).take(FILES_OF_PAGE_MAX).map(describe).collect(), job.counts().failed as u64);
    }
    (all.skip(from).take(FILES_OF_PAGE_MAX).map(describe).collect(), job.files.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::block_list::BlockList;
    use crate::model::geometry::BLOCK_BYTES_MIN;
    use crate::model::hash::ContentHash;
    use crate::model::keeping_away::KeptAway;
    use crate::model::key::PublicKey;
    use crate::model::transfer_details::PartState;
    use crate::model::username::Username;
    use crate::model::way::Way;
    use crate::protocol::peer::Content;
    use crate::transfer::Contact;
    use crate::transfer::downloads::{AskOutcome, Checked, DownloadEffect, FoundUser};
    use crate::transfer::plan::Blocks;
    use crate::transfer::source::{Ask, What};

    const JOB: TransferId = TransferId(1);

    fn content(n: u8, size: u64) -> Content {
        Content { hash: ContentHash::from_bytes([n; 32]), size }
    }

    fn contact(name: &str, n: u8) -> Contact {
        Contact {
            username: Username::new(name).expect("a name"),
            address: Some(([10, 0, 0, n], 4000).into()),
            key: PublicKey::from_bytes([n; 32]),
        }
    }

    fn standings(machine: &mut Downloads, now: Instant) -> Vec<(String, SourceStanding)> {
        let told = machine.describe(JOB, &FileQuery::default(), now).expect("there").sources;
        told.into_iter().map(|source| (source.user.to_string(), source.standing)).collect()
    }

    /// Carries everything out; whoever is asked for a list has it, and blocks are left open.
    fn settle(machine: &mut Downloads, now: Instant) -> Vec<(SourceId, Ask)> {
        let mut open = Vec::new();
        loop {
            let effects = machine.effects(now);
            if effects.is_empty() {
                return open;
            }
            for effect in effects {
                match effect {
                    DownloadEffect::FindSources(file, _) => {
                        machine.sources_found(file, &[contact("anna", 1), contact("vera", 2)], now);
                    }
                    DownloadEffect::Connect(id, contact) if contact.username.as_str() == "anna" => {
                        machine.connected(id, Way::Direct, now);
                    }
                    DownloadEffect::Connect(id, _) => machine.queued_up(id, now),
                    DownloadEffect::Ask(id, asks) => {
                        for ask in asks {
                            match ask.what {
                                What::Block(_) => open.push((id, ask)),
                                What::List => {
                                    let blocks = vec![[7; 32]; ask.content.geometry().blocks() as usize];
                                    let list = BlockList::computed(ask.content.geometry(), blocks).expect("one each");
                                    machine.answered(id, ask.id, AskOutcome::List(list), now);
                                }
                            }
                        }
                    }
                    DownloadEffect::Check(file, list) => {
                        machine.checked(file, Checked::Part(Blocks::none(list.geometry())));
                    }
                    DownloadEffect::Finish(file) => machine.finished(file, Ok(())),
                    _ => {}
                }
            }
        }
    }

    impl Downloads {
        fn queued_up(&mut self, id: SourceId, now: Instant) {
            self.connected(id, Way::Direct, now);
            self.queued(id, 3, now);
        }
    }

    #[test]
    fn who_sends_what_is_here_and_how_files_are() {
        let now = Instant::now();
        let mut machine = Downloads::new(4);
        let (b, small) = (BLOCK_BYTES_MIN, 100);
        let files = vec![content(1, 10 * b), content(2, small), content(3, 50 * b)];
        let owner = contact("anna", 1);
        assert!(machine.describe(JOB, &FileQuery::default(), now).is_none());
        machine.add(JOB, DownloadJob::new(owner.username.clone(), files));
        for (found, standing) in [
            (None, SourceStanding::Unknown),
            (Some(FoundUser::Away), SourceStanding::Away),
            (Some(FoundUser::OtherKey), SourceStanding::OtherKey),
            (Some(FoundUser::Unknown), SourceStanding::Unknown),
            (Some(FoundUser::KeptAway(KeptAway::default())), SourceStanding::KeptAway),
        ] {
            found.iter().for_each(|found| machine.user_found(&owner.username, found, now));
            assert_eq!(standings(&mut machine, now), [("anna".to_owned(), standing)], "{found:?}");
        }
        machine.user_found(&owner.username, &FoundUser::Here(owner.clone()), now);
        let open = settle(&mut machine, now);
        let told = standings(&mut machine, now);
        let expected = [("anna".to_owned(), SourceStanding::Sending), ("vera".to_owned(), SourceStanding::Waiting(3))];
        assert_eq!(told, expected);

        // The first block of the first file comes, and the small one.
        let mut open = open;
        for index in [0, 1] {
            let is_wanted = |(_, ask): &(SourceId, Ask)| ask.file.index == index && ask.what == What::Block(0);
            let at = open.iter().position(is_wanted).expect("it is asked for");
            let (id, ask) = open.remove(at);
            machine.answered(id, ask.id, AskOutcome::Written, now);
            open.extend(settle(&mut machine, now));
        }
        let told = machine.describe(JOB, &FileQuery::default(), now).expect("there");
        let files = told.files.iter().map(|(index, state, done)| (*index, *state, *done)).collect::<Vec<_>>();
        assert_eq!(files[..2], [(0, FileState::Active, b), (1, FileState::Done, small)]);
        assert_eq!(told.total, 3);
        let runs = told.map.runs();
        assert_eq!(runs[0], (b, PartState::Here));
        assert!(runs.iter().any(|(_, state)| *state == PartState::UnderWay), "{runs:?}");
        assert!(runs.iter().any(|(_, state)| *state == PartState::Missing), "{runs:?}");
        assert_eq!(runs.iter().map(|(bytes, _)| bytes).sum::<u64>(), 60 * b + small);

        machine.pause(JOB);
        let told = machine.describe(JOB, &FileQuery { only_failed: false, from: 1 }, now).expect("there");
        assert_eq!(told.map.runs()[0], (10 * b, PartState::Mixed(10)), "so much, nobody knows which");
        assert_eq!(told.files.first().map(|(index, ..)| *index), Some(1));
        let failed = machine.describe(JOB, &FileQuery { only_failed: true, from: 0 }, now).expect("there");
        assert_eq!((failed.files.len(), failed.total), (0, 0));
    }

    #[test]
    fn a_page_is_bounded_and_failed_files_are_found_among_many() {
        let now = Instant::now();
        let mut machine = Downloads::new(4);
        let mut job = DownloadJob::new(contact("anna", 1).username, vec![content(1, 5); 100_000]);
        for index in 0..100_000 {
            job.restore(index, if index % 1000 == 7 { FileState::Failed } else { FileState::Done }, 0);
        }
        machine.add(JOB, job);
        let page = |machine: &mut Downloads, query| machine.describe(JOB, &query, now).expect("there");
        let told = page(&mut machine, FileQuery { only_failed: false, from: 99_990 });
        assert_eq!((told.files.len(), told.total), (10, 100_000));
        assert_eq!(page(&mut machine, FileQuery::default()).files.len(), FILES_OF_PAGE_MAX);
        let told = page(&mut machine, FileQuery { only_failed: true, from: 98 });
        let indexes: Vec<u32> = told.files.iter().map(|(index, ..)| *index).collect();
        assert_eq!((indexes.as_slice(), told.total), ([98_007, 99_007].as_slice(), 100));
        assert!(told.sources.is_empty(), "nobody is needed any more");
    }
}
