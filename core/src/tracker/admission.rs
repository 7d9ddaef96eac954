//! Which connections are let in: counted when they are accepted, before a byte of them is read.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::household::household;
use crate::tracker::settings::TrackerSettings;

/// TrackerCounts connections and handshakes by address.
#[derive(Debug)]
pub struct Admission {
    connections_per_address: usize,
    connections_max: usize,
    handshakes_per_address: usize,
    handshakes_max: usize,
    open: BTreeMap<IpAddr, TrackerCounts>,
    connections: usize,
    handshakes: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct TrackerCounts {
    connections: usize,
    handshakes: usize,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// This address has as many as it may.
    #[error("too many connections from one address")]
    Address,
    /// The tracker has as many as it may.
    #[error("too many connections")]
    Full,
}

impl Admission {
    /// Nobody is connected.
    pub fn new(settings: &TrackerSettings) -> Self {
        Self {
            connections_per_address: settings.connections_per_address,
            connections_max: settings.connections,
            handshakes_per_address: settings.handshakes_per_address,
            handshakes_max: settings.handshakes,
            open: BTreeMap::new(),
            connections: 0,
            handshakes: 0,
        }
    }

    /// Lets a connection in. [`Self::leave`] must follow when it ends.
    pub fn enter(&mut self, address: IpAddr) -> Result<(), NotAdmitted> {
        let open = self.open.get(&household(address)).map_or(0, |counts| counts.connections);
        if open >= self.connections_per_address {
            return Err(NotAdmitted::Address);
        }
        if self.connections >= self.connections_max {
            return Err(NotAdmitted::Full);
        }
        self.connections += 1;
        self.open.entry(household(address)).or_default().connections += 1;
        Ok(())
    }

    /// A connection has ended.
    pub fn leave(&mut self, address: IpAddr) {
        if let Some(counts) = self.open.get_mut(&household(address)) {
            counts.connections = counts.connections.saturating_sub(1);
            self.connections = self.connections.saturating_sub(1);
            if counts.connections == 0 {
                self.open.remove(&household(address));
            }
        }
    }

    /// A connection of an address that is in begins its handshake. [`Self::end_handshake`] must follow.
    pub fn begin_handshake(&mut self, address: IpAddr) -> Result<(), NotAdmitted> {
        let counts = self.open.entry(household(address)).or_default();
        if counts.handshakes >= self.handshakes_per_address {
            return Err(NotAdmitted::Address);
        }
        if self.handshakes >= self.handshakes_max {
            return Err(NotAdmitted::Full);
        }
        counts.handshakes += 1;
        self.handshakes += 1;
        Ok(())
    }

    /// A handshake has ended, well or not; its connection is still in.
    pub fn end_handshake(&mut self, address: IpAddr) {
        if let Some(counts) = self.open.get_mut(&household(address)) {
            counts.handshakes = counts.handshakes.saturating_sub(1);
            self.handshakes = self.handshakes.saturating_sub(1);
        }
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.connections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_address_and_in_all() {
        let settings = TrackerSettings { connections_per_address: 2, connections: 3, ..TrackerSettings::default() };
        let mut admission = Admission::new(&settings);
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        assert_eq!(admission.enter(address(1)), Ok(()));
        assert_eq!(admission.enter(address(1)), Ok(()));
        assert_eq!(admission.enter(address(1)), Err(NotAdmitted::Address));
        assert_eq!(admission.enter(address(2)), Ok(()));
        assert_eq!(admission.enter(address(3)), Err(NotAdmitted::Full));
        admission.leave(address(1));
        assert_eq!(admission.enter(address(1)), Ok(()));
        for n in [1, 1, 2] {
            admission.leave(address(n));
        }
        assert_eq!(admission.connections(), 0);
        assert!(admission.open.is_empty());
    }

    #[test]
    fn counts_handshakes_apart() {
        let settings = TrackerSettings { handshakes_per_address: 1, handshakes: 2, ..TrackerSettings::default() };
        let mut admission = Admission::new(&settings);
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        for n in [1, 1, 2, 3] {
            admission.enter(address(n)).expect("room");
        }
        assert_eq!(admission.begin_handshake(address(1)), Ok(()));
        assert_eq!(admission.begin_handshake(address(1)), Err(NotAdmitted::Address));
        assert_eq!(admission.begin_handshake(address(2)), Ok(()));
        assert_eq!(admission.begin_handshake(address(3)), Err(NotAdmitted::Full));
        admission.end_handshake(address(1));
        assert_eq!(admission.begin_handshake(address(3)), Ok(()));
    }
}
