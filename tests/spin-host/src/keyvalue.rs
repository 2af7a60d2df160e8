//! `wasi:keyvalue` on the stores of the application.

use wasmtime::component::Resource;

use crate::bindings::wasi::keyvalue::atomics::{self, CasError, HostCas};
use crate::bindings::wasi::keyvalue::store::{self, Error, HostBucket, KeyResponse};
use crate::state::State;
use crate::stores::{Bucket, CompareAndSwap};

type HostResult<T> = wasmtime::Result<Result<T, Error>>;

impl store::Host for State {
    async fn open(&mut self, identifier: String) -> HostResult<Resource<Bucket>> {
        if !self.component.stores.contains(&identifier) {
            return Ok(Err(Error::AccessDenied));
        }
        let bucket = Bucket {
            stores: self.stores.clone(),
            name: identifier,
        };
        Ok(Ok(self.table.push(bucket)?))
    }
}

impl HostBucket for State {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> HostResult<Option<Vec<u8>>> {
        Ok(self.table.get(&bucket)?.get(&key).map_err(other))
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> HostResult<()> {
        Ok(self.table.get(&bucket)?.set(&key, &value).map_err(other))
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> HostResult<()> {
        Ok(self.table.get(&bucket)?.delete(&key).map_err(other))
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> HostResult<bool> {
        let value = self.table.get(&bucket)?.get(&key);
        Ok(value.map(|value| value.is_some()).map_err(other))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<String>,
    ) -> HostResult<KeyResponse> {
        if cursor.is_some() {
            return Ok(Err(Error::Other("list_keys: cursor not supported".into())));
        }
        let keys = self.table.get(&bucket)?.keys();
        Ok(keys.map(|keys| KeyResponse { keys, cursor: None }).map_err(other))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for State {
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: i64) -> HostResult<i64> {
        let sum = self.table.get(&bucket)?.increment(&key, delta);
        Ok(sum.map_err(other).flatten())
    }

    async fn swap(
        &mut self,
        cas: Resource<CompareAndSwap>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), CasError>> {
        let mut swap = self.table.delete(cas)?;
        match swap.bucket.swap(&swap.key, swap.seen.as_deref(), &value) {
            Ok(true) => Ok(Ok(())),
            Ok(false) => {
                swap.seen = swap.bucket.get(&swap.key).unwrap_or_default();
                Ok(Err(CasError::CasFailed(self.table.push(swap)?)))
            }
            Err(error) => Ok(Err(CasError::StoreError(other(error)))),
        }
    }
}

impl HostCas for State {
    async fn new(&mut self, bucket: Resource<Bucket>, key: String) -> HostResult<Resource<CompareAndSwap>> {
        let bucket = self.table.get(&bucket)?.clone();
        let seen = None;
        Ok(Ok(self.table.push(CompareAndSwap { bucket, key, seen })?))
    }

    async fn current(&mut self, cas: Resource<CompareAndSwap>) -> HostResult<Option<Vec<u8>>> {
        let swap = self.table.get_mut(&cas)?;
        match swap.bucket.get(&swap.key) {
            Ok(current) => {
                swap.seen.clone_from(&current);
                Ok(Ok(current))
            }
            Err(error) => Ok(Err(other(error))),
        }
    }

    async fn drop(&mut self, cas: Resource<CompareAndSwap>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

fn other(error: rusqlite::Error) -> Error {
    Error::Other(error.to_string())
}
