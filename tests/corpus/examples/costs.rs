//! What each scanner and validator costs: the processor time of this process for large and small contents, without any plugin, with each
//! alone, and with all of them, as ratios to none. `cargo run --release -p intake-corpus --example costs [ROUNDS]`.
//!
//! The pipeline reads each content, computes its digest, finds its type, and keeps nothing: an upload costs more, so a plugin's share of it is smaller.
#![allow(clippy::unwrap_used, missing_docs, reason = "a measurement")]

use std::io::{Cursor, Write};
use std::time::Duration;

use futures_util::stream;
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::testkit::noise;
use intake_core::{Bytes, Declared, Fault, FromSettings, Incoming, Limits, Pipeline, Scanner, Validator};
use intake_plugin_archive::Archive;
use intake_plugin_file_type::FileType;
use intake_plugin_image_info::ImageInfo;
use intake_plugin_image_limits::ImageLimits;
use intake_plugin_media_info::MediaInfo;
use intake_plugin_pdf::Pdf;
use intake_plugin_polyglot::Polyglot;
use intake_plugin_svg::Svg;
use intake_plugin_text::Text;

const PIECE: usize = 256 * 1024;
const GIB: usize = 1 << 30;

fn video() -> Vec<u8> {
    let mut film = include_bytes!("../files/formats/av1.mp4").to_vec();
    // More of the same kind of data behind it, in a box that players skip.
    let rest = GIB - film.len();
    film.extend(u32::try_from(rest).unwrap().to_be_bytes());
    film.extend(b"free");
    fill(&mut film);
    film
}

fn zip() -> Vec<u8> {
    let member = noise(7, 16 << 20);
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::with_capacity(GIB + (1 << 20))));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..64 {
        zip.start_file(format!("{number}.bin"), stored).unwrap();
        zip.write_all(&member).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn picture() -> Vec<u8> {
    let noise = noise(3, 150 * 145 * 3).to_vec();
    let picture = image::RgbImage::from_raw(150, 145, noise).unwrap();
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

fn fill(content: &mut Vec<u8>) {
    let noise = noise(1, 1 << 20);
    while content.len() < GIB {
        let rest = (GIB - content.len()).min(noise.len());
        content.extend(&noise[..rest]);
    }
}

type Add = fn(intake_core::Builder) -> intake_core::Builder;

fn scanner<S: Scanner + FromSettings + 'static>(name: &str, builder: intake_core::Builder) -> intake_core::Builder
where
    S::Settings: Default,
{
    builder.scanner(name, S::from_settings(S::Settings::default()).unwrap())
}

fn validator<V: Validator + FromSettings + 'static>(name: &str, builder: intake_core::Builder) -> intake_core::Builder
where
    V::Settings: Default,
{
    builder.validator(name, V::from_settings(V::Settings::default()).unwrap())
}

const PLUGINS: &[(&str, Add)] = &[
    ("archive", |builder| scanner::<Archive>("archive", builder)),
    ("file-type", |builder| validator::<FileType>("file-type", builder)),
    ("image-info", |builder| {
        builder.scanner("image-info", ImageInfo::default())
    }),
    ("image-limits", |builder| {
        scanner::<ImageLimits>("image-limits", builder)
    }),
    ("media-info", |builder| {
        builder.scanner("media-info", MediaInfo::default())
    }),
    ("pdf", |builder| scanner::<Pdf>("pdf", builder)),
    ("polyglot", |builder| scanner::<Polyglot>("polyglot", builder)),
    ("svg", |builder| scanner::<Svg>("svg", builder)),
    ("text", |builder| scanner::<Text>("text", builder)),
];

fn pipeline(add: impl Fn(intake_core::Builder) -> intake_core::Builder) -> Pipeline {
    let builder = Pipeline::builder()
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .limits(Limits::default());
    add(builder).build().unwrap()
}

/// The processor time of this process: user and system.
fn spent() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

async fn cost(pipeline: &Pipeline, name: &str, content: &Bytes, times: usize) -> f64 {
    let before = spent();
    for _ in 0..times {
        let pieces: Vec<_> = (0..content.len())
            .step_by(PIECE)
            .map(|at| Ok::<_, Fault>(content.slice(at..content.len().min(at + PIECE))))
            .collect();
        let incoming = Incoming::from_stream(Declared::named(name), stream::iter(pieces));
        let explanation = pipeline.explain(incoming).await.unwrap();
        assert!(explanation.is_accepted(), "{name}: {explanation:?}");
    }
    (spent() - before).as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() {
    let rounds: usize = std::env::args().nth(1).map_or(5, |rounds| rounds.parse().unwrap());
    for (name, content, times) in [
        ("1 GiB of video.mp4", video(), 1),
        ("1 GiB of stored members.zip", zip(), 1),
        ("2000 pictures of 64 KiB.png", picture(), 2000),
    ] {
        let content = Bytes::from(content);
        println!("{name}, {} bytes, {rounds} rounds", content.len());
        let none = pipeline(|builder| builder);
        let mut ratios: Vec<(String, Vec<f64>)> = Vec::new();
        let mut alone = Vec::new();
        for _ in 0..rounds {
            let base = cost(&none, name, &content, times).await;
            alone.push(base);
            for (at, (plugin, add)) in PLUGINS.iter().enumerate() {
                let ratio = cost(&pipeline(add), name, &content, times).await / base;
                push(&mut ratios, at, plugin, ratio);
            }
            let all = pipeline(|builder| PLUGINS.iter().fold(builder, |builder, (_, add)| add(builder)));
            push(
                &mut ratios,
                PLUGINS.len(),
                "all",
                cost(&all, name, &content, times).await / base,
            );
        }
        println!("  none           {:.2} s of processor", median(alone));
        for (plugin, ratios) in ratios {
            let (least, most) = ratios.iter().fold((f64::MAX, 0_f64), |(least, most), ratio| {
                (least.min(*ratio), most.max(*ratio))
            });
            println!("  {plugin:<14} {:.2} ({least:.2} to {most:.2})", median(ratios));
        }
    }
}

fn push(ratios: &mut Vec<(String, Vec<f64>)>, at: usize, plugin: &str, ratio: f64) {
    if ratios.len() == at {
        ratios.push((plugin.to_owned(), Vec::new()));
    }
    ratios[at].1.push(ratio);
}
