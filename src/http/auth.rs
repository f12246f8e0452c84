//! temporary
use super::problem::Problem;
use crate::model::audit::Actor;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
#[derive(Clone)]
pub struct Caller;
impl Caller {
    pub fn is_administrator(&self) -> bool {
        true
    }
}
pub struct MaybeCaller(pub Option<Caller>);
pub struct Administrator(pub Caller);
impl Administrator {
    pub fn actor(&self) -> Actor {
        Actor { user: None, request_id: None }
    }
}
impl<S: Send + Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = Problem;
    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(None))
    }
}
impl<S: Send + Sync> FromRequestParts<S> for Administrator {
    type Rejection = Problem;
    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(Caller))
    }
}
