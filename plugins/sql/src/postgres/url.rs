//! Reads the url of a PostgreSQL database. The driver's own parser is not used, as it logs parameters that it does not know,
//! and reads a file of passwords.

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::dialect::STATEMENTS;

/// The parameters that a url may have, in libpq's words.
const PARAMETERS: &str = "`sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `host`, `port`, `dbname`, `user`, `password`, \
    `options` and `application_name`";

/// The connection options of a url.
///
/// # Errors
///
/// What is wrong with it. The text shows no part of the url: in a malformed one, a password may be anywhere.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, String> {
    let url = Url::parse(url).map_err(|_| escaping("it cannot be parsed"))?;
    // A password with unescaped special characters ends up in one of these, and messages show the database.
    if url.fragment().is_some() {
        return Err(escaping("it contains a `#`"));
    }
    let path = url.path().strip_prefix('/').unwrap_or(url.path());
    if path.contains(['/', '@', ':']) {
        return Err(escaping("it names no database"));
    }
    let mut options = PgConnectOptions::new_without_pgpass()
        .extra_float_digits(None)
        .log_statements(STATEMENTS);
    if options.get_application_name().is_none() {
        options = options.application_name("intake");
    }
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        options = at(options, &decoded(host)?);
    }
    if let Some(port) = url.port() {
        options = options.port(port);
    }
    if !url.username().is_empty() {
        options = options.username(&decoded(url.username())?);
    }
    if let Some(password) = url.password() {
        options = options.password(&decoded(password)?);
    }
    if !path.is_empty() {
        options = options.database(&decoded(path)?);
    }
    url.query_pairs()
        .try_fold(options, |options, (name, value)| with(options, &name, &value))
}

/// The same, with a parameter.
fn with(options: PgConnectOptions, name: &str, value: &str) -> Result<PgConnectOptions, String> {
    Ok(match name {
        "sslmode" => options.ssl_mode(value.parse().map_err(|_| {
            "its `sslmode` is none of `disable`, `prefer`, `require`, `verify-ca` and `verify-full`".to_owned()
        })?),
        "sslrootcert" => options.ssl_root_cert(value),
        "sslcert" => options.ssl_client_cert(value),
        "sslkey" => options.ssl_client_key(value),
        "host" => at(options, value),
        "port" => options.port(value.parse().map_err(|_| "its `port` is no port".to_owned())?),
        "dbname" => options.database(value),
        "user" => options.username(value),
        "password" => options.password(value),
        "application_name" => options.application_name(value),
        "options" => session(options, value)?,
        _ => return Err(escaping(&format!("its parameters may be {PARAMETERS}"))),
    })
}

/// A host by name or address, or the folder of a Unix socket.
fn at(options: PgConnectOptions, host: &str) -> PgConnectOptions {
    if host.starts_with('/') {
        return options.socket(host);
    }
    options.host(host.trim_start_matches('[').trim_end_matches(']'))
}

/// Settings of the session, such as `-c search_path=uploads`.
fn session(mut options: PgConnectOptions, value: &str) -> Result<PgConnectOptions, String> {
    let wrong = || "its `options` are not of the form `-c name=value`".to_owned();
    let mut words = words(value).into_iter();
    while let Some(word) = words.next() {
        let setting = match &*word {
            "-c" => words.next(),
            word => word
                .strip_prefix("-c")
                .or_else(|| word.strip_prefix("--"))
                .map(str::to_owned),
        };
        let pair = setting.as_deref().and_then(|setting| setting.split_once('='));
        options = options.options([pair.ok_or_else(wrong)?]);
    }
    Ok(options)
}

/// Words between spaces. A backslash takes its meaning from what follows it, such as that of a space.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut inside) = (Vec::<String>::new(), false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter.is_ascii_whitespace() {
            inside = false;
            continue;
        }
        if !inside {
            words.push(String::new());
            inside = true;
        }
        let letter = if letter == '\\' { letters.next() } else { Some(letter) };
        if let Some(word) = words.last_mut() {
            word.extend(letter);
        }
    }
    words
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into)
        .map_err(|_| escaping("a part of it is not UTF-8 text"))
}

fn escaping(what: &str) -> String {
    format!("{what}; a special character in a user, a password or a database is written as `%` and two digits")
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;
    use sqlx::postgres::PgSslMode;

    use super::*;

    #[test]
    fn a_url_says_what_it_says_to_other_clients() {
        let url = "postgresql://m%40e:p%23%2f%3F%25@db.example:6432/re%20cords\
             ?sslmode=verify-full&options=-c%20search_path%3Da%2Cb";
        let options = options(url).unwrap();
        assert_eq!(options.get_username(), "m@e");
        assert_eq!(options.to_url_lossy().password(), Some("p%23%2F%3F%25"));
        assert_eq!((options.get_host(), options.get_port()), ("db.example", 6432));
        assert_eq!(options.get_database(), Some("re cords"));
        assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
        assert_eq!(options.get_options(), Some("-c search_path=a,b"));
        assert_eq!(options.get_application_name(), Some("intake"));
    }

    #[test]
    fn a_socket_an_address_and_parameters_name_a_server_too() {
        for (url, host, socket) in [
            ("postgres://me@%2Frun%2Fpg:1/db", None, Some("/run/pg")),
            ("postgres:///db?host=/run/pg&user=me&port=1", None, Some("/run/pg")),
            ("postgres://me@[::1]:1/db", Some("::1"), None),
            (
                "postgres://?host=127.0.0.1&port=1&dbname=db&user=me",
                Some("127.0.0.1"),
                None,
            ),
        ] {
            let options = options(url).unwrap();
            assert_eq!(options.get_socket().and_then(|path| path.to_str()), socket, "{url}");
            assert!(host.is_none_or(|host| host == options.get_host()), "{url}");
            assert_eq!((options.get_port(), options.get_database()), (1, Some("db")), "{url}");
            assert_eq!(options.get_username(), "me", "{url}");
        }
    }
}
