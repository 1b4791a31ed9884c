//! Bytes in an object store: nothing is there before the last byte, and the service makes it durable.

use std::ops::Range;
use std::sync::Arc;

use intake_core::parts::MOST_PARTS;
use intake_core::{ByteStream, ConfigError, Fault, MediaType, Staged};
use opendal::{Operator, services};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::gather::Gather;
use crate::multipart::Multipart;
use crate::name::Name;
use crate::object::StagedObject;
use crate::read::{read, size};
use crate::settings::S3;
use crate::{STORE_FAILED, fault, s3};

/// Keeps bytes as objects.
#[derive(Debug)]
pub(crate) struct Objects {
    service: Service,
    /// The size of an upload's parts, in bytes, where that is ours to choose. An upload holds two of them.
    part: Option<usize>,
}

#[derive(Debug)]
enum Service {
    Open(Operator),
    /// Opened when first needed, because that reads secrets.
    S3 {
        settings: Arc<S3>,
        opened: OnceCell<Box<s3::Bucket>>,
    },
}

impl Objects {
    /// Whatever this operator leads to, if it can do what a store must.
    pub(crate) fn of(operator: Operator) -> Result<Self, ConfigError> {
        let info = operator.info();
        let can = info.capability();
        // OpenDAL's memory takes any number of pieces, and does not say so.
        let in_pieces = can.write_can_multi || info.scheme() == services::MEMORY_SCHEME;
        let lacking: Vec<_> = [
            (can.write && in_pieces, "write in pieces"),
            (can.write_can_empty, "write nothing"),
            (can.read && can.stat, "read"),
            (can.delete, "delete"),
        ]
        .into_iter()
        .filter_map(|(can, what)| (!can).then_some(what))
        .collect();
        if !lacking.is_empty() {
            let scheme = info.scheme();
            return Err(ConfigError::new(format!("`{scheme}` cannot {}", lacking.join(", "))));
        }
        let service = Service::Open(operator);
        Ok(Self { service, part: None })
    }

    pub(crate) fn memory() -> Self {
        let memory = Operator::new(services::Memory::default());
        // It fails if its settings are wrong, and it has none.
        let service = Service::Open(memory.expect("memory can be had"));
        Self { service, part: None }
    }

    pub(crate) fn s3(settings: S3) -> Self {
        let part = usize::try_from(settings.part_size().as_u64()).ok();
        let service = Service::S3 {
            settings: Arc::new(settings),
            opened: OnceCell::new(),
        };
        Self { service, part }
    }

    pub(crate) async fn operator(&self) -> Result<&Operator, Fault> {
        match &self.service {
            Service::Open(operator) => Ok(operator),
            Service::S3 { settings, opened } => Ok(&opened_s3(settings, opened).await?.operator),
        }
    }

    /// Bytes of memory of one upload, where that is known: it holds two parts.
    pub(crate) fn bytes_of_upload(&self) -> Option<u64> {
        self.part.map(|bytes| 2 * bytes as u64)
    }

    /// How many bytes an object can have, where that is known.
    pub(crate) fn most_bytes(&self) -> Option<u64> {
        match &self.service {
            Service::Open(_) => None,
            Service::S3 { settings, .. } => Some(settings.most_bytes()),
        }
    }

    /// How many parts an upload can have.
    pub(crate) fn most_parts(&self) -> u16 {
        match &self.service {
            Service::Open(_) => MOST_PARTS,
            Service::S3 { settings, .. } => settings.max_parts,
        }
    }

    /// Whether the service has a way of its own with parts.
    pub(crate) fn takes_parts(&self) -> bool {
        matches!(self.service, Service::S3 { .. })
    }

    /// Uploads in parts, where there are any.
    pub(crate) async fn in_parts(&self) -> Result<&Arc<Multipart>, Fault> {
        match &self.service {
            Service::Open(_) => Err(Fault::new(STORE_FAILED, "this service has no parts of its own")),
            Service::S3 { settings, opened } => Ok(&opened_s3(settings, opened).await?.multipart),
        }
    }

    pub(crate) async fn stage(&self, name: Name, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        let operator = self.operator().await?;
        let writer = operator.writer_with(name.as_str());
        let writer = match self.part {
            Some(bytes) => writer.chunk(bytes),
            None => writer,
        };
        let writer = match media_type {
            Some(media_type) => writer.content_type(&media_type.to_string()),
            None => writer,
        };
        let doing = format!("begin to write {name}");
        let writer = writer.await.map_err(|error| fault::of_opendal(&doing, error))?;
        Ok(Box::new(Gather::into(StagedObject::begin(
            operator.clone(),
            writer,
            name,
        ))))
    }

    pub(crate) async fn read(&self, name: &Name, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        read(self.operator().await?, name.as_str(), None, range).await
    }

    pub(crate) async fn size(&self, name: &Name) -> Result<Option<u64>, Fault> {
        size(self.operator().await?, name.as_str()).await
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<(), Fault> {
        let operator = self.operator().await?;
        // The attempts go first: if somebody is just completing one, then either they come too late, or its outcome is there
        // to be removed next.
        if self.takes_parts() {
            self.in_parts().await?.abort_all(name).await?;
        }
        let deleted = operator.delete(name.as_str()).await;
        deleted.map_err(|error| fault::of_opendal(&format!("remove {name}"), error))
    }
}

async fn opened_s3<'a>(settings: &Arc<S3>, opened: &'a OnceCell<Box<s3::Bucket>>) -> Result<&'a s3::Bucket, Fault> {
    let open = || async {
        let settings = settings.clone();
        spawn_blocking(move || s3::open(&settings))
            .await
            .map_err(|_| fault::of_lost_work("prepare requests to S3"))?
            .map(Box::new)
    };
    opened.get_or_try_init(open).await.map(|bucket| &**bucket)
}
