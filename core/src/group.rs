//! Groups: files of one project, in an order, under one name. They never change; a file that has left leaves its place empty.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::pipeline::Pipeline;
use crate::{Fault, UploadId};

/// A group of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Names the group. None of its files has it.
    pub id: UploadId,
    /// Whose it is, by its public key.
    pub project: String,
    /// When it was made.
    pub created: SystemTime,
    /// Its files, in their order. The same may be there more than once.
    pub members: Vec<Member>,
}

/// A file's place in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The file.
    pub id: UploadId,
    /// What whoever made the group said is to be done with the file where it is shown; nothing here does it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub effects: String,
}

impl Pipeline {
    /// Makes a group. Whether its files are there, and are the project's, is for the caller to see to.
    ///
    /// # Errors
    ///
    /// If it could not be recorded.
    pub async fn group(&self, project: &str, members: Vec<Member>) -> Result<Group, Fault> {
        let group = Group {
            id: UploadId::random(),
            project: project.to_owned(),
            created: self.now(),
            members,
        };
        self.catalog().add_group(&group).await?;
        Ok(group)
    }
}
