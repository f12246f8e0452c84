//! COPY in its binary format.

use sqlx::postgres::PgArgumentBuffer;
use sqlx::{Encode, PgConnection, Postgres};

/// How much is sent at once.
const CHUNK: usize = 64 * 1024;

pub(super) async fn copy<T>(
    connection: &mut PgConnection,
    statement: &str,
    items: &[T],
    encode: impl Fn(&mut Rows, &T) -> sqlx::Result<()>,
) -> sqlx::Result<()> {
    let mut copy = connection.copy_in_raw(statement).await?;
    let mut rows = Rows::new();
    for item in items {
        if let Err(error) = encode(&mut rows, item) {
            copy.abort("a value cannot be encoded").await?;
            return Err(error);
        }
        if rows.buffer.len() >= CHUNK {
            copy.send(rows.buffer.as_slice()).await?;
            rows.buffer.clear();
        }
    }
    rows.end();
    copy.send(rows.buffer.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

/// Rows in the binary format of COPY (the Postgres manual, "COPY", File Formats).
pub(super) struct Rows {
    buffer: PgArgumentBuffer,
}

impl Rows {
    fn new() -> Self {
        let mut buffer = PgArgumentBuffer::default();
        buffer.reserve(2 * CHUNK);
        buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        // Neither flags nor an extension of the header.
        buffer.extend_from_slice(&[0; 8]);
        Self { buffer }
    }

    pub(super) fn begin(&mut self, columns: i16) -> &mut Self {
        self.buffer.extend_from_slice(&columns.to_be_bytes());
        self
    }

    pub(super) fn value<'q, T: Encode<'q, Postgres>>(&mut self, value: &T) -> sqlx::Result<&mut Self> {
        let at = self.buffer.len();
        // NULL, unless there is a value whose length takes its place.
        self.buffer.extend_from_slice(&(-1_i32).to_be_bytes());
        let null = value.encode_by_ref(&mut self.buffer).map_err(sqlx::Error::Encode)?;
        if !null.is_null() {
            let length = i32::try_from(self.buffer.len() - at - 4).map_err(|e| sqlx::Error::Encode(e.into()))?;
            self.buffer[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
        Ok(self)
    }

    fn end(&mut self) {
        self.buffer.extend_from_slice(&(-1_i16).to_be_bytes());
    }
}
