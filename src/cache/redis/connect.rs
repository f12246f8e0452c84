//! How connections come to be, to one server or to a cluster.

use std::time::Duration;

use deadpool_redis::redis::{
    self, AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, Pipeline, RedisFuture, RedisResult,
    Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
};
use deadpool_redis::{Manager, Pool, PoolConfig, Runtime, cluster};

use super::{DedicatedConnection, RedisError, RedisOptions};

/// Longest time for opening a connection. It is none of a call's deadline: the opening goes on when its callers have given
/// up, or else a handshake that takes longer than they wait would never succeed.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that many calls use at once. Cheap to clone.
#[derive(Clone)]
pub(super) enum Wire {
    Standalone(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Standalone(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Standalone(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Standalone(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// The source of connections.
pub(super) struct Connector {
    pool: AnyPool,
    seeds: Vec<ConnectionInfo>,
    cluster: bool,
}

enum AnyPool {
    Standalone(Pool),
    Cluster(cluster::Pool),
}

impl Connector {
    pub(super) fn new(options: &RedisOptions) -> Result<Self, RedisError> {
        let refused = |error: &dyn std::fmt::Display| RedisError::Address(error.to_string());
        let client = |url: &String| Client::open(url.as_str()).map_err(|error| refused(&error));
        let seeds = options.nodes.iter().map(client).collect::<Result<Vec<_>, _>>()?;
        let seeds: Vec<_> = seeds.iter().map(|client| client.get_connection_info().clone()).collect();
        let size = PoolConfig::new(options.max_connections);
        let pool = match (seeds.as_slice(), options.cluster) {
            ([], _) => return Err(RedisError::Address("no server is named".to_owned())),
            ([server], false) => {
                let manager = Manager::new_with_config(server.clone(), config()).map_err(|error| refused(&error))?;
                let builder = Pool::builder(manager).config(size).runtime(Runtime::Tokio1);
                AnyPool::Standalone(builder.build().map_err(|error| refused(&error))?)
            }
            (_, false) => return Err(RedisError::Address("several servers that are no cluster".to_owned())),
            (nodes, true) => {
                let manager = cluster::Manager::new(nodes.to_vec(), false).map_err(|error| refused(&error))?;
                let builder = cluster::Pool::builder(manager).config(size).runtime(Runtime::Tokio1);
                AnyPool::Cluster(builder.build().map_err(|error| refused(&error))?)
            }
        };
        Ok(Self { pool, seeds, cluster: options.cluster })
    }

    /// Whether it leads to many servers, of which one may be unwell while the others answer.
    pub(super) fn is_cluster(&self) -> bool {
        self.cluster
    }

    /// A connection for all. It leaves the pool for good: a pool lends a connection to one caller at a time and asks the
    /// server each time whether it still lives, a second round trip for every call.
    pub(super) async fn open(&self) -> Result<Wire, RedisError> {
        let opening = async {
            let failed = |error: deadpool_redis::PoolError| RedisError::Connection(error.to_string());
            Ok(match &self.pool {
                AnyPool::Standalone(pool) => {
                    Wire::Standalone(deadpool_redis::Connection::take(pool.get().await.map_err(failed)?))
                }
                AnyPool::Cluster(pool) => Wire::Cluster(cluster::Connection::take(pool.get().await.map_err(failed)?)),
            })
        };
        in_time(opening).await
    }

    /// A connection to the server that owns `key`.
    pub(super) async fn dedicated(&self, key: &[u8]) -> Result<DedicatedConnection, RedisError> {
        let mut last = RedisError::Address("no server is named".to_owned());
        for seed in &self.seeds {
            match in_time(self.find_owner(seed, key)).await {
                Ok(connection) => return Ok(DedicatedConnection { connection }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Asks a node for the type of `key`; one that does not own it names its owner.
    async fn find_owner(&self, seed: &ConnectionInfo, key: &[u8]) -> Result<MultiplexedConnection, RedisError> {
        let mut connection = connect(seed).await?;
        if !self.cluster {
            return Ok(connection);
        }
        let answer: RedisResult<Value> = redis::cmd("TYPE").arg(key).query_async(&mut connection).await;
        let Err(error) = answer else { return Ok(connection) };
        let owner = error.redirect_node().and_then(|(address, _)| elsewhere(seed, address));
        connect(&owner.ok_or(error)?).await
    }
}

/// Timeouts are this client's own.
fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None)
}

async fn connect(to: &ConnectionInfo) -> Result<MultiplexedConnection, RedisError> {
    let failed = |error: redis::RedisError| RedisError::Connection(error.to_string());
    let client = Client::open(to.clone()).map_err(failed)?;
    client.get_multiplexed_async_connection_with_config(&config()).await.map_err(failed)
}

async fn in_time<T>(opening: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
    tokio::time::timeout(CONNECT_TIMEOUT, opening).await.unwrap_or(Err(RedisError::Timeout(CONNECT_TIMEOUT)))
}

/// The same way of connecting to another address, `host:port`; the host is empty where it is the one that was asked.
fn elsewhere(seed: &ConnectionInfo, address: &str) -> Option<ConnectionInfo> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let host = |same: &str| if host.is_empty() { same.to_owned() } else { host.to_owned() };
    let address = match seed.addr() {
        ConnectionAddr::Tcp(same, _) => ConnectionAddr::Tcp(host(same), port),
        ConnectionAddr::TcpTls { host: same, insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host: host(same), port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => return None,
    };
    Some(seed.clone().set_addr(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_keeps_credentials_and_may_leave_out_the_host() {
        let seed = Client::open("redis://me:secret@seed:7000").unwrap().get_connection_info().clone();
        for (address, host, port) in
            [("10.0.0.7:7001", "10.0.0.7", 7001), (":7002", "seed", 7002), ("::1:7003", "::1", 7003)]
        {
            let owner = elsewhere(&seed, address).unwrap();
            assert_eq!(*owner.addr(), ConnectionAddr::Tcp(host.to_owned(), port));
            assert_eq!(owner.redis_settings().password(), Some("secret"));
        }
        assert!(elsewhere(&seed, "nowhere").is_none());
    }
}
