//! The XML of S3's answers. Services differ in the names of roots, in order, and in what they leave out; only the needed
//! elements are read.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::types;
use crate::failure::Failure;

/// The answer to the beginning of an upload.
#[derive(Debug, Deserialize)]
pub(super) struct Created {
    #[serde(rename = "UploadId")]
    pub(super) id: String,
}

impl Created {
    pub(super) fn read(xml: &str) -> Result<Self, Failure> {
        let created: Self = parse(xml)?;
        if created.id.is_empty() {
            return Err(Failure::nonsense("an upload without an id"));
        }
        Ok(created)
    }
}

/// A page of parts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
pub(super) struct Parts {
    pub(super) is_truncated: bool,
    next_part_number_marker: String,
    #[serde(rename = "Part")]
    pub(super) parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Part {
    #[serde(rename = "PartNumber")]
    pub(super) number: u16,
    #[serde(rename = "Size")]
    size: u64,
    #[serde(rename = "ETag")]
    pub(super) tag: String,
    /// Compared, never read.
    #[serde(rename = "LastModified", default)]
    pub(super) modified: String,
}

impl Parts {
    pub(super) fn read(xml: &str) -> Result<Self, Failure> {
        parse(xml)
    }

    /// The number after which the next page begins.
    pub(super) fn next(&self) -> u16 {
        let last = self.parts.last().map_or(0, |part| part.number);
        self.next_part_number_marker.parse().unwrap_or(last)
    }
}

impl From<Part> for types::Part {
    fn from(part: Part) -> Self {
        let Part { number, size, tag, .. } = part;
        Self { number, size, tag }
    }
}

/// A page of unfinished uploads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Uploads {
    #[serde(rename = "IsTruncated")]
    pub(super) is_truncated: bool,
    #[serde(rename = "NextKeyMarker")]
    pub(super) next_key: String,
    #[serde(rename = "NextUploadIdMarker")]
    pub(super) next_upload: String,
    #[serde(rename = "Upload")]
    pub(super) uploads: Vec<Upload>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    #[serde(rename = "Key")]
    pub(super) key: String,
    #[serde(rename = "UploadId")]
    pub(super) id: String,
}

impl Uploads {
    pub(super) fn read(xml: &str) -> Result<Self, Failure> {
        parse(xml)
    }
}

/// Whether parts were put together. A service that takes long for it sends the status 200 before it knows.
pub(super) fn completed(xml: &str) -> Result<(), Failure> {
    match root(xml).as_deref() {
        Some("CompleteMultipartUploadResult") => Ok(()),
        _ => Err(Failure::passing(
            "the answer does not say whether the parts were put together",
        )),
    }
}

/// An error that S3 answered.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    /// The refusal, if an answer is one.
    pub(super) fn read(xml: &str) -> Option<Self> {
        (root(xml)? == "Error").then(|| parse(xml).unwrap_or_default())
    }
}

fn parse<T: DeserializeOwned>(xml: &str) -> Result<T, Failure> {
    quick_xml::de::from_str(xml).map_err(|error| Failure::nonsense("an answer that cannot be read").with_source(error))
}

/// The name of the outermost element.
fn root(xml: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                return Some(element.local_name().as_ref().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_services_write_them() {
        // No namespace, an odd root, foreign elements, an entity, another order, no marker.
        let parts = Parts::read(
            "<?xml version=\"1.0\"?><ListPartsResponse><Part><ETag>&quot;a&amp;b&quot;</ETag><Size>5</Size>\
             <PartNumber>7</PartNumber><ChecksumSHA256>x</ChecksumSHA256></Part><Owner><ID>o</ID></Owner>\
             <Part><PartNumber>9</PartNumber><Size>6</Size><ETag>c</ETag></Part>\
             <IsTruncated>true</IsTruncated></ListPartsResponse>",
        )
        .unwrap();
        assert!(parts.is_truncated);
        assert_eq!(parts.next(), 9);
        let parts: Vec<_> = parts.parts.into_iter().map(types::Part::from).collect();
        assert_eq!(parts[0].tag, "\"a&b\"");
        assert_eq!((parts[1].number, parts[1].size), (9, 6));

        let uploads = Uploads::read("<ListMultipartUploadsResult xmlns=\"http://s3.example/\"/>").unwrap();
        assert!(!uploads.is_truncated && uploads.uploads.is_empty());
    }

    #[test]
    fn an_answer_is_a_success_only_if_it_says_so() {
        // A service that takes long sends blanks before it knows, and some before all the rest.
        for blanks in ["", "\n \n  \n"] {
            let xml = format!("{blanks}<?xml version=\"1.0\"?>{blanks}<CompleteMultipartUploadResult/>");
            assert!(completed(&xml).is_ok(), "{xml}");
            let xml = format!("{blanks}<?xml version=\"1.0\"?>{blanks}<Error><Code>SlowDown</Code></Error>");
            assert_eq!(Refusal::read(&xml).unwrap().code, "SlowDown", "{xml}");
        }
        for xml in ["", " ", "<html></html>", "<Error/>", "<"] {
            assert!(completed(xml).is_err_and(|failure| failure.passes), "{xml}");
        }
        for xml in [
            "",
            "<html></html>",
            "{}",
            "<CreateMultipartUploadResult><UploadId/></CreateMultipartUploadResult>",
        ] {
            assert!(Created::read(xml).is_err_and(|failure| !failure.passes), "{xml}");
        }
    }
}
