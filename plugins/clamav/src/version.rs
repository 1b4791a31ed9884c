//! What clamd says of its version: program, signatures, and the date of the signatures.

use intake_core::inspection::Engine;
use jiff::civil::DateTime;

/// Versions that a file can harm, by the release notes of ClamAV 1.4.6 and 1.5.4: below 1.4.6, and 1.5.0 to 1.5.3.
const MENDED: [(u32, u32, u32); 2] = [(1, 4, 6), (1, 5, 4)];

/// Reads `ClamAV 1.4.6/27800/Sun Nov 22 09:26:00 2026`. Without signatures of ClamAV's own, clamd says only the first part.
pub(crate) fn engine(said: &str) -> Engine {
    let mut parts = said.splitn(3, '/');
    let program = parts.next().unwrap_or_default().trim();
    let (name, version) = program.split_once(' ').unwrap_or((program, ""));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let signatures = parts.next().and_then(|text| some(text.trim()));
    let date = parts.next().map(str::trim).and_then(date);
    Engine::named(name).with(|engine| {
        engine.version = some(version.trim());
        engine.signatures = signatures;
        engine.signatures_date = date;
    })
}

fn date(said: &str) -> Option<String> {
    let date = DateTime::strptime("%a %b %e %H:%M:%S %Y", said).ok()?;
    Some(date.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

/// Whether a file can harm the program of this version. `None` if the version is not known.
pub(crate) fn is_vulnerable(engine: &Engine) -> Option<bool> {
    let version = engine.version.as_deref()?;
    let mut numbers = version.split(|other: char| !other.is_ascii_digit()).map(str::parse);
    let mut number = || numbers.next()?.ok();
    let version: (u32, u32, u32) = (number()?, number()?, number().unwrap_or_default());
    let [old, new] = MENDED;
    Some(version < old || (version >= (1, 5, 0) && version < new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_apart_from_its_signatures() {
        for (said, shown) in [
            (
                "ClamAV 1.4.6/27800/Sun Nov 22 09:26:00 2026",
                "ClamAV 1.4.6, signatures 27800 of 2026-11-22T09:26:00",
            ),
            (
                "ClamAV 1.4.6/27800/Mon Nov  2 09:26:00 2026",
                "ClamAV 1.4.6, signatures 27800 of 2026-11-02T09:26:00",
            ),
            ("ClamAV 1.4.6", "ClamAV 1.4.6"),
            ("ClamAV 1.4.6/27800/yesterday", "ClamAV 1.4.6, signatures 27800"),
            ("ClamAV", "ClamAV"),
            ("", ""),
        ] {
            assert_eq!(engine(said).to_string(), shown, "{said}");
        }
    }

    #[test]
    fn a_program_that_a_file_can_harm_is_known_by_its_version() {
        for (said, expected) in [
            ("ClamAV 1.4.5", Some(true)),
            ("ClamAV 1.4.6", Some(false)),
            ("ClamAV 1.4.10", Some(false)),
            ("ClamAV 1.5.0", Some(true)),
            ("ClamAV 1.5.3/27800/Sun Nov 22 09:26:00 2026", Some(true)),
            ("ClamAV 1.5.4", Some(false)),
            ("ClamAV 1.5.0-rc", Some(true)),
            ("ClamAV 0.103.12", Some(true)),
            ("ClamAV 2.0.0", Some(false)),
            ("ClamAV devel", None),
            ("", None),
        ] {
            assert_eq!(is_vulnerable(&engine(said)), expected, "{said}");
        }
    }
}
