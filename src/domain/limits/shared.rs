//! The buckets that all processes share.

use super::gcra::Gcra;
use crate::store::Store;
use crate::store::limits::{Bucket, Demand, Drawn};

/// A way to them, if there is one.
#[derive(Clone)]
pub(in crate::domain) struct Shared(pub(super) Option<Store>);

impl Shared {
    /// Takes cells out of a bucket; nothing where that cannot be done, or not in time.
    pub(in crate::domain) async fn draw(
        &self,
        policy: &'static str,
        subject: &str,
        gcra: Gcra,
        demand: Demand,
    ) -> Option<Drawn> {
        let Gcra { interval, burst } = gcra;
        let drawn = self.0.as_ref()?.draw(Bucket { policy, subject, interval, burst }, demand).await;
        drawn.inspect_err(|error| tracing::debug!(%error, policy, "a limit is not shared for now")).ok()
    }
}
