//! Where a program is.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The path of a program: an absolute one, or a name that is looked for in the folders of `PATH`. `None` if there is no such program.
pub(crate) fn find(program: &Path) -> Option<PathBuf> {
    if program.is_absolute() {
        return Some(program.to_owned()).filter(|path| is_program(path));
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
