//! Tokens in addresses of private files: when they end, what they cover, and by which secret they are signed. Pure.
//!
//! Two forms, as the official libraries make them: `exp=TIME~acl=PATHS~hmac=MAC` for the path in it, or for all that begin with
//! it if it ends with `*`; and `exp=TIME~hmac=MAC` for the path of the request. The MAC is the HMAC-SHA256 of `exp=TIME~acl=PATHS`,
//! or of `exp=TIME~url=PATH` with the path escaped.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use intake_core::project::ProjectSecret;
use percent_encoding::{percent_decode, percent_decode_str};
use sha2::Sha256;

/// Clocks of those who sign may be late by this much.
const LEEWAY: Duration = Duration::from_secs(5);
/// The longest token: a path, and a little.
const LONGEST: usize = 8192;
const MAC_BYTES: usize = 32;

/// Why a token does not open a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// There is none.
    Missing,
    /// It is none, is not signed by a secret of the project, or is one of another path.
    Invalid,
    /// Its time is over.
    Expired,
}

/// The path of a request, as it was sent and decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    pub(crate) sent: &'a str,
    pub(crate) decoded: &'a [u8],
}

/// Checks whether the token in a query opens a path.
pub(crate) fn check(
    query: Option<&str>,
    path: Path<'_>,
    secrets: &[ProjectSecret],
    now: SystemTime,
) -> Result<(), Denied> {
    let mut tokens = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.strip_prefix("token="));
    let (Some(sent), None) = (tokens.next(), tokens.next()) else {
        return Err(if query.is_some_and(|query| query.contains("token=")) {
            Denied::Invalid
        } else {
            Denied::Missing
        });
    };
    if sent.len() > LONGEST {
        return Err(Denied::Invalid);
    }
    // Some clients escape a query again, and some undo escapes that are part of the token.
    let unescaped = percent_decode_str(sent).decode_utf8().unwrap_or_default();
    let mut forms = [sent, &unescaped].into_iter().filter_map(Token::read);
    let Some(token) = forms.find(|token| token.opens(path, secrets)) else {
        return Err(Denied::Invalid);
    };
    let end = UNIX_EPOCH
        .checked_add(Duration::from_secs(token.end))
        .and_then(|end| end.checked_add(LEEWAY));
    match end {
        Some(end) if end < now => Err(Denied::Expired),
        _ => Ok(()),
    }
}

/// A token as it is written.
struct Token<'a> {
    /// `exp=TIME`.
    exp: &'a str,
    /// The end, in seconds since 1970.
    end: u64,
    /// The paths, if the token names them.
    acl: Option<&'a str>,
    mac: [u8; MAC_BYTES],
}

impl<'a> Token<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (exp, rest) = text.split_once('~')?;
        let end = exp.strip_prefix("exp=")?;
        if end.is_empty() || !end.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let end = end.parse().ok()?;
        // The id of a group has a `~` too.
        let (before, digits) = rest.rsplit_once("hmac=")?;
        let acl = match before.strip_suffix('~') {
            None if before.is_empty() => None,
            None => return None,
            Some(acl) => Some(acl.strip_prefix("acl=").filter(|acl| acl.starts_with(['/', '%']))?),
        };
        let mut mac = [0; MAC_BYTES];
        hex::decode_to_slice(digits, &mut mac).ok()?;
        Some(Self { exp, end, acl, mac })
    }

    /// Whether one of the secrets has signed the token, for this path. All spellings in which libraries sign are tried.
    fn opens(&self, path: Path<'_>, secrets: &[ProjectSecret]) -> bool {
        let exp = self.exp;
        let messages: Vec<String> = match self.acl {
            Some(acl) => {
                let spelt = [acl.to_owned(), acl.replace('~', "%7e")];
                spelt.map(|acl| format!("{exp}~acl={acl}")).into()
            }
            None => urls(path).iter().map(|url| format!("{exp}~url={url}")).collect(),
        };
        let signed = messages
            .iter()
            .any(|message| secrets.iter().any(|secret| self.is_by(secret, message)));
        signed && self.acl.is_none_or(|acl| covers(acl, path.decoded))
    }

    /// Compares in constant time.
    fn is_by(&self, secret: &ProjectSecret, message: &str) -> bool {
        let key = secret.secret.expose(|secret| hex::decode(secret).ok());
        let Ok(Some(key)) = key else { return false };
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&key) else {
            return false;
        };
        mac.chain_update(message).verify_slice(&self.mac).is_ok()
    }
}

/// Whether a path is the one of a list, or begins with it if that ends with `*`.
fn covers(acl: &str, path: &[u8]) -> bool {
    let (acl, is_beginning) = match acl.strip_suffix('*') {
        Some(beginning) => (beginning, true),
        None => (acl, false),
    };
    let covers = |acl: &[u8]| {
        if is_beginning {
            path.starts_with(acl)
        } else {
            path == acl
        }
    };
    let unescaped: Vec<u8> = percent_decode(acl.as_bytes()).collect();
    covers(acl.as_bytes()) || covers(&unescaped)
}

/// The path of a request as those may have written it who signed its address. The library adds a slash to the address that may
/// not be in what it signs; without that slash, the last step of operations would be read in another way, so such a path is none.
fn urls(path: Path<'_>) -> Vec<String> {
    let mut urls = Vec::new();
    for path in [path.decoded, path.sent.as_bytes()] {
        match path.strip_suffix(b"/") {
            Some(bare) => urls.extend([escaped(path), escaped(bare)]),
            None if path.windows(3).any(|steps| steps == b"/-/") => {}
            None => urls.push(escaped(path)),
        }
    }
    urls.dedup();
    urls
}

/// Escapes as the library does: small letters in escapes, a plus for a space, and `~` too.
fn escaped(path: &[u8]) -> String {
    let mut escaped = String::new();
    for byte in path {
        match byte {
            b' ' => escaped.push('+'),
            b'_' | b'.' | b'-' | b',' => escaped.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => escaped.push(char::from(*byte)),
            byte => escaped.push_str(&format!("%{byte:02x}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use intake_core::Secret;

    use super::*;

    const SECRET: &str = "73636b61736f6b6f";
    const END: u64 = 1_633_997_200;
    const ID: &str = "52da3bfc-7cd8-4861-8b05-126fef7a6994";

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn secrets(values: &[&str]) -> Vec<ProjectSecret> {
        let secret = |value: &&str| ProjectSecret::new(*value, Secret::new(*value));
        values.iter().map(secret).collect()
    }

    fn checked(query: &str, path: &str, now: SystemTime) -> Result<(), Denied> {
        let path = path.replace("ID", ID);
        let query = query.replace("ID", ID);
        let decoded = crate::path::decoded(&path);
        let path = Path {
            sent: &path,
            decoded: &decoded,
        };
        check(Some(&query), path, &secrets(&["00112233445566778899", SECRET]), now)
    }

    fn signed(message: &str) -> String {
        let key = hex::decode(SECRET).unwrap();
        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        hex::encode(mac.chain_update(message.replace("ID", ID)).finalize().into_bytes())
    }

    const OF_ID: &str =
        "token=exp=1633997200~acl=/ID/~hmac=bd13d232393527ad12d06db486cb33f8a1506a847b0ec5aca055e3ac0f2b5614";
    const BELOW_ID: &str =
        "token=exp=1633997200~acl=/ID/*~hmac=df86a7dd1a47542534ce6c62030ce2898eb82f2d1eea44398184668f95ec88ff";
    const RESIZED: &str = "token=exp=1633997200~acl=/ID/-/resize/640x/other/~hmac=\
                           e491678bcd538376b508a3a198a0a0fdd7ccc15ecc92eb7377abadadfcd1f65c";
    const OF_URL: &str = "token=exp=1633997200~hmac=329948553b912c602c544473f58a258b6ec9e0b32790180025ebc799905c0d17";

    #[test]
    fn tokens_of_the_official_library_open_their_paths_and_no_other() {
        for (token, opened, closed) in [
            (
                OF_ID,
                &["/ID/", "/ID%2F"][..],
                &["/ID", "/ID/x", "/ID/-/resize/640x/", "/ID~1/", "/"][..],
            ),
            (
                BELOW_ID,
                &["/ID/", "/ID/x", "/ID/-/resize/640x/", "/ID/%2D/"],
                &["/ID", "/ID~1/", "/IDx/"],
            ),
            (
                RESIZED,
                &["/ID/-/resize/640x/other/"],
                &["/ID/", "/ID/-/resize/640x/", "/ID/-/resize/640x/other"],
            ),
            (
                OF_URL,
                &["/ID/", "/ID"],
                &["/ID/x", "/ID/-/resize/640x/", "/ID~1/", "//ID/"],
            ),
        ] {
            for path in opened {
                assert_eq!(checked(token, path, at(END)), Ok(()), "{token} {path}");
            }
            for path in closed {
                assert_eq!(checked(token, path, at(END)), Err(Denied::Invalid), "{token} {path}");
            }
        }
    }

    #[test]
    fn a_token_ends() {
        for token in [OF_ID, OF_URL] {
            assert_eq!(checked(token, "/ID/", at(END + 5)), Ok(()));
            assert_eq!(checked(token, "/ID/", at(END + 6)), Err(Denied::Expired));
            // Nobody may move the end.
            let later = token.replace("1633997200", "1933997200");
            assert_eq!(checked(&later, "/ID/", at(END)), Err(Denied::Invalid));
        }
    }

    #[test]
    fn a_token_that_was_tampered_with_or_is_none_opens_nothing() {
        assert_eq!(checked("", "/ID/", at(END)), Err(Denied::Missing));
        assert_eq!(checked("x=1&y", "/ID/", at(END)), Err(Denied::Missing));
        for token in [
            OF_ID.replace("bd13", "bd14"),
            OF_ID.replace("acl=/ID/", "acl=/*"),
            OF_ID.replace("acl=/ID/~", ""),
            OF_URL.replace("~hmac", "~acl=/*~hmac"),
            OF_ID.replace("~acl", "~ip=192.0.2.1~acl"),
            format!("{OF_ID}~x=1"),
            OF_ID.replace("5614", "56"),
            OF_ID.replace("5614", ""),
            format!("{OF_ID}&{OF_ID}"),
            OF_ID.replace("1633997200", "-1"),
            OF_ID.replace("1633997200", ""),
            OF_ID.replace("1633997200", "99999999999999999999999"),
            "token=".to_owned(),
            "token=exp=1~hmac=".to_owned(),
            format!("token={}", "x".repeat(10_000)),
            format!("x{OF_ID}"),
        ] {
            assert_eq!(checked(&token, "/ID/", at(END)), Err(Denied::Invalid), "{token}");
        }
    }

    #[test]
    fn a_token_is_read_however_a_client_escapes_it() {
        let escape = |token: &str| {
            let value = token.strip_prefix("token=").unwrap();
            let value = value
                .replace('=', "%3D")
                .replace('~', "%7E")
                .replace('/', "%2F")
                .replace('*', "%2A");
            format!("a=b&token={value}&c")
        };
        for token in [OF_ID, BELOW_ID, OF_URL] {
            assert_eq!(checked(&escape(token), "/ID/", at(END)), Ok(()), "{token}");
        }
    }

    #[test]
    fn groups_and_names_have_tokens_too() {
        // The library escapes the `~` of a group in what it signs, and some clients undo that.
        let mac = signed("exp=1633997200~acl=/ID%7e2/*");
        for acl in ["/ID%7e2/*", "/ID~2/*", "%2FID%7E2%2F*"] {
            let token = format!("token=exp=1633997200~acl={acl}~hmac={mac}");
            assert_eq!(checked(&token, "/ID~2/nth/0/", at(END)), Ok(()), "{acl}");
            assert_eq!(checked(&token, "/ID~3/nth/0/", at(END)), Err(Denied::Invalid), "{acl}");
        }
        let mac = signed("exp=1633997200~url=%2fID%2fa+b%2b%c3%a4%7e.txt");
        let token = format!("token=exp=1633997200~hmac={mac}");
        for path in ["/ID/a%20b+%C3%A4~.txt", "/ID/a%20b%2B%c3%a4%7E.txt/"] {
            assert_eq!(checked(&token, path, at(END)), Ok(()), "{path}");
        }
    }

    #[test]
    fn a_signed_path_does_not_open_the_same_operations_read_in_another_way() {
        // Without the slash, `10x10` would be a name, and the picture larger.
        let mac = signed("exp=1633997200~url=%2fID%2f-%2fpreview%2f10x10");
        let token = format!("token=exp=1633997200~hmac={mac}");
        assert_eq!(checked(&token, "/ID/-/preview/10x10/", at(END)), Ok(()));
        assert_eq!(checked(&token, "/ID/-/preview/10x10", at(END)), Err(Denied::Invalid));
        assert_eq!(
            checked(&token, "/ID/%2D/preview%2F10x10", at(END)),
            Err(Denied::Invalid)
        );
    }
}
