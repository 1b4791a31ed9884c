//! One request as its endpoint sees it: what it says beside its parameters, and whose it turned out to be.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use axum::extract::{ConnectInfo, OriginalUri};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use intake_core::permits::Holder;
use intake_core::project::Standing;
use intake_core::{Pass, Project, sender_at};

use crate::api::Api;
use crate::body::Source;
use crate::error::{Refusal, codes};
use crate::key_names::KeyNames;
use crate::params::Params;
use crate::{auth, bearer};

/// The address of the other end of a connection. A server puts it into the extensions of its requests, unless axum's
/// `ConnectInfo<SocketAddr>` is there; where there is neither, nothing is counted by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// A request.
pub(crate) struct Visit<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) source: &'a Source,
    /// The endpoint's own path, however the request has spelt it.
    path: &'static str,
    /// When it began: what lets it in has to be good then, and not when its last byte has come.
    pub(crate) began: SystemTime,
    /// Whose connection it came by, as far as a server says.
    address: Option<IpAddr>,
    /// The same, as who holds permits.
    pub(crate) client: Option<Holder>,
    /// The path that the router is nested under; empty at the root.
    nested_under: &'a str,
    counted: AtomicBool,
}

/// Whose an upload is, and what has let it in.
pub(crate) struct LetIn {
    pub(crate) project: Arc<Project>,
    pub(crate) pass: Option<Pass>,
    pub(crate) sender: Option<String>,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(head: &'a Parts, client: Option<IpAddr>, source: &'a Source, path: &'static str) -> Self {
        let original = head.extensions.get().map(|OriginalUri(uri)| uri.path());
        let nested_under = original.and_then(|path| path.strip_suffix(head.uri.path()));
        Self {
            headers: &head.headers,
            source,
            path,
            began: SystemTime::now(),
            address: client,
            client: client.map(Holder::at),
            nested_under: nested_under.unwrap_or_default(),
            counted: AtomicBool::new(false),
        }
    }

    /// Who sends it, as records have it.
    pub(crate) fn sender(&self) -> Option<String> {
        self.address.map(sender_at)
    }

    /// Whose request it is, if it is anybody's.
    pub(crate) async fn project(&self, api: &Api, params: &Params, names: KeyNames) -> Result<Arc<Project>, Refusal> {
        let (one, other) = (params.get(names.0), params.get(names.1));
        let Some(key) = one.or(other) else {
            return Err(Refusal::new(&codes::KEY_MISSING).arg(names.0));
        };
        // What was judged by one, as it came, would be taken for the other's.
        if other.is_some_and(|other| other != key) {
            return Err(Refusal::new(&codes::KEY_INVALID).arg(names.1));
        }
        let found = api.pipeline.project(key).await.map_err(intake_core::Error::from)?;
        let project = found.ok_or_else(|| Refusal::new(&codes::KEY_INVALID).arg(names.0))?;
        if project.standing == Standing::Removed {
            return Err(standing(&project));
        }
        if !self.counted.swap(true, Ordering::Relaxed) {
            // At once: a project has its own clients, and those know what to do when they are told to come again.
            let holder = Holder::Project(project.public_key.clone());
            api.gate.count(&holder, project.max_requests, Duration::ZERO).await?;
        }
        Ok(project)
    }

    /// Whose request it is, if that one may change something.
    pub(crate) async fn active_project(
        &self,
        api: &Api,
        params: &Params,
        names: KeyNames,
    ) -> Result<Arc<Project>, Refusal> {
        let project = self.project(api, params, names).await?;
        if project.standing != Standing::Active {
            return Err(standing(&project));
        }
        self.comes_from_where_it_may(&project)?;
        Ok(project)
    }

    /// Whose upload, or group, it is, if the request may bring one.
    pub(crate) async fn let_in(&self, api: &Api, params: &Params, names: KeyNames) -> Result<LetIn, Refusal> {
        let project = self.active_project(api, params, names).await?;
        let pass = self.pass(&project, params)?;
        let sender = self.sender();
        Ok(LetIn { project, pass, sender })
    }

    /// What lets the request in, as far as it is known by now.
    pub(crate) fn pass(&self, project: &Project, params: &Params) -> Result<Option<Pass>, Refusal> {
        auth::check(project, params, self.headers, self.path, self.began)
    }

    /// Checks the request's access token, where nothing has to be sent: what completes an upload was let in before, by whatever
    /// its record says. A client that sends its token all the same is told what is wrong with it.
    pub(crate) fn access_token_is_good(&self, project: &Project, params: &Params) -> Result<(), Refusal> {
        match project.signed_uploads && params.get("signature").is_none() {
            true => bearer::check(project, self.headers, self.path, self.began).map(drop),
            false => Ok(()),
        }
    }

    /// Pages name where they come from; whoever is no page does not, and needs no page's leave.
    fn comes_from_where_it_may(&self, project: &Project) -> Result<(), Refusal> {
        if project.origins.is_empty() {
            return Ok(());
        }
        let Some(origin) = self.headers.get(ORIGIN) else {
            // A script or a picture in a page names no origin, but browsers say that a page has asked.
            let of_a_page = self.headers.get("sec-fetch-site");
            return match of_a_page.map(|site| site.as_bytes()) {
                Some(b"cross-site" | b"same-site") => Err(codes::ORIGIN_FORBIDDEN.into()),
                _ => Ok(()),
            };
        };
        let known = |known: &String| origin.as_bytes().eq_ignore_ascii_case(known.as_bytes());
        match project.origins.iter().any(known) {
            true => Ok(()),
            false => Err(codes::ORIGIN_FORBIDDEN.into()),
        }
    }

    /// What addresses on this server begin with: as it is set, or as the request has it.
    pub(crate) fn origin(&self, api: &Api) -> Result<String, Refusal> {
        let mut origin = api.origin(self.headers.get(HOST))?;
        // What is set as `public_url` names the path already.
        if api.settings.public_url.is_none() {
            origin.push_str(self.nested_under);
        }
        Ok(origin)
    }
}

fn standing(project: &Project) -> Refusal {
    match project.standing.refusal(&project.public_key) {
        Some(rejection) => Refusal::of_rejection(&rejection),
        None => codes::UPLOAD_REFUSED.into(),
    }
}

/// The address of the client, if the server says who is at the other end of the connection.
pub(crate) fn client(api: &Api, head: &Parts) -> Option<IpAddr> {
    let connected = || {
        let ConnectInfo(address) = head.extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(address.ip())
    };
    let peer = head.extensions.get().map(|PeerAddress(address)| *address);
    let Some(peer) = peer.or_else(connected) else {
        api.warn_of_no_address();
        return None;
    };
    Some(sender(api, &head.headers, peer))
}

/// Who sends: the other end of the connection, or whom a proxy of ours names there. Of several that are named, the last that is
/// no proxy of ours: what stands before was written by whoever liked to.
fn sender(api: &Api, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    let is_ours = |address: IpAddr| {
        let address = address.to_canonical();
        api.settings
            .trusted_proxies
            .iter()
            .any(|network| network.contains(&address))
    };
    let lines = headers.get_all("x-forwarded-for").iter();
    // Whatever a sender has written there, what our proxy adds behind it still counts.
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let mut sender = peer;
    for name in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_ours(sender) {
            break;
        }
        match address(name.trim()) {
            Some(address) => sender = address,
            None => break,
        }
    }
    sender
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(name: &str) -> Option<IpAddr> {
    let bare = || name.parse().ok();
    let in_brackets = || name.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || name.parse().ok().map(|address: SocketAddr| address.ip());
    bare().or_else(in_brackets).or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_however_a_proxy_writes_it() {
        for (written, read) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("[192.0.2.1]", None),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(address(written), read.map(|text| text.parse().unwrap()), "{written:?}");
        }
    }
}
