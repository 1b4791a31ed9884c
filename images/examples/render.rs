//! Runs the operations of an address on a file: `render FILE OPERATIONS RESULT [TIMES]`.
//!
//! With TIMES, it does so that many times in this process, as a server would; `peers/measure.mjs` divides its processor
//! time by them.

use std::error::Error;
use std::fs::File;

use intake_images::{Accept, Limits, Operations, run};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, path, result, times) = match &*arguments {
        [file, path, result] => (file, path, result, 1),
        [file, path, result, times] => (file, path, result, times.parse()?),
        _ => return Err("render FILE OPERATIONS RESULT [TIMES]".into()),
    };
    for _ in 0..times {
        let operations = Operations::parse(path)?;
        let rendered = run(
            &mut File::open(file)?,
            &operations,
            Accept::default(),
            &Limits::default(),
        )?;
        std::fs::write(result, &rendered.bytes)?;
    }
    Ok(())
}
