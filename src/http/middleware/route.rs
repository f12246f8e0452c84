//! Notes which route a request took, for whoever is around the router.

use std::task::{Context, Poll};

use axum::extract::{MatchedPath, Request};
use tower::Service;

use super::context::RequestContext;

/// A route that notes itself in the request's context.
#[derive(Debug, Clone)]
pub(in crate::http) struct NoteRoute<S>(pub(in crate::http) S);

impl<S: Service<Request>> Service<Request> for NoteRoute<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, request: Request) -> S::Future {
        let extensions = request.extensions();
        if let (Some(context), Some(route)) = (extensions.get::<RequestContext>(), extensions.get::<MatchedPath>()) {
            context.set_route(route.clone());
        }
        self.0.call(request)
    }
}
