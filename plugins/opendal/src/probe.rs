//! Does once in the bucket what uploads do, so that a right or a call which is missing is said at the start, by its name, and not
//! by the first upload that needs it.
//!
//! It works under a key of its own, and removes what is under it in the end, whatever it found. If the process ends in the middle,
//! an object of fifteen bytes may stay, or an unfinished upload of as many. Nobody is told of either, and no record names them.

use futures_util::{StreamExt, TryStreamExt, stream};
use intake_core::{ByteStream, Bytes, Fault, Staged};
use opendal::Operator;

use crate::multipart::{Completed, Failure, Multipart, Part, Which};
use crate::name::Name;
use crate::objects::Objects;
use crate::read::{read, size};
use crate::{STORE_FAILED, cause, fault};

/// What is written.
const WRITTEN: Bytes = Bytes::from_static(b"intake was here");

/// A call that uploads need.
struct Call {
    /// As S3 names it.
    name: &'static str,
    /// What it is for.
    does: &'static str,
    /// What Amazon calls the right to it.
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
    /// Says what the call ended with, with what it is for.
    fn ended<T>(&self, ended: Result<T, Fault>) -> Result<T, Fault> {
        ended.map_err(|fault| {
            let Self { name, does, right } = self;
            let message = match cause::of(&fault) {
                Some(cause) => cause.to_owned(),
                None if cause::is_denied(&fault) => {
                    format!("the access key may not {does} ({name}): give it the right {right}")
                }
                None if fault.retryable => format!("the service failed to {does} ({name})"),
                None => format!("the service cannot {does} ({name}), which uploads need"),
            };
            Fault {
                message,
                source: fault.source.or_else(|| Some(fault.message.into())),
                ..fault
            }
        })
    }

    /// Asks that what the call answered is what it should be.
    fn should(&self, holds: bool, what: &str) -> Result<(), Fault> {
        if holds {
            return Ok(());
        }
        let Self { name, does, .. } = self;
        let message = format!("the service does not {does} as uploads need it ({name}): {what}");
        Err(Fault::new(STORE_FAILED, message))
    }
}

/// Tries whatever uploads do in this bucket, under this name, which nobody else uses.
///
/// # Errors
///
/// The first call that did not do what it should, with the setting or the right that is behind it.
pub(crate) async fn probe(objects: &Objects, name: &Name) -> Result<(), Fault> {
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
    objects: &'a Objects,
    operator: &'a Operator,
    multipart: &'a Multipart,
    name: &'a Name,
}

impl Probe<'_> {
    async fn run(&self) -> Result<(), Fault> {
        if let Some(spool) = self.multipart.spool() {
            spool.ready().await?;
        }
        // First, as whatever removes an object looks for unfinished uploads too.
        self.abandoned().await?;
        self.in_parts().await?;
        self.in_one_go().await?;
        if self.multipart.is_direct() {
            self.by_address().await?;
        }
        Ok(())
    }

    /// An upload in parts, to its end.
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

    /// One that is never completed.
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

    /// One in a single request.
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
        GET.should(whole == WRITTEN, "what was read is not what was written")?;
        let range = GET_RANGE.ended(collect(read(self.operator, path, None, Some(RANGE)).await).await)?;
        GET_RANGE.should(
            range == WRITTEN[3..9],
            "what was read is not the range that was asked for",
        )?;
        DELETE.ended(self.objects.delete(self.name).await)?;
        let found = MISS.ended(size(self.operator, path).await)?;
        DELETE.should(found.is_none(), "an object that was removed is still there")
    }

    /// What senders can do who have the signed address of a part, and nothing else.
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
            let message = "`direct = true` cannot be used: the service does not take a part at its signed address";
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
            "store what nobody removes",
        )
    }

    /// Whether the address lets these bytes in.
    async fn put(&self, url: reqwest::Url, bytes: Bytes) -> Result<bool, Fault> {
        const DOING: &str = "try the signed address of a part";

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

    fn first_part_of<'b>(&'b self, upload: &'b str) -> Which<'b> {
        Which {
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
        "`direct = true` cannot be used with this service: the signed address of a part lets in {what}, so that senders could {so}; \
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
        .map_err(|error| Fault::new(STORE_FAILED, "cannot read what was just written").because(error))?;
    Ok(pieces.concat().into())
}
