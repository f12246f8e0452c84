//! Many books at once.

use std::collections::HashMap;

use futures::future::BoxFuture;

use super::{ProductError, Products, detail_key, visible};
use crate::domain::violation::Violation;
use crate::model::answer::Answer;
use crate::model::ids::ProductId;
use crate::model::product::Product;
use crate::model::tags::Tag;
use crate::store::{Key, Rendered, Store};

/// The most books of one request.
pub const MAX_BATCH: usize = 100;

impl Products {
    /// These books, in this order; nothing in the place of those that do not exist or that the asker may not see. One round
    /// trip to Redis for all that this process lacks, and one statement for all that Redis lacks.
    ///
    /// # Errors
    /// [`ProductError::Invalid`] where there are none or more than [`MAX_BATCH`], or the database's.
    pub async fn get_many(&self, ids: &[ProductId], sees_drafts: bool) -> Result<Vec<Option<Answer>>, ProductError> {
        if ids.is_empty() || ids.len() > MAX_BATCH {
            let why = format!("must be given between 1 and {MAX_BATCH} times");
            return Err(ProductError::Invalid(vec![Violation::new("/id", why)]));
        }
        let wanted: Vec<(Key, Vec<Tag>)> = ids.iter().map(|id| (detail_key(*id), vec![Tag::book(*id)])).collect();
        let answers = self.store.cached_many(&wanted, self.details(ids)).await?;
        Ok(answers.into_iter().map(|answer| visible(answer, sees_drafts).ok()).collect())
    }

    fn details(
        &self,
        ids: &[ProductId],
    ) -> impl Fn(Store, Vec<usize>) -> BoxFuture<'static, Result<Vec<Rendered>, ProductError>> {
        let render = self.pages.detail;
        let ids = ids.to_vec();
        move |store, places| {
            let wanted: Vec<ProductId> = places.iter().filter_map(|place| ids.get(*place)).copied().collect();
            Box::pin(async move {
                let found = store.products(&wanted).await?;
                let mut found: HashMap<ProductId, Product> =
                    found.into_iter().map(|product| (product.id, product)).collect();
                let rendered = wanted.iter().map(|id| match found.remove(id) {
                    Some(product) => Ok(Rendered::found(render(product)?)),
                    None => Ok(Rendered::absent()),
                });
                rendered.collect()
            })
        }
    }
}
