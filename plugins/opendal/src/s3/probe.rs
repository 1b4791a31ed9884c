//! The probe of a bucket: makes every kind of call that uploads need once, so that a missing permission or an unsupported call
//! is named at the start, and not found by the first upload that needs it.
//!
//! It uses a key of its own, and removes everything under it at the end, whatever it found. If the process ends in the middle,
//! an object of fifteen bytes may remain, or an unfinished upload of as many. No record names them.

use futures_util::{StreamExt, TryStreamExt, stream};
use intake_core::{ByteStream, Bytes, Fault, Staged};
use opendal::Operator;

use crate::codes::STORE_FAILED;
use crate::failure::Failure;
use crate::fault;
use crate::name::Name;
use crate::read::{read, size};
use crate::s3::api::{Completed, MultipartApi, Part, PartId};
use crate::s3::cause;
use crate::s3::store::ObjectStore;

/// The bytes that the probe writes.
const WRITTEN: Bytes = Bytes::from_static(b"intake was here");

/// A call that uploads need.
struct Call {
    /// As S3 names it.
    name: &'static str,
    /// Its purpose.
    does: &'static str,
    /// Amazon's name of the permission.
    right: &'static str,
}

const fn call(name: &'static str, does: &'static str, right: &'static str) -> Call {
    Call { name, does, right }
}

const CREATE: Call = call("CreateMultipartUpload", "begin an upload in parts", "s3:PutObject");
const PUT_PART: Call = call("UploadPart", "write a part", "s3:PutObject");
const LIST_PARTS: Call = call(
    "ListParts",
    "list the parts of an upload",
    "s3:ListMultipartUploadParts",
);
const COMPLETE: Call = call("CompleteMultipartUpload", "put parts together", "s3:PutObject");
const ABORT: Call = call("AbortMultipartUpload", "abort an upload", "s3:AbortMultipartUpload");
const LIST_UPLOADS: Call = call(
    "ListMultipartUploads",
    "list unfinished uploads",
    "s3:ListBucketMultipartUploads",
);
const PUT: Call = call("PutObject", "write an object", "s3:PutObject");
const MISS: Call = call("HeadObject", "find out that an object is not there", "s3:ListBucket");
const HEAD: Call = call("HeadObject", "look up an object", "s3:GetObject");
const GET: Call = call("GetObject", "read an object", "s3:GetObject");
const GET_RANGE: Call = call("GetObject with a range", "read a part of an object", "s3:GetObject");
const DELETE: Call = call("DeleteObject", "remove an object", "s3:DeleteObject");

impl Call {
    /// Adds the call and its purpose to the fault.
    fn ended<T>(&self, ended: Result<T, Fault>) -> Result<T, Fault> {
        ended.map_err(|mut fault| {
            let Self { name, does, right } = self;
            let message = match cause::of(&fault) {
                Some(cause) => cause.to_owned(),
                None if cause::is_denied(&fault) => {
                    format!("the access key may not {does} ({name}): give it the right {right}")
                }
                None if fault.retryable => format!("the service failed to {does} ({name})"),
                None => format!("the service cannot {does} ({name}), which uploads need"),
            };
            let before = std::mem::replace(&mut fault.message, message);
            fault.source.get_or_insert_with(|| before.into());
            fault
        })
    }

    /// A fault, unless the answer to the call is the expected one.
    fn should(&self, holds: bool, what: &str) -> Result<(), Fault> {
        if holds {
            return Ok(());
        }
        let Self { name, does, .. } = self;
        let message = format!("the service does not {does} as uploads need it ({name}): {what}");
        Err(Fault::new(STORE_FAILED, message))
    }
}

/// Makes the calls of uploads in this bucket once, under this name, which no upload uses.
///
/// # Errors
///
/// The first call that failed, with the setting or the permission that is the cause.
pub(crate) async fn probe(objects: &ObjectStore, name: &Name) -> Result<(), Fault> {
    let prepared = async { Ok::<_, Fault>((objects.operator().await?, objects.in_parts().await?)) };
    let (operator, multipart) = prepared.await?;
    let probe = Probe {
        objects,
        operator,
        multipart,
        name,
    };
    let ended = probe.run().await;
    let removed = objects.delete(name).await;
    ended.and(DELETE.ended(removed))
}

struct Probe<'a> {
    objects: &'a ObjectStore,
    operator: &'a Operator,
    multipart: &'a MultipartApi,
    name: &'a Name,
}

impl Probe<'_> {
    async fn run(&self) -> Result<(), Fault> {
        if let Some(spool) = self.multipart.spool() {
            spool.ready().await?;
        }
        // First, as removing an object needs to list unfinished uploads.
        self.abandoned().await?;
        self.in_parts().await?;
        self.in_one_go().await?;
        if self.multipart.is_direct() {
            self.by_address().await?;
        }
        Ok(())
    }

    /// A multipart upload that is completed.
    async fn in_parts(&self) -> Result<(), Fault> {
        let upload = self.begin().await?;
        let which = self.first_part_of(&upload);
        let put = self.multipart.put_part(which, WRITTEN.len() as u64, written());
        PUT_PART.ended(put.await)?;
        let parts = self.list(&upload).await?;
        let there = MISS.ended(size(self.operator, self.name.as_str()).await)?;
        MISS.should(there.is_none(), "an object is there before its parts are put together")?;
        self.complete(&upload, &parts).await?;
        self.is_there_until_removed().await
    }

    /// A multipart upload that is aborted.
    async fn abandoned(&self) -> Result<(), Fault> {
        let upload = self.begin().await?;
        let unfinished = self.unfinished().await?;
        LIST_UPLOADS.should(
            unfinished.contains(&upload),
            "an upload that was just begun is not listed",
        )?;
        self.abort(&upload).await?;
        let unfinished = self.unfinished().await?;
        ABORT.should(
            !unfinished.contains(&upload),
            "an upload that was aborted is still listed",
        )
    }

    /// An upload in a single request.
    async fn in_one_go(&self) -> Result<(), Fault> {
        let put = async {
            let mut staged: Box<dyn Staged> = self.objects.stage(self.name.clone(), None).await?;
            staged.write(WRITTEN).await?;
            staged.commit().await
        };
        PUT.ended(put.await)?;
        self.is_there_until_removed().await
    }

    async fn is_there_until_removed(&self) -> Result<(), Fault> {
        const RANGE: std::ops::Range<u64> = 3..9;

        let path = self.name.as_str();
        let found = HEAD.ended(size(self.operator, path).await)?;
        HEAD.should(
            found == Some(WRITTEN.len() as u64),
            "it does not say how long the object is",
        )?;
        let whole = GET.ended(collect(read(self.operator, path, None, None).await).await)?;
        GET.should(
            whole == WRITTEN,
            "the bytes that were read differ from those that were written",
        )?;
        let range = GET_RANGE.ended(collect(read(self.operator, path, None, Some(RANGE)).await).await)?;
        GET_RANGE.should(
            range == WRITTEN[3..9],
            "the bytes that were read are not those of the requested range",
        )?;
        DELETE.ended(self.objects.delete(self.name).await)?;
        let found = MISS.ended(size(self.operator, path).await)?;
        DELETE.should(found.is_none(), "an object that was removed is still there")
    }

    /// What senders can do with the signed URL of a part.
    async fn by_address(&self) -> Result<(), Fault> {
        let upload = self.begin().await?;
        let which = self.first_part_of(&upload);
        let length = WRITTEN.len() as u64;
        let url = || self.multipart.own_part_url(which, Some(length));
        let too_long = Bytes::from([&WRITTEN[..], b"!"].concat());
        let lets_in = self.put(url(), too_long).await?;
        refused(
            lets_in,
            "more bytes than it was signed for",
            "store more than they declared",
        )?;
        if !self.put(url(), WRITTEN).await? {
            let message = "`direct = true` cannot be used: the service does not accept a part at its signed URL";
            return Err(Fault::new(STORE_FAILED, message));
        }
        let parts = self.list(&upload).await?;
        self.complete(&upload, &parts).await?;
        let other = Bytes::from(vec![b'?'; WRITTEN.len()]);
        let lets_in = self.put(url(), other.clone()).await?;
        refused(
            lets_in,
            "bytes after the parts were put together",
            "change a file that was judged",
        )?;

        let upload = self.begin().await?;
        let which = self.first_part_of(&upload);
        let url = self.multipart.own_part_url(which, Some(length));
        self.abort(&upload).await?;
        let lets_in = self.put(url, other).await?;
        refused(
            lets_in,
            "bytes after the upload was aborted",
            "store bytes that are never removed",
        )
    }

    /// Whether the URL accepts these bytes.
    async fn put(&self, url: reqwest::Url, bytes: Bytes) -> Result<bool, Fault> {
        const DOING: &str = "try the signed URL of a part";

        let status = self.multipart.put_as_client(url, bytes).await;
        let status = PUT_PART.ended(status.map_err(|failure| fault::of_s3(DOING, failure)))?;
        if status.is_server_error() {
            let message = format!("cannot {DOING}: the service answered {status}");
            return Err(Fault::new(STORE_FAILED, message).retryable());
        }
        Ok(status.is_success())
    }

    async fn begin(&self) -> Result<String, Fault> {
        CREATE.ended(self.multipart.create(self.name, None).await)
    }

    fn first_part_of<'b>(&'b self, upload: &'b str) -> PartId<'b> {
        PartId {
            name: self.name,
            upload,
            number: 1,
        }
    }

    async fn list(&self, upload: &str) -> Result<Vec<Part>, Fault> {
        let listed = LIST_PARTS.ended(self.multipart.list(self.name, upload).await)?;
        let parts = listed.unwrap_or_default();
        let sizes: Vec<_> = parts.iter().map(|part| (part.number, part.size)).collect();
        LIST_PARTS.should(
            sizes == [(1, WRITTEN.len() as u64)],
            "a part that was just written is not listed",
        )?;
        Ok(parts)
    }

    async fn complete(&self, upload: &str, parts: &[Part]) -> Result<(), Fault> {
        let completed = COMPLETE.ended(self.multipart.complete(self.name, upload, parts).await)?;
        COMPLETE.should(completed == Completed::Done, "it does not know the upload or its part")
    }

    async fn unfinished(&self) -> Result<Vec<String>, Fault> {
        let explain = |failure: Failure| fault::of_s3("list unfinished uploads", failure);
        LIST_UPLOADS.ended(self.multipart.unfinished(self.name).await.map_err(explain))
    }

    async fn abort(&self, upload: &str) -> Result<(), Fault> {
        let explain = |failure: Failure| fault::of_s3("abort an upload", failure);
        ABORT.ended(self.multipart.abort(self.name, upload).await.map_err(explain))
    }
}

fn refused(lets_in: bool, what: &str, so: &str) -> Result<(), Fault> {
    if !lets_in {
        return Ok(());
    }
    let message = format!(
        "`direct = true` cannot be used with this service: the signed URL of a part accepts {what}, so that senders could {so}; \
         set `direct = false`"
    );
    Err(Fault::new(STORE_FAILED, message))
}

fn written() -> ByteStream {
    stream::once(async { Ok(WRITTEN) }).boxed()
}

async fn collect(bytes: Result<ByteStream, Fault>) -> Result<Bytes, Fault> {
    let pieces: Vec<Bytes> = bytes?
        .try_collect()
        .await
        .map_err(|error| Fault::new(STORE_FAILED, "cannot read what was just written").with_source(error))?;
    Ok(pieces.concat().into())
}
