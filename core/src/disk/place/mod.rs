//! Gate "Place": the only code that opens files of the person's.
//!
//! | module | whose names it is given | what it opens |
//! |---|---|---|
//! | [`shared`] | ours, found in a shared folder | regular files to read, never a data folder of Potok |
//! | `data_folder` | - | nothing: it tells which folders are those |
//! | `mark` | - | a finished download, to mark it as such |
//! | `rights` | - | a finished download, to let others read it |
//! | [`target`] | a folder that the person chose, and below it checked names of others | files to write |
//! | [`place_error`] | - | nothing: it says why something cannot be written |
//!
//! Everything is opened relative to a folder's handle. No link is followed below it, and what was opened is asked what
//! it is before a byte is read or written.

pub mod case;
mod data_folder;
mod mark;
pub mod place_error;
mod rights;
pub mod shared;
pub mod target;

pub(in crate::disk) use data_folder::DataFolder;
