//! Everything that the shop has about a person (GDPR, articles 15 and 20).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{UserError, Users};
use crate::model::audit::AuditRecord;
use crate::model::cart::{Buyer, Cart, CartLine};
use crate::model::identity::User;
use crate::model::review::{Review, ReviewReport, ReviewVote};

/// What the shop has about one person.
#[derive(Debug)]
pub struct Export {
    /// When it was collected.
    pub exported_at: OffsetDateTime,
    /// The parts by name: one per resource that keeps something about people.
    pub sections: BTreeMap<&'static str, Value>,
}

impl Users {
    /// Everything about a person. A resource that begins to keep something about people adds its line.
    ///
    /// # Errors
    /// [`UserError`].
    pub async fn export(&self, user: &User) -> Result<Export, UserError> {
        let id = user.id;
        let sections = BTreeMap::from([
            ("profile", section(user)?),
            ("carts", self.store.cart(Buyer::User(id).cart(), self.clock.now()).await?.iter().map(cart).collect()),
            ("tastes", section(&self.store.tastes_of(id).await?)?),
            ("sessions", section(&self.store.sessions_of(id).await?)?),
            ("orders", section(&self.store.orders_of(id, None, i64::MAX).await?)?),
            ("reviews", self.store.reviews_by(id, None, i64::MAX).await?.iter().map(review).collect()),
            ("review_votes", self.store.review_votes_of(id).await?.iter().map(vote).collect()),
            ("review_reports", self.store.review_reports_of(id).await?.iter().map(report).collect()),
            ("favourites", section(&self.store.all_favourites_of(id).await?)?),
            ("admin_actions", self.store.audit_records_of(id).await?.iter().map(admin_action).collect()),
        ]);
        Ok(Export { exported_at: self.clock.now(), sections })
    }
}

fn section(data: &impl Serialize) -> Result<Value, UserError> {
    serde_json::to_value(data).map_err(|error| UserError::Export(error.to_string()))
}

fn at(time: OffsetDateTime) -> Option<String> {
    time.format(&time::format_description::well_known::Rfc3339).ok()
}

fn review(review: &Review) -> Value {
    let content = &review.content;
    json!({
        "id": review.id,
        "product_id": review.product,
        "rating": content.rating,
        "title": content.title,
        "text": content.text,
        "language": content.language,
        "verified_purchase": review.verified,
        "hidden": review.hidden,
        "hidden_reason": review.hidden_reason,
        "created_at": at(review.created_at),
        "updated_at": at(review.updated_at),
    })
}

fn vote(vote: &ReviewVote) -> Value {
    json!({ "review_id": vote.review, "helpful": vote.helpful, "voted_at": at(vote.voted_at) })
}

fn report(report: &ReviewReport) -> Value {
    json!({
        "review_id": report.review,
        "reason": report.reason,
        "note": report.note,
        "reported_at": at(report.reported_at),
        "settled_at": report.settled_at.and_then(at),
    })
}

fn cart(cart: &Cart) -> Value {
    let item = |line: &CartLine| {
        json!({
            "product_id": line.product,
            "title": line.title,
            "quantity": line.quantity,
            "added_price": line.added_price,
            "added_at": at(line.added_at),
        })
    };
    json!({
        "updated_at": at(cart.updated_at),
        "expires_at": at(cart.expires_at),
        "coupon": cart.coupon.as_ref().map(|coupon| &coupon.code),
        "items": cart.lines.iter().map(item).collect::<Value>(),
    })
}

fn admin_action(record: &AuditRecord) -> Value {
    json!({
        "id": record.id,
        "occurred_at": at(record.occurred_at),
        "action": record.action,
        "resource": record.resource,
        "resource_id": record.resource_id,
        "details": record.details,
        "request_id": record.actor.request_id,
    })
}
