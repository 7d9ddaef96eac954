//! Stand-in until the engine is merged.
#![allow(missing_docs, clippy::unused_async, reason = "a stand-in")]
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::peer::Content;
use crate::store::downloads::TargetName;
use crate::transfer::status::{TransferId, TransferState};
use std::path::PathBuf;
#[derive(Debug, Clone)]
pub struct NewFile {
    pub remote: SharePath,
    pub content: Content,
    pub name: TargetName,
}
#[derive(Debug, Clone)]
pub struct NewDownload {
    pub user: Username,
    pub label: String,
    pub is_folder: bool,
    pub into: PathBuf,
    pub overwrite: bool,
    pub files: Vec<NewFile>,
}
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    #[error("exists")]
    Exists { path: PathBuf },
    #[error("other")]
    Other,
}
#[derive(Debug, Clone)]
pub struct Downloader;
impl Downloader {
    pub fn snapshot(&self) -> Vec<TransferState> {
        Vec::new()
    }
    pub async fn add(&self, _new: NewDownload) -> Result<TransferId, AddError> {
        Err(AddError::Other)
    }
    pub async fn pause(&self, _id: TransferId) {}
    pub async fn resume(&self, _id: TransferId) {}
    pub async fn pause_all(&self) {}
    pub async fn resume_all(&self) {}
    pub async fn cancel(&self, _id: TransferId) {}
    pub async fn retry(&self, _id: TransferId) {}
    pub async fn acknowledge(&self, _id: TransferId) {}
}
