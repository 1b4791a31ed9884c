//! The store of objects. An object appears when its last byte was written, and the service makes it durable.

use std::ops::Range;
use std::sync::Arc;

use intake_core::parts::MOST_PARTS;
use intake_core::{ByteStream, ConfigError, Fault, MediaType, Staged};
use opendal::{Operator, services};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::buffer_size::Room;
use crate::codes::STORE_FAILED;
use crate::fault;
use crate::name::Name;
use crate::read::{read, size};
use crate::s3::api::MultipartApi;
use crate::s3::bucket::{self, Bucket};
use crate::s3::writer::{Parts, StagedObject};
use crate::settings::S3;
use crate::write_buffer::WriteBuffer;

/// The most bytes of one piece. Larger ones would not help, as the writer joins them to parts.
const MOST: usize = 256 * 1024;
/// The most bytes of all buffers together, beyond what each upload may have anyway.
const ROOM: usize = 8 << 20;
/// The most bytes of all parts that are filled while another one of their upload is sent.
const PARTS: usize = 40 << 20;

/// Keeps bytes as objects.
#[derive(Debug)]
pub(crate) struct ObjectStore {
    service: Service,
    /// Shared by the buffers of all uploads.
    room: Arc<Room>,
    /// Shared by the parts that are filled while another one of their upload is sent.
    parts: Arc<Room>,
    /// The size of an upload's parts, in bytes, if this store sets it. An upload holds two of them in memory.
    part: Option<usize>,
}

#[derive(Debug)]
enum Service {
    Open(Operator),
    /// Opened at the first use, because that reads secrets.
    S3 {
        settings: Arc<S3>,
        opened: OnceCell<Box<Bucket>>,
    },
}

impl ObjectStore {
    /// A store over this operator, if it has the capabilities that a store needs.
    pub(crate) fn of(operator: Operator) -> Result<Self, ConfigError> {
        let info = operator.info();
        let can = info.capability();
        // OpenDAL's memory service can do that, and does not announce it.
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
        Ok(Self::over(Service::Open(operator), None))
    }

    pub(crate) fn memory() -> Self {
        let memory = Operator::new(services::Memory::default());
        // It could fail because of its settings, and it has none.
        Self::over(Service::Open(memory.expect("memory can be had")), None)
    }

    pub(crate) fn s3(settings: S3) -> Self {
        let part = usize::try_from(settings.part_size().as_u64()).ok();
        let service = Service::S3 {
            settings: Arc::new(settings),
            opened: OnceCell::new(),
        };
        Self::over(service, part)
    }

    fn over(service: Service, part: Option<usize>) -> Self {
        Self {
            service,
            room: Arc::new(Room::new(ROOM, MOST)),
            parts: Arc::new(Room::new(PARTS, PARTS)),
            part,
        }
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    pub(crate) async fn operator(&self) -> Result<&Operator, Fault> {
        match &self.service {
            Service::Open(operator) => Ok(operator),
            Service::S3 { settings, opened } => Ok(&opened_s3(settings, opened).await?.operator),
        }
    }

    /// The memory of one upload in bytes, if known: it holds two parts.
    pub(crate) fn bytes_of_upload(&self) -> Option<u64> {
        self.part.map(|bytes| 2 * bytes as u64)
    }

    /// The most bytes of an object, if known.
    pub(crate) fn most_bytes(&self) -> Option<u64> {
        match &self.service {
            Service::Open(_) => None,
            Service::S3 { settings, .. } => Some(settings.most_bytes()),
        }
    }

    /// The most parts of an upload.
    pub(crate) fn most_parts(&self) -> u16 {
        match &self.service {
            Service::Open(_) => MOST_PARTS,
            Service::S3 { settings, .. } => settings.max_parts,
        }
    }

    /// Whether the service has multipart uploads.
    pub(crate) fn takes_parts(&self) -> bool {
        matches!(self.service, Service::S3 { .. })
    }

    /// Whether the service can list its objects.
    pub(crate) fn lists_keys(&self) -> bool {
        match &self.service {
            Service::Open(operator) => operator.info().capability().list,
            Service::S3 { .. } => true,
        }
    }

    /// The multipart API of the service, if it has one.
    pub(crate) async fn in_parts(&self) -> Result<&Arc<MultipartApi>, Fault> {
        match &self.service {
            Service::Open(_) => Err(Fault::new(STORE_FAILED, "this service has no multipart uploads")),
            Service::S3 { settings, opened } => Ok(&opened_s3(settings, opened).await?.multipart),
        }
    }

    pub(crate) async fn stage(&self, name: Name, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        let operator = self.operator().await?;
        // Without the writer's own chunks: it would hold one more part in memory before it sends the first.
        let writer = operator.writer_with(name.as_str());
        let writer = match media_type {
            Some(media_type) => writer.content_type(&media_type.to_string()),
            None => writer,
        };
        let doing = format!("begin to write {name}");
        let writer = writer.await.map_err(|error| fault::of_opendal(&doing, error))?;
        let parts = self.part.map(|size| Parts {
            size,
            room: self.parts.clone(),
        });
        let staged = StagedObject::begin(operator.clone(), writer, name, parts);
        Ok(Box::new(WriteBuffer::into(staged, self.room.clone())))
    }

    pub(crate) async fn read(&self, name: &Name, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        read(self.operator().await?, name.as_str(), None, range).await
    }

    pub(crate) async fn size(&self, name: &Name) -> Result<Option<u64>, Fault> {
        size(self.operator().await?, name.as_str()).await
    }

    pub(crate) async fn delete(&self, name: &Name) -> Result<(), Fault> {
        let operator = self.operator().await?;
        // Unfinished uploads go first: if one is being completed at the same time, then either that fails, or its object is
        // removed next.
        if self.takes_parts() {
            self.in_parts().await?.abort_all(name).await?;
        }
        let deleted = operator.delete(name.as_str()).await;
        deleted.map_err(|error| fault::of_opendal(&format!("remove {name}"), error))
    }
}

async fn opened_s3<'a>(settings: &Arc<S3>, opened: &'a OnceCell<Box<Bucket>>) -> Result<&'a Bucket, Fault> {
    let open = || async {
        let settings = settings.clone();
        spawn_blocking(move || bucket::open(&settings))
            .await
            .map_err(|_| fault::of_lost_work("prepare requests to S3"))?
            .map(Box::new)
    };
    opened.get_or_try_init(open).await.map(|bucket| &**bucket)
}
