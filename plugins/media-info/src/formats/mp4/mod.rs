//! MP4, QuickTime, 3GP and what else is made of boxes, whole or in fragments (ISO/IEC 14496-12; QuickTime File Format).
//!
//! The boxes pass by in their order. Of sample tables and fragments only sums are kept, so the movie's description may have any
//! size and any place.

mod audio_config;
mod boxes;
mod entry;
mod fourcc;
mod movie;
mod tables;
mod track;

use crate::facts::Probe;
use crate::formats::mp4::boxes::{Header, Nesting};
use crate::formats::mp4::movie::Movie;
use crate::formats::mp4::tables::Reader;
use crate::source::{Source, Stop};

/// Reads the boxes of an upload.
pub(crate) async fn probe(source: &mut Source, max_header: usize) -> Probe {
    let mut nesting = Nesting::default();
    let mut movie = Movie::default();
    let walked = walk(source, &mut nesting, &mut movie, max_header).await;
    // The description of the movie has to be whole, or a track could be missing.
    let within_movie = walked.is_err() && nesting.has(*b"moov");
    if !movie.has_begun() {
        return Probe::failed("it has no description of a movie");
    }
    if within_movie {
        return Probe::failed("the description of its movie is broken or breaks off");
    }
    if movie.is_packed() {
        return Probe::failed("the description of its movie is packed");
    }
    let missing = match walked {
        Ok(()) => movie.missing(),
        Err(Stop::Ended) => Some("the end of the file"),
        Err(Stop::Broken(why)) => Some(why),
    };
    Probe::read(movie.facts(), missing)
}

async fn walk(source: &mut Source, nesting: &mut Nesting, movie: &mut Movie, max_header: usize) -> Result<(), Stop> {
    loop {
        let place = source.position();
        nesting.leave(place);
        // The last box of a file may leave its length open.
        if nesting.end() == u64::MAX && source.is_over().await {
            return Ok(());
        }
        let Some(header) = Header::read(source, nesting.end()).await? else {
            if nesting.is_top() {
                // Some writers pad a file with zeros.
                return Ok(());
            }
            // What a box has behind its last box.
            source.skip_to(nesting.end()).await?;
            continue;
        };
        movie.begin(header.name);
        if nesting.enter(header) {
            continue;
        }
        let mut reader = Reader {
            source: &mut *source,
            header,
            max_header,
        };
        reader.read(movie).await?;
        if header.is_open() {
            // The last box of a file may leave its length open.
            while !source.is_over().await {
                match source.skip(u64::MAX).await {
                    Ok(()) | Err(Stop::Ended) => {}
                    Err(broken) => return Err(broken),
                }
            }
            return Ok(());
        }
        source.skip_to(header.end).await?;
    }
}
