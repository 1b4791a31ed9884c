//! The signatures of a delivery: of Uploadcare, and of Standard Webhooks 1.0.0.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use intake_core::{ConfigError, Message};
use sha2::Sha256;

/// What a secret of Standard Webhooks begins with; the key behind it is base64.
const PREFIX: &str = "whsec_";

/// Some libraries write keys without padding, and some verify with such.
const KEYS: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The headers that sign a message. Both are there if it has a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signatures {
    /// `X-Uc-Signature`: by the newest secret, as receivers know one.
    pub(crate) uploadcare: Option<String>,
    /// `webhook-signature`: by each secret, the newest first.
    pub(crate) standard: Option<String>,
}

impl Signatures {
    /// Signs a message for an attempt at this time, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// If one of its secrets cannot be read.
    pub(crate) fn of(message: &Message, timestamp: u64) -> Result<Self, ConfigError> {
        let before = format!("{}.{timestamp}.", message.id);
        let mut signatures = Self::default();
        let mut tokens = Vec::new();
        for secret in &message.secrets {
            let (uploadcare, standard) = secret.expose(|secret| {
                let by = |key: &[u8], parts: [&[u8]; 2]| mac(key, parts);
                (
                    by(secret.as_bytes(), [&message.body, b""]),
                    by(&key_of(secret), [before.as_bytes(), &message.body]),
                )
            })?;
            if let Some(mac) = uploadcare {
                signatures
                    .uploadcare
                    .get_or_insert_with(|| format!("v1={}", hex::encode(mac)));
            }
            tokens.extend(standard.map(|mac| format!("v1,{}", STANDARD.encode(mac))));
        }
        signatures.standard = (!tokens.is_empty()).then(|| tokens.join(" "));
        Ok(signatures)
    }
}

/// The key for Standard Webhooks: what the base64 behind `whsec_` decodes to, or else the text.
fn key_of(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix(PREFIX).and_then(|key| KEYS.decode(key).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// `None` for an empty key, with which anybody could sign.
fn mac(key: &[u8], parts: [&[u8]; 2]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok().filter(|_| !key.is_empty())?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use intake_core::{Secret, UploadId};

    use super::*;

    /// The body of the vectors.
    const BODY: &str = r#"{"type":"file.uploaded","timestamp":"2026-11-28T12:00:00Z","data":{"uuid":"22240276-2f06-41f8-9411-755c8ce926ed"}}"#;
    /// The secret in the specification's own tests.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn signed(secrets: &[&str], timestamp: u64, body: &'static str) -> Signatures {
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let message = Message::new(id, "file.uploaded", UploadId::random()).with(|message| {
            message.body = body.into();
            message.secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        });
        Signatures::of(&message, timestamp).unwrap()
    }

    #[test]
    fn a_message_is_signed_as_the_published_libraries_sign_it() {
        for (timestamp, body, token) in [
            (
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (1_764_331_200, BODY, "v1,JmfdNauYxLl5OPppYmqtmuGw132VEA44HeA+sHvvQds="),
        ] {
            assert_eq!(signed(&[SECRET], timestamp, body).standard.as_deref(), Some(token));
            // Without the padding it is the same key; this one has none.
            assert_eq!(KEYS.decode(&SECRET[PREFIX.len()..]).unwrap().len(), 24);
        }
        assert_eq!(
            signed(&["demo-secret"], 0, BODY).uploadcare.as_deref(),
            Some("v1=02a7d1d8910fad0a813c2939341569768b061246026c9b1adb43a9dab155d401")
        );
    }

    #[test]
    fn each_secret_signs_and_the_newest_is_the_first() {
        let (new, old) = (signed(&["new"], 7, BODY), signed(&[SECRET], 7, BODY));
        let both = signed(&["new", SECRET], 7, BODY);
        let tokens = [new.standard.clone().unwrap(), old.standard.clone().unwrap()];
        assert_eq!(both.standard.unwrap(), tokens.join(" "));
        assert_eq!(both.uploadcare, new.uploadcare);
        assert_ne!(new.uploadcare, old.uploadcare);
    }

    #[test]
    fn the_standard_signature_depends_on_the_time_and_the_other_does_not() {
        let (one, other) = (signed(&["a"], 1, BODY), signed(&["a"], 2, BODY));
        assert_ne!(one.standard, other.standard);
        assert_eq!(one.uploadcare, other.uploadcare);
    }

    #[test]
    fn nothing_is_signed_with_an_empty_key() {
        assert_eq!(signed(&[], 7, BODY), Signatures::default());
        assert_eq!(signed(&[""], 7, BODY), Signatures::default());
        // A text that is no base64 is the key itself, and so is one of another form.
        assert_eq!(key_of("whsec_?"), b"whsec_?");
        assert_eq!(key_of("whsec_YQ=="), b"a");
        assert_eq!(key_of("whsec_YQ"), b"a");
        assert_eq!(signed(&["whsec_"], 7, BODY).standard, None);
    }
}
