//! The names of the parameters in which a request gives its project's public key.

/// Two names: the one of the endpoint, and the other one, which some clients send instead.
pub(crate) type KeyNames = (&'static str, &'static str);

pub(crate) const BASE_KEY: KeyNames = ("UPLOADCARE_PUB_KEY", "pub_key");
pub(crate) const KEY: KeyNames = ("pub_key", "UPLOADCARE_PUB_KEY");
