//! Which request a task works on, so that what is logged meanwhile carries the request's id, whether it is traced or not.

use std::{fmt, sync::Arc};

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// A request, as far as the log is concerned.
pub trait Request: Send + Sync {
    /// Its id: letters, digits and `-_.:`.
    fn id(&self) -> &str;
}

tokio::task_local! {
    static CURRENT: Arc<dyn Request>;
}

/// Does `work` in the name of a request.
pub fn scope<F: Future>(request: Arc<dyn Request>, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(request, work)
}

/// Adds `request_id` to the JSON that another format writes.
pub(super) struct WithRequestId<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for WithRequestId<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Ok(request) = CURRENT.try_with(Arc::clone) else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        match line.trim_end().strip_suffix('}') {
            Some(open) => writeln!(writer, "{open},\"request_id\":\"{}\"}}", request.id()),
            None => writer.write_str(&line),
        }
    }
}
