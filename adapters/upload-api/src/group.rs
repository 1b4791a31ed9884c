//! `/group/` and `/group/info/`: files of one project, in an order, under one name (wire facts, sections 6.1 and 6.2).

use axum::body::Body;
use intake_core::{Error, Group, Member, UploadId};

use crate::api::Api;
use crate::error::{Refusal, codes};
use crate::key_names::KEY;
use crate::params::Params;
use crate::reading::read_params;
use crate::telling;
use crate::visit::{LetIn, Visit};

/// Makes a group of files of the project's own.
pub(crate) async fn create(api: &Api, visit: &Visit<'_>, params: &mut Params) -> Result<Body, Refusal> {
    read_params(api, visit, params).await?;
    let LetIn { project, .. } = visit.let_in(api, params, KEY).await?;
    let files = params.files();
    if files.is_empty() {
        return Err(codes::GROUP_FILES_MISSING.into());
    }
    let most = project
        .max_group_files
        .unwrap_or(usize::MAX)
        .min(api.settings.max_group_files);
    if files.len() > most {
        return Err(codes::TOO_MANY_FILES_NAMED.into());
    }
    let members = files.iter().map(|file| member(file)).collect::<Result<Vec<_>, _>>()?;
    if members.iter().map(|member| member.effects.len()).sum::<usize>() > MOST_EFFECTS {
        return Err(codes::REQUEST_TOO_LARGE.into());
    }
    telling::check(&api.pipeline, &project.public_key, &members).await?;
    let origin = visit.origin(api)?;
    let group = api.pipeline.group(&project.public_key, members).await?;
    answer(api, &origin, group).await
}

/// Tells of a group of the project's own. Another project's is not there.
pub(crate) async fn info(api: &Api, visit: &Visit<'_>, params: &Params) -> Result<Body, Refusal> {
    let project = visit.project(api, params, KEY).await?;
    let name = params
        .get("group_id")
        .ok_or_else(|| Refusal::new(&codes::GROUP_ID_MISSING))?;
    let not_found = || Refusal::new(&codes::GROUP_NOT_FOUND);
    let (id, count) = id_of(name).ok_or_else(not_found)?;
    let group = match api.pipeline.get_group(id).await {
        Ok(group) => group,
        Err(Error::NotFound(_)) => return Err(not_found()),
        Err(error) => return Err(error.into()),
    };
    let group = Some(group)
        .filter(|group| group.project == project.public_key && group.members.len() == count)
        .ok_or_else(not_found)?;
    answer(api, &visit.origin(api)?, group).await
}

async fn answer(api: &Api, origin: &str, group: Group) -> Result<Body, Refusal> {
    let cdn = api.settings.cdn_url.as_deref().map(|url| url.trim_end_matches('/'));
    telling::tell(api.pipeline.clone(), group, cdn.unwrap_or(origin), origin).await
}

/// A file as clients name it: its id, or an address with the id in it, and maybe what is to be done with it behind `/-/`.
fn member(sent: &str) -> Result<Member, Refusal> {
    let unreadable = || Refusal::new(&codes::GROUP_FILE_UNREADABLE).arg(sent);
    let path = match sent.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            rest.split_once('/').ok_or_else(unreadable)?.1
        }
        Some(_) => return Err(unreadable()),
        None => sent.trim_start_matches('/'),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (id, rest) = path.split_once('/').unwrap_or((path, ""));
    let id: UploadId = id.to_ascii_lowercase().parse().map_err(|_| unreadable())?;
    let effects = rest.strip_prefix("-/").unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\`{|}".contains(&byte);
    if effects.len() > LONGEST_EFFECTS || !effects.bytes().all(is_plain) {
        return Err(unreadable());
    }
    let effects = effects.to_owned();
    Ok(Member { id, effects })
}

/// Bytes of what is to be done with a file, and with all files of a group: it stays for ever.
const LONGEST_EFFECTS: usize = 1024;
const MOST_EFFECTS: usize = 64 * 1024;

/// `UUID~N`, and nothing that only looks like it: one group, one spelling.
fn id_of(name: &str) -> Option<(UploadId, usize)> {
    let (id, count) = name.split_once('~')?;
    let number: usize = count.parse().ok()?;
    (number.to_string() == count).then_some(())?;
    Some((id.parse().ok()?, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "dcfa202c-cb63-42eb-bff2-6fcc9140c58c";

    #[test]
    fn a_file_is_found_in_whatever_form_clients_send_it() {
        for (sent, effects) in [
            ("{id}", ""),
            ("{id}/", ""),
            ("/{id}/", ""),
            ("{id}/-/resize/x800/", "resize/x800/"),
            ("/{id}/-/resize/x800/-/rotate/90/", "resize/x800/-/rotate/90/"),
            ("https://ucarecdn.com/{id}/", ""),
            ("https://ucarecdn.com/{id}/photo.png", ""),
            ("https://1s4oyld5dc.ucarecd.net/{id}/-/resize/x800/?a=b", "resize/x800/"),
            ("http://127.0.0.1:8080/{id}", ""),
            ("{id}/resize/x600", ""),
        ] {
            let sent = sent.replace("{id}", ID);
            let member = member(&sent).unwrap();
            assert_eq!(
                (member.id.to_string().as_str(), member.effects.as_str()),
                (ID, effects),
                "{sent}"
            );
        }
        assert_eq!(member(&ID.to_uppercase()).unwrap().id.to_string(), ID);
    }

    #[test]
    fn what_names_no_file_is_said_back_as_it_was_sent() {
        let long = format!("{ID}/-/{}", "x/".repeat(1000));
        for sent in [
            "",
            "x",
            "https://ucarecdn.com/",
            "https://ucarecdn.com",
            "javascript:x",
            &ID[1..],
            &long,
        ] {
            let refusal = member(sent).unwrap_err();
            assert_eq!(refusal.code(), "GroupFileURLParsingFailedError", "{sent}");
            assert!(
                refusal
                    .sentence()
                    .starts_with(&format!("This is not valid file url: {}", &sent[..sent.len().min(50)]))
            );
        }
        assert!(member(&format!("{ID}/-/a\"b/")).is_err());
    }

    #[test]
    fn a_group_has_one_name() {
        assert!(id_of(&format!("{ID}~2")).is_some_and(|(_, count)| count == 2));
        for wrong in ["{id}", "{id}~", "{id}~02", "{id}~+2", "{id}~2~2", "~2", "x~1"] {
            assert_eq!(id_of(&wrong.replace("{id}", ID)), None, "{wrong}");
        }
    }
}
