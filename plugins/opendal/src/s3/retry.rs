//! Timeouts and retries of requests to S3.

use std::time::Duration;

/// The timeout for one try of a small request, such as a look-up or a deletion.
pub(crate) const SMALL: Duration = Duration::from_secs(30);
/// The timeout for one try of a large request: a part, the next piece of an answer, putting parts together.
pub(crate) const LARGE: Duration = Duration::from_secs(120);
/// How often a request is sent again.
pub(crate) const RETRIES: usize = 3;
/// How long to wait before the first retry; the wait doubles with each further one.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);
