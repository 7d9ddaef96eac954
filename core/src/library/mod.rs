//! Floor 2: what I share, as a pure table. It knows paths as texts and files by their stamps; it opens nothing.
//!
//! | module | its job |
//! |---|---|
//! | [`name`] | from what a person typed to the share path it is announced under, and back |
//! | [`typed`] | paths as a person types them |
//! | [`root`] | a file or folder that the person shares |
//! | [`table`] | which share path is which file with which content, and what changes when the disk does |
//! | [`exclusions`] | what the person took out of a folder |
//! | [`collision`] | two files that would get one share path |
//! | `pages` | parts of the table, a bounded one at a time |
//! | [`comparison`] | what differs between the table and the disk |
//! | [`meaning`] | what the person means of all that is shared |
//! | [`giving_up`] | what the person wants to share no longer |
//! | [`level`] | the folders and files directly in a folder of a root |
//! | [`sharing_again`] | what the person stopped sharing and wants to share again |
//! | [`rename`] | announcing it under another share path |
//! | `root_lookup` | the roots of the table, by what they are looked up by |
//! | `roots`, `text_range` | all roots by each of their names; all that lies below a folder |
//! | [`changes`] | what others must be told |
//! | [`unsaved`] | what must be written |

pub mod changes;
pub mod collision;
pub mod comparison;
pub mod exclusions;
pub mod giving_up;
pub mod level;
pub mod meaning;
pub mod name;
mod pages;
pub mod rename;
pub mod root;
mod root_lookup;
mod roots;
pub mod sharing_again;
pub mod table;
mod text_range;
pub mod typed;
pub mod unsaved;
