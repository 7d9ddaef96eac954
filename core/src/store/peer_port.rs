//! The port that our peer server was given once. It is kept, so that a rule made for it in a firewall goes on working.

use redb::TableDefinition;

use crate::store::Store;

const PORTS: TableDefinition<'_, &str, u16> = TableDefinition::new("ports");
const PEER_SERVER: &str = "peer-server";

impl Store {
    /// The port of earlier runs; `None` if there was none.
    pub fn peer_port(&self) -> Result<Option<u16>, redb::Error> {
        let table = match self.begin_read()?.open_table(PORTS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            other => other?,
        };
        Ok(redb::ReadableTable::get(&table, PEER_SERVER)?.map(|port| port.value()))
    }

    /// Keeps the port for later runs, durably when this returns.
    pub fn set_peer_port(&self, port: u16) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        write.open_table(PORTS)?.insert(PEER_SERVER, port)?;
        Ok(write.commit()?)
    }
}
