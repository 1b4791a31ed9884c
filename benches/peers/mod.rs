//! What the benchmark of peers is made of: the servers, the load, and the tables.

pub mod bare;
pub mod bulk;
pub mod ground;
pub mod plan;
pub mod process;
pub mod reads;
pub mod rush;
pub mod server;
pub mod shape;
pub mod slow;
pub mod table;
