//! A room: computers of their own on one switch, in network namespaces that are gone with it. Needs root.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, id};

use crate::process::need;

/// Where the window of a computer takes what a test has for it. Nobody else is in its namespace.
const INSPECTED_AT: u16 = 9000;

/// The switch, and what is plugged into it.
pub(crate) struct Room {
    name: String,
    spaces: Vec<String>,
}

/// One of its computers.
pub(crate) struct Computer {
    space: String,
    number: u8,
}

impl Room {
    /// A switch that passes on what is said to all, as one that cannot tell groups apart.
    pub(crate) fn new() -> Self {
        need("ip", "iproute2");
        let name = format!("potok-room-{}", id());
        let mut room = Self { name: name.clone(), spaces: Vec::new() };
        room.space(&name);
        ip(&format!("-n {name} link add name switch type bridge mcast_snooping 0"));
        ip(&format!("-n {name} link set switch up"));
        room
    }

    /// One more computer, at 192.168.7.`number`.
    pub(crate) fn computer(&mut self, number: u8) -> Computer {
        let (room, space) = (self.name.clone(), format!("{}-{number}", self.name));
        self.space(&space);
        ip(&format!("-n {room} link add line{number} master switch type veth peer name eth0 netns {space}"));
        ip(&format!("-n {room} link set line{number} up"));
        ip(&format!("-n {space} link set eth0 up"));
        ip(&format!("-n {space} address add 192.168.7.{number}/24 dev eth0"));
        // The test itself comes by a cable of its own, which leads to nobody else.
        let cable = format!("test{number}-{}", id() % 100_000);
        ip(&format!("link add {cable} type veth peer name test netns {space}"));
        ip(&format!("link set {cable} addrgenmode none up"));
        ip(&format!("-n {space} link set test addrgenmode none up"));
        ip(&format!("address add 198.18.{number}.1/30 dev {cable}"));
        ip(&format!("-n {space} address add {}/30 dev test", inspected_at(number).ip()));
        Computer { space, number }
    }

    fn space(&mut self, name: &str) {
        ip(&format!("netns add {name}"));
        self.spaces.push(name.to_owned());
        ip(&format!("-n {name} link set lo up"));
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        for space in self.spaces.iter().rev() {
            // Whatever is left of it goes with this computer.
            let _ = Command::new("ip").args(["netns", "delete", space]).status();
        }
    }
}

impl Computer {
    /// The same command, on this computer.
    pub(crate) fn runs(&self, command: &Command) -> Command {
        let mut there = Command::new("ip");
        there.args(["netns", "exec", &self.space]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => there.env(name, value),
                None => there.env_remove(name),
            };
        }
        there
    }

    /// Where its window is inspected.
    pub(crate) fn inspected_at(&self) -> SocketAddr {
        inspected_at(self.number)
    }
}

fn inspected_at(number: u8) -> SocketAddr {
    (Ipv4Addr::new(198, 18, number, 2), INSPECTED_AT).into()
}

/// Carries out an `ip` command.
fn ip(words: &str) {
    let output = Command::new("ip").args(words.split(' ')).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {words}: {said} (this test makes network namespaces, which root may)");
}
