//! What an event makes out of date: the table of the shop's promises, in one match.

use crate::model::events::DomainEvent;
use crate::model::tags::Tag;

/// The tags of what an event makes out of date.
///
/// A listing depends on every book that it shows and on every book that it could show, so each change of the catalogue
/// concerns all of them. A session holds its user's role.
#[must_use]
pub fn tags(event: &DomainEvent) -> Vec<Tag> {
    use DomainEvent as E;
    match event {
        E::ProductCreated { product } | E::ProductChanged { product } | E::ProductRetired { product } => {
            vec![Tag::book(*product), Tag::book_lists(), Tag::isbns(), Tag::genres()]
        }
        E::ProductsImported { created, changed } => {
            let books = created.iter().chain(changed).map(|product| Tag::book(*product));
            books.chain([Tag::book_lists(), Tag::isbns(), Tag::genres()]).collect()
        }
        E::CatalogueSeeded { .. } => vec![Tag::all()],
        E::UserRegistered { user } | E::UserChanged { user } | E::UserDeleted { user } => vec![Tag::user(*user)],
        E::StockChanged { levels } => levels.iter().map(|level| Tag::stock(level.product)).collect(),
        // Lists and details show no number of copies: a sale that leaves the class as it is leaves them as they are.
        E::AvailabilityChanged { products } => {
            products.iter().map(|product| Tag::book(*product)).chain([Tag::book_lists()]).collect()
        }
        E::CartChanged { cart } => vec![Tag::cart(*cart)],
        E::CartsExpired { carts } => carts.iter().map(|cart| Tag::cart(*cart)).collect(),
        E::CouponChanged { code } => vec![Tag::coupon(code)],
        E::OrderPlaced { order, user }
        | E::OrderMoved { order, user, .. }
        | E::PaymentChanged { order, user, .. }
        | E::OrderRefunded { order, user, .. } => {
            let of_user = user.map(Tag::orders_of);
            [Tag::order(*order)].into_iter().chain(of_user).collect()
        }
        // What is shown of books does not tell how often they are looked at.
        E::SessionStarted { .. } | E::ViewsCounted { .. } | E::EndpointChanged { .. } => Vec::new(),
        E::SessionExtended { session, .. } => vec![Tag::session(*session)],
        E::SessionsEnded { sessions, .. } | E::SessionsExpired { sessions } => {
            sessions.iter().map(|session| Tag::session(*session)).collect()
        }
        E::CacheCleared { tags } => tags.clone(),
    }
}

/// The tags of all these events, each once.
#[must_use]
pub fn tags_of<'a>(events: impl IntoIterator<Item = &'a DomainEvent>) -> Vec<Tag> {
    let mut all: Vec<Tag> = events.into_iter().flat_map(tags).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::events::Events;
    use crate::model::ids::{CartId, EndpointId, OrderId, PaymentId, ProductId, RefundId, SessionId, UserId};
    use crate::model::money::Money;
    use crate::model::order::OrderState;
    use crate::model::stock::StockLevel;

    #[test]
    fn each_event_makes_out_of_date_what_the_table_says_and_no_more() {
        let (book, other) = (ProductId::generate(), ProductId::generate());
        let (user, session) = (UserId::generate(), SessionId::generate());
        let texts = |event| {
            let mut texts: Vec<String> = tags(&event).iter().map(Tag::to_string).collect();
            texts.sort();
            texts
        };
        let catalogue = |books: &[ProductId]| {
            let mut all: Vec<String> = books.iter().map(|book| format!("book:{book}")).collect();
            all.extend(["books:isbn", "books:list", "genres"].map(str::to_owned));
            all.sort();
            all
        };
        for event in [
            DomainEvent::ProductCreated { product: book },
            DomainEvent::ProductChanged { product: book },
            DomainEvent::ProductRetired { product: book },
        ] {
            assert_eq!(texts(event), catalogue(&[book]));
        }
        let imported = DomainEvent::ProductsImported { created: vec![book], changed: vec![other] };
        assert_eq!(texts(imported), catalogue(&[book, other]));
        assert_eq!(texts(DomainEvent::CatalogueSeeded { books: 3 }), ["*"]);
        for event in
            [DomainEvent::UserRegistered { user }, DomainEvent::UserChanged { user }, DomainEvent::UserDeleted { user }]
        {
            assert_eq!(texts(event), [format!("user:{user}")]);
        }
        assert!(texts(DomainEvent::SessionStarted { user, session }).is_empty());
        assert!(texts(DomainEvent::ViewsCounted { books: 1, views: 2 }).is_empty());
        for event in [
            DomainEvent::SessionExtended { user, session },
            DomainEvent::SessionsEnded { user, sessions: vec![session] },
            DomainEvent::SessionsExpired { sessions: vec![session] },
        ] {
            assert_eq!(texts(event), [format!("session:{session}")]);
        }
        assert_eq!(texts(DomainEvent::CacheCleared { tags: vec![Tag::genres()] }), ["genres"]);
    }

    #[test]
    fn a_sale_makes_out_of_date_what_the_table_says_and_no_more() {
        let (book, cart, order, user) =
            (ProductId::generate(), CartId::generate(), OrderId::generate(), UserId::generate());
        let texts = |event| tags(&event).iter().map(Tag::to_string).collect::<Vec<_>>();
        let level = StockLevel { product: book, version: 2, on_hand: 3, reserved: 1 };
        assert_eq!(texts(DomainEvent::StockChanged { levels: vec![level] }), [format!("stock:{book}")]);
        assert_eq!(
            texts(DomainEvent::AvailabilityChanged { products: vec![book] }),
            [format!("book:{book}"), "books:list".to_owned()],
        );
        for event in [DomainEvent::CartChanged { cart }, DomainEvent::CartsExpired { carts: vec![cart] }] {
            assert_eq!(texts(event), [format!("cart:{cart}")]);
        }
        assert_eq!(texts(DomainEvent::CouponChanged { code: "SPRING".to_owned() }), ["coupon:SPRING"]);
        let amount = Money { amount: 1, currency: "USD".parse().unwrap() };
        let (payment, refund) = (PaymentId::generate(), RefundId::generate());
        let of_an_order = |user| {
            [
                DomainEvent::OrderPlaced { order, user },
                DomainEvent::OrderMoved { order, user, from: OrderState::Pending, to: OrderState::Paid },
                DomainEvent::PaymentChanged { payment, order, user },
                DomainEvent::OrderRefunded { order, user, refund, amount },
            ]
        };
        for event in of_an_order(Some(user)) {
            assert_eq!(texts(event), [format!("order:{order}"), format!("user:{user}:orders")]);
        }
        for event in of_an_order(None) {
            assert_eq!(texts(event), [format!("order:{order}")]);
        }
        assert!(texts(DomainEvent::EndpointChanged { endpoint: EndpointId::generate() }).is_empty());
    }

    #[test]
    fn a_transaction_names_each_tag_once() {
        let event = DomainEvent::ProductChanged { product: ProductId::generate() };
        assert_eq!(tags_of(Events::from(event.clone()).and(event).iter()).len(), 4);
    }
}
