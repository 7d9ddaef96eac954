//! Downloads and uploads as pure machines.
