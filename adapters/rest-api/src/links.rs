//! The addresses in answers: of files, groups and pages of this API, and of the bytes of files.

use axum::http::HeaderMap;
use axum::http::header::HOST;
use intake_core::{FileName, Group, Record};

use crate::peer::Client;
use crate::settings::Settings;

/// The beginnings of addresses, without a slash at their ends.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    base: String,
    cdn: Option<String>,
}

impl Links {
    /// By the settings, or else by the host that the client names.
    pub(crate) fn of(settings: &Settings, headers: &HeaderMap, client: Client) -> Self {
        let of_request = || {
            let scheme = if client.has_tls { "https" } else { "http" };
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
            let host = host.filter(|host| host.bytes().all(is_plain));
            format!("{scheme}://{}", host.unwrap_or("localhost"))
        };
        Self {
            base: settings.base_url.as_deref().map_or_else(of_request, plain),
            cdn: settings.cdn_base.as_deref().map(plain),
        }
    }

    /// By the settings alone: without them addresses are paths.
    pub(crate) fn without_request(settings: Option<&Settings>) -> Self {
        let base = settings.and_then(|settings| settings.base_url.as_deref());
        Self {
            base: base.map(plain).unwrap_or_default(),
            cdn: settings.and_then(|settings| settings.cdn_base.as_deref()).map(plain),
        }
    }

    /// The address of something of this API, by its path.
    pub(crate) fn to(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn file(&self, record: &Record) -> String {
        self.to(&format!("/files/{}/", record.id))
    }

    /// The address of the bytes of a file, if the settings say where they are delivered.
    pub(crate) fn original(&self, record: &Record) -> Option<String> {
        self.cdn.as_ref().map(|_| self.bytes(record))
    }

    /// The same, or its path if the settings do not say it.
    pub(crate) fn bytes(&self, record: &Record) -> String {
        let name = record.declared.name.as_ref().map(FileName::ascii).unwrap_or_default();
        format!("{}/{}/{name}", self.cdn.as_deref().unwrap_or_default(), record.id)
    }

    /// The address of a group of this API, and of the group where files are delivered.
    pub(crate) fn group(&self, group: &Group) -> (String, String) {
        let id = group_id(group);
        let cdn = self.cdn.as_ref().unwrap_or(&self.base);
        (self.to(&format!("/groups/{id}/")), format!("{cdn}/{id}/"))
    }
}

/// The id of a group as clients write it: with the number of its files.
pub(crate) fn group_id(group: &Group) -> String {
    format!("{}~{}", group.id, group.members.len())
}

/// A base of addresses without a slash at its end.
fn plain(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}
