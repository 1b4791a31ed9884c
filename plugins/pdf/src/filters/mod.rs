//! The filters of object streams (ISO 32000-2, 7.4), one after another, in pieces of bounded size.

mod ascii;
mod flate;
mod lzw;
mod predictor;
mod stage;

use crate::stream_info::{Filter, StreamInfo};

use self::ascii::{Ascii85, AsciiHex};
use self::flate::Flate;
use self::lzw::Lzw;
use self::predictor::Predictor;

pub(crate) use self::stage::{Sink, Stage, push};

/// The filters that a dictionary names, in the order in which they are applied.
///
/// # Errors
///
/// Why they cannot be applied.
pub(crate) fn stages(info: &StreamInfo) -> Result<Vec<Box<dyn Stage>>, &'static str> {
    if let Some(obstacle) = info.obstacle {
        return Err(obstacle);
    }
    let mut stages: Vec<Box<dyn Stage>> = Vec::new();
    for (filter, parms) in info.filters.iter().zip(&info.parms) {
        let Some(filter) = filter else { break };
        match filter {
            Filter::Flate => stages.push(Box::new(Flate::new())),
            Filter::Lzw => stages.push(Box::new(Lzw::new(parms.early_change != 0))),
            Filter::AsciiHex => stages.push(Box::new(AsciiHex::default())),
            Filter::Ascii85 => stages.push(Box::new(Ascii85::default())),
        }
        if matches!(filter, Filter::Flate | Filter::Lzw) && parms.predictor > 1 {
            stages.push(Box::new(Predictor::new(parms)?));
        }
    }
    Ok(stages)
}
