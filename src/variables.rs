//! Environment variables with the program's prefix: which of them are settings, and suggestions for misspelt ones.

use intake_core::{Step, names_of, settings_of};
use serde_json::{Map, Value};

use crate::server::ServerSettings;

/// Variables with this prefix set the setting in the rest of their name: `INTAKE_STORE__ROOT` is `store.root`.
const PREFIX: &str = "INTAKE_";
/// Separates the steps of a path.
const BETWEEN: &str = "__";
/// Variables of the program that are not settings.
const OPTIONS: [&str; 3] = ["INTAKE_CONFIG", "INTAKE_LOG", "INTAKE_LOG_FORMAT"];
/// Prefixes of the variables of the project's own tests and benchmarks.
const OF_TESTS: [&str; 3] = ["INTAKE_TEST_", "INTAKE_BENCH_", "INTAKE_MUTATIONS"];

/// The meaning of an environment variable.
pub(crate) enum Variable {
    /// The setting with this path.
    Setting(Vec<Step>),
    /// An unknown name with the prefix.
    Unknown,
    /// A variable that does not belong to the program's configuration.
    Foreign,
}

impl Variable {
    pub(crate) fn of(name: &str, value: &str) -> Self {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            return Self::Foreign;
        };
        let is_of_tests = OF_TESTS.iter().any(|prefix| name.starts_with(prefix));
        if OPTIONS.contains(&name) || is_of_tests || is_of_a_service(rest, value) {
            return Self::Foreign;
        }
        if !rest.contains(BETWEEN) {
            return Self::Unknown;
        }
        let steps = rest.split(BETWEEN).map(|step| match step.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(step.to_lowercase()),
        });
        Self::Setting(steps.collect())
    }
}

/// Kubernetes gives every container variables about the services around it, which begin with the service's name, and so does
/// Docker for linked containers: a service called `intake` is in `INTAKE_SERVICE_HOST`, `INTAKE_PORT=tcp://10.0.0.1:8080` and
/// `INTAKE_PORT_8080_TCP_ADDR`.
fn is_of_a_service(rest: &str, value: &str) -> bool {
    let rest = format!("_{rest}");
    let mut words = rest.split("_PORT_").skip(1);
    let is_port = |words: &str| {
        let mut words = words.split('_');
        let number = words.next().is_some_and(|number| number.parse::<u16>().is_ok());
        number
            && words
                .next()
                .is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
    };
    rest.ends_with("_SERVICE_HOST")
        || rest.ends_with("_SERVICE_PORT")
        || rest.contains("_SERVICE_PORT_")
        || (rest.ends_with("_PORT") && value.contains("://"))
        || words.any(is_port)
}

/// The error that there is no such setting, with a suggestion.
pub(crate) fn unknown(name: &str, settings: &Map<String, Value>) -> String {
    match meant(name, settings) {
        Some(meant) => format!("{name}: nothing is called that; did you mean {meant}?"),
        None => format!(
            "{name}: nothing is called that; a setting is {PREFIX}SECTION{BETWEEN}SETTING, such as {PREFIX}SERVER{BETWEEN}LISTEN, \
             and beside them there are {}",
            OPTIONS.join(", ")
        ),
    }
}

/// The known name that is most similar, if any is similar.
fn meant(name: &str, settings: &Map<String, Value>) -> Option<String> {
    let plain = |name: &str| name.replace(BETWEEN, "_");
    let rest = plain(name.strip_prefix(PREFIX)?);
    let most = (rest.len() / 3).max(1);
    // Compared without the prefix, with and without the section.
    let distance = |known: &str| {
        let known = known.strip_prefix(PREFIX).unwrap_or(known);
        let (_, last) = known.rsplit_once(BETWEEN).unwrap_or(("", known));
        let distance = |known: &str| strsim::osa_distance(&rest, known);
        distance(&plain(known)).min(distance(last))
    };
    let known = known(settings).into_iter();
    let best = known
        .map(|known| (distance(&known), known))
        .min_by_key(|(distance, _)| *distance);
    best.filter(|(distance, _)| *distance <= most).map(|(_, known)| known)
}

/// The variable names of the settings that always exist, and of those in the configuration.
fn known(settings: &Map<String, Value>) -> Vec<String> {
    let mut names: Vec<_> = OPTIONS.map(str::to_owned).into();
    #[cfg(feature = "upload-api")]
    let of_api = names_of::<crate::upload_api::Settings>();
    #[cfg(not(feature = "upload-api"))]
    let of_api: &[&str] = &[];
    #[cfg(feature = "rest-api")]
    let of_rest_api = names_of::<crate::rest_api::Settings>();
    #[cfg(not(feature = "rest-api"))]
    let of_rest_api: &[&str] = &[];
    for (section, settings) in [
        ("SERVER", names_of::<ServerSettings>()),
        ("UPLOAD_API", of_api),
        ("REST_API", of_rest_api),
        ("RECEIVE", settings_of("receive")),
    ] {
        let settings = settings.iter().map(|name| name.to_uppercase());
        names.extend(settings.map(|name| format!("{PREFIX}{section}{BETWEEN}{name}")));
    }
    for (section, value) in settings {
        add(&mut names, &format!("{PREFIX}{}", section.to_uppercase()), value);
    }
    names
}

/// Adds the names of all settings in a value.
fn add(names: &mut Vec<String>, name: &str, value: &Value) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                add(names, &format!("{name}{BETWEEN}{}", key.to_uppercase()), value);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (at, value) in list.iter().enumerate() {
                add(names, &format!("{name}{BETWEEN}{at}"), value);
            }
        }
        _ => names.push(name.to_owned()),
    }
}

/// Whether a configuration takes a secret from this variable.
pub(crate) fn is_a_secret(name: &str, settings: &Value) -> bool {
    match settings {
        Value::Object(table) => {
            let is_it = table.len() == 1 && table.get("env").and_then(Value::as_str) == Some(name);
            is_it || table.values().any(|value| is_a_secret(name, value))
        }
        Value::Array(list) => list.iter().any(|value| is_a_secret(name, value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> Map<String, Value> {
        let settings = json!({"store": {"use": "opendal", "root": "x"}, "scan": [{"use": "clamav", "address": "x"}]});
        settings.as_object().unwrap().clone()
    }

    #[test]
    fn a_misspelt_variable_is_told_what_it_may_have_meant() {
        for (name, known) in [
            ("INTAKE_LISTEN", Some("INTAKE_SERVER__LISTEN")),
            ("INTAKE_SERVER_LISTEN", Some("INTAKE_SERVER__LISTEN")),
            ("INTAKE_SERVER_LISTN", Some("INTAKE_SERVER__LISTEN")),
            ("INTAKE_CONFG", Some("INTAKE_CONFIG")),
            ("INTAKE_LOGS", Some("INTAKE_LOG")),
            ("INTAKE_LOGFORMAT", Some("INTAKE_LOG_FORMAT")),
            ("INTAKE_MAX_SIZE", Some("INTAKE_RECEIVE__MAX_SIZE")),
            ("INTAKE_STORE_ROOT", Some("INTAKE_STORE__ROOT")),
            ("INTAKE_SCAN_0_ADDRESS", Some("INTAKE_SCAN__0__ADDRESS")),
            ("INTAKE_HOME_OF_THE_ELEPHANTS", None),
        ] {
            assert!(matches!(Variable::of(name, "x"), Variable::Unknown), "{name}");
            assert_eq!(meant(name, &settings()).as_deref(), known, "{name}");
        }
    }

    #[test]
    fn what_others_set_for_their_own_purposes_is_left_alone() {
        for (name, value) in [
            ("INTAKE_SERVICE_HOST", "10.0.0.1"),
            ("INTAKE_SERVICE_PORT", "8080"),
            ("INTAKE_SERVICE_PORT_HTTP", "8080"),
            ("INTAKE_PORT", "tcp://10.0.0.1:8080"),
            ("INTAKE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("INTAKE_PORT_8080_TCP_PROTO", "tcp"),
            ("INTAKE_API_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("INTAKE_API_SERVICE_HOST", "10.0.0.1"),
            ("INTAKE_TEST_TOOLS", "/tools"),
            ("INTAKE_LOG", "info"),
            ("PATH", "/bin"),
        ] {
            assert!(matches!(Variable::of(name, value), Variable::Foreign), "{name}");
        }
        assert!(matches!(Variable::of("INTAKE_PORT", "8080"), Variable::Unknown));
    }
}
