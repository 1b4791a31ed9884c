//! Reads settings with serde, and reports every error with its place, not the first one only.

use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor, value};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use crate::value::config_error::{ConfigError, Step};
use crate::value::wording::in_plain_words;

/// Reads a value. The error is the first one that serde finds, with its place.
pub(crate) fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, ConfigError> {
    use serde_path_to_error::Segment;

    serde_path_to_error::deserialize(value).map_err(|error| {
        let steps = error.path().iter().map(|segment| match segment {
            Segment::Seq { index } => Step::Index(*index),
            Segment::Map { key } => Step::Key(key.clone()),
            Segment::Enum { variant } => Step::Key(variant.clone()),
            Segment::Unknown => Step::Key("?".to_owned()),
        });
        let place: Vec<_> = steps.collect();
        let is_secret = |step: &Step| matches!(step, Step::Key(key) if key.starts_with("secret"));
        let message = in_plain_words(&error.inner().to_string(), place.iter().any(is_secret));
        ConfigError { place, message }
    })
}

/// Reads a value, leaving out each setting that cannot be read, and returns an error for each. The number of errors is bounded,
/// because every one of them needs another reading from the start.
pub(crate) fn read_what_can_be<T: DeserializeOwned>(mut value: Value) -> (Option<T>, Vec<ConfigError>) {
    const MOST: usize = 50;
    let (mut errors, mut left_out) = (Vec::new(), Vec::new());
    for _ in 0..MOST {
        let error = match parse(&value) {
            Ok(read) => return (Some(read), errors),
            Err(error) => error,
        };
        let place = as_written(&error.place, &left_out);
        let is_gone = leave_out(&mut value, &error.place);
        // A setting that was left out is missing now. That is not another error.
        let follows = missing_field(&error.message).is_some_and(|field| {
            let field = [place.as_slice(), &[Step::from(field)]].concat();
            left_out.contains(&field)
        });
        if !follows {
            let message = error.message;
            errors.push(ConfigError {
                place: place.clone(),
                message,
            });
        }
        if !is_gone {
            break;
        }
        left_out.push(place);
    }
    (None, errors)
}

fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Removes the setting at this place. Returns whether there was one.
fn leave_out(value: &mut Value, place: &[Step]) -> bool {
    let Some((last, way)) = place.split_last() else {
        return false;
    };
    let mut inner = Some(value);
    for step in way {
        inner = inner.and_then(|value| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Index(index) => value.get_mut(index),
        });
    }
    match (last, inner) {
        (Step::Key(key), Some(Value::Object(table))) => table.remove(key).is_some(),
        (Step::Index(index), Some(Value::Array(list))) if *index < list.len() => {
            list.remove(*index);
            true
        }
        _ => false,
    }
}

/// The place that a setting had before others were left out. Entries of a list are read in their order, so the entries of the same
/// list that were left out stood before this one.
fn as_written(place: &[Step], left_out: &[Vec<Step>]) -> Vec<Step> {
    let mut written: Vec<Step> = Vec::with_capacity(place.len());
    for step in place {
        let step = match step {
            Step::Key(_) => step.clone(),
            Step::Index(index) => {
                let before = left_out
                    .iter()
                    .filter(|gone| gone.len() == written.len() + 1 && gone.starts_with(&written));
                Step::Index(index + before.count())
            }
        };
        written.push(step);
    }
    written
}

/// The names of the settings from which serde reads a struct.
#[must_use]
pub fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // The deserializer fails as soon as it knows the names.
    let _error = T::deserialize(NamesOf(&mut names)).err();
    names
}

/// Reads nothing, and keeps the names of a struct's fields.
struct NamesOf<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for NamesOf<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(value::Error::custom("only names are asked for"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(value::Error::custom("only names are asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::value::settings::Settings;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only errors are looked at")]
    struct Outer {
        inner: Option<Inner>,
        list: Option<Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only errors are looked at")]
    struct Inner {
        size: u8,
    }

    #[test]
    fn an_error_says_where_it_is() {
        for (value, says) in [
            (
                json!({"iner": {}}),
                "iner: unknown field `iner`, expected `inner` or `list`",
            ),
            (
                json!({"inner": {"size": "x"}}),
                "inner.size: expected a whole number from 0 to 255; found \"x\"",
            ),
            (json!({"inner": {}}), "inner: missing field `size`"),
            (
                json!({"list": [1, 300]}),
                "list[1]: expected a whole number from 0 to 255; found 300",
            ),
        ] {
            let Value::Object(table) = value else { panic!("a table") };
            assert_eq!(Settings::new(table).parse::<Outer>().unwrap_err().to_string(), says);
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_the_place_where_it_was_written() {
        for (value, says) in [
            (
                json!({"iner": 1, "inner": {"size": "x", "sise": 1}, "list": [1, 300, 2, "x", 400]}),
                "inner.sise: unknown field `sise`, expected `size`\n\
                 inner.size: expected a whole number from 0 to 255; found \"x\"\n\
                 iner: unknown field `iner`, expected `inner` or `list`\n\
                 list[1]: expected a whole number from 0 to 255; found 300\n\
                 list[3]: expected a whole number from 0 to 255; found \"x\"\n\
                 list[4]: expected a whole number from 0 to 255; found 400",
            ),
            // The check after reading still runs, and a setting that was left out is not reported as missing.
            (
                json!({"inner": {"size": 7}, "list": "x"}),
                "list: expected a list such as [\"x\"]; found \"x\"\ninner.size: must not be 7",
            ),
            (
                json!({"inner": {"size": "x"}}),
                "inner.size: expected a whole number from 0 to 255; found \"x\"",
            ),
        ] {
            let Value::Object(table) = value else { panic!("a table") };
            let no_seven = |outer: Outer| match outer.inner {
                Some(Inner { size: 7 }) => Err(ConfigError::at("size", "must not be 7").within("inner")),
                _ => Ok(()),
            };
            let told = Settings::new(table).make(no_seven).unwrap_err().to_string();
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
            assert_eq!(lines(&told), lines(says));
        }
    }
}
