//! Prints what the pipeline of the corpus says of files, a line of JSON for each.
//!
//! ```text
//! cargo run -p intake-corpus --example facts -- [FILE...]
//! ```
//!
//! Without files, those of the corpus, under the names and types that the tables name.

#[path = "../tests/it/plugins.rs"]
mod plugins;

use std::io::{Error, Result};
use std::path::Path;

use intake_core::{Bytes, Pipeline};
use intake_corpus::{cases, judge, pipeline};
use serde_json::json;

async fn print(pipeline: &Pipeline, path: &str, name: &str, declared: Option<&str>, content: Vec<u8>) -> Result<()> {
    let judgement = judge(pipeline, name, declared, &Bytes::from(content), 64 * 1024).await?;
    let judgement = serde_json::to_value(&judgement).map_err(Error::other)?;
    println!("{}", json!({"path": path, "judgement": judgement}));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let pipeline = pipeline()?;
    let paths: Vec<_> = std::env::args().skip(1).collect();
    for path in &paths {
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
        print(&pipeline, path, &name, None, std::fs::read(path)?).await?;
    }
    if paths.is_empty() {
        for case in cases()? {
            let declared = case.expected.declared.as_deref();
            print(&pipeline, &case.path, case.name(), declared, case.content()?).await?;
        }
    }
    Ok(())
}
