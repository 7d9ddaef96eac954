//! What the machine has asked for and is answered later.

/// Something that is under way: records on their way to the disk, a question to others. The answer repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);
