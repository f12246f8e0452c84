//! Outgoing webhooks, for administrators.

mod deliveries;
mod documents;
mod endpoints;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::problem::{FieldError, Kind, Problem};
use super::state::AppState;
use crate::domain::webhooks::WebhookError;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::read, endpoints::patch, endpoints::remove))
        .routes(routes!(endpoints::rotate_secret))
        .routes(routes!(endpoints::test))
        .routes(routes!(endpoints::replay))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::read))
        .routes(routes!(deliveries::replay))
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NoEndpoint => Self::not_found("There is no such endpoint."),
            WebhookError::NoDelivery => Self::not_found("There is no such delivery."),
            WebhookError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            WebhookError::TooMany { limit } => Self::conflict(format!(
                "There are {limit} endpoints; remove one first, or raise webhooks.max_endpoints."
            )),
            WebhookError::Disabled => Self::conflict("The endpoint is disabled; enable it first."),
            WebhookError::Changed { current } => Self::new(Kind::PreconditionFailed)
                .detail(format!("The endpoint is at version {current} by now; read it again.")),
            WebhookError::Random(_) | WebhookError::Payload(_) => Self::internal(&error),
            WebhookError::Store(error) => error.into(),
        }
    }
}
