//! `/group/` and `/group/info/`: ordered lists of files of one project. See `docs/upload-api.md`, "Groups".

use axum::body::Body;
use intake_core::{Error, Group, Member, UploadId};

use crate::error::ApiError;
use crate::request::Request;
use crate::{codes, group_response};

/// Makes a group of the project's files.
pub(crate) async fn create(request: &mut Request<'_>) -> Result<Body, ApiError> {
    request.read_params().await?;
    let project = request.authorize().await?.project;
    let api = request.api;
    let files = request.params.files();
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
    group_response::check(&api.pipeline, &project.public_key, &members).await?;
    let origin = request.public_origin()?;
    let group = request.pipeline().group(&project.public_key, members).await?;
    answer(request, &origin, group).await
}

/// Describes a group of the project. A group of another project is reported as missing.
pub(crate) async fn info(request: &mut Request<'_>) -> Result<Body, ApiError> {
    let project = request.project().await?;
    let name = request.params.get("group_id");
    let name = name.ok_or_else(|| ApiError::new(&codes::GROUP_ID_MISSING))?;
    let not_found = || ApiError::new(&codes::GROUP_NOT_FOUND);
    let (id, count) = id_of(name).ok_or_else(not_found)?;
    let group = match request.api.pipeline.get_group(id).await {
        Ok(group) => group,
        Err(Error::NotFound(_)) => return Err(not_found()),
        Err(error) => return Err(error.into()),
    };
    let group = Some(group)
        .filter(|group| group.project == project.public_key && group.members.len() == count)
        .ok_or_else(not_found)?;
    answer(request, &request.public_origin()?, group).await
}

async fn answer(request: &Request<'_>, origin: &str, group: Group) -> Result<Body, ApiError> {
    let api = request.api;
    let cdn = api.settings.cdn_url.as_deref().map(|url| url.trim_end_matches('/'));
    group_response::body(api.pipeline.clone(), group, cdn.unwrap_or(origin), origin).await
}

/// A file as clients name it: its id, or a URL that contains the id, with optional effects after `/-/`.
fn member(sent: &str) -> Result<Member, ApiError> {
    let unreadable = || ApiError::new(&codes::GROUP_FILE_UNREADABLE).arg(sent);
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
    Ok(Member::new(id).with(|member| member.effects = effects))
}

/// The most bytes of the effects of one file, and of all files of a group: a group is kept forever.
const LONGEST_EFFECTS: usize = 1024;
const MOST_EFFECTS: usize = 64 * 1024;

/// `UUID~N`, in exactly this form, so that a group has one spelling.
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
            assert_eq!(refusal.api_code(), "GroupFileURLParsingFailedError", "{sent}");
            assert!(
                refusal
                    .message()
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
