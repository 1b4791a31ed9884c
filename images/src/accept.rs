//! What a client accepts.

/// What a client accepts, as far as the format of a result depends on it: a part of the keys of caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Accept {
    /// Whether it names WebP. What accepts any image is no sign that it knows this one.
    pub webp: bool,
}

impl Accept {
    /// From the header `Accept` (RFC 9110, section 12.5.1).
    pub fn of(header: &str) -> Self {
        let names_webp = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let is_webp = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("image/webp"));
            let refused = |parameter: &str| {
                let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)
            };
            is_webp && !parts.any(refused)
        };
        Self {
            webp: header.split(',').any(names_webp),
        }
    }
}
