//! What an event makes out of date: the table of the shop's promises, in one match.

use crate::model::events::DomainEvent;
use crate::model::rating::RatingMove;
use crate::model::tags::Tag;

/// The tags of what an event makes out of date.
///
/// Which books there are concerns every list, since each could show them. What a list shows of a book it depends on by that
/// book's tag, and where its order or its choice follows ratings or stock, by tags of those: so a review or a sale concerns
/// only the lists that would be other ones. A session holds its user's role.
#[must_use]
pub fn tags(event: &DomainEvent) -> Vec<Tag> {
    use DomainEvent as E;
    match event {
        E::ProductCreated { product } => {
            vec![Tag::book(*product), Tag::book_lists(), Tag::isbns(), Tag::genres()]
        }
        // A book that becomes a draft, or is none any more, takes its reviews along.
        E::ProductChanged { product } | E::ProductRetired { product } => {
            vec![Tag::book(*product), Tag::reviews_of(*product), Tag::book_lists(), Tag::isbns(), Tag::genres()]
        }
        E::ProductsImported { created, changed } => {
            let books = created.iter().chain(changed).map(|product| Tag::book(*product));
            let reviews = changed.iter().map(|product| Tag::reviews_of(*product));
            books.chain(reviews).chain([Tag::book_lists(), Tag::isbns(), Tag::genres()]).collect()
        }
        E::CatalogueSeeded { .. } | E::ReadersSeeded { .. } => vec![Tag::all()],
        E::ReviewCreated { review, moved }
        | E::ReviewChanged { review, moved, .. }
        | E::ReviewRemoved { review, moved }
        | E::ReviewRestored { review, moved } => {
            let of_book = [Tag::book(review.product), Tag::reviews_of(review.product)];
            of_book.into_iter().chain(lists_of(moved)).chain(review.user.map(Tag::stats_of)).collect()
        }
        // Neither the book nor its lists tell how helpful its reviews are.
        E::ReviewVoted { product, .. } => vec![Tag::reviews_of(*product)],
        E::VotesWithdrawn { products } | E::ReviewsVerified { products } => {
            products.iter().map(|product| Tag::reviews_of(*product)).collect()
        }
        E::FavouriteAdded { user, .. } | E::FavouriteRemoved { user, .. } => {
            vec![Tag::stats_of(*user), Tag::recommendations_to(*user)]
        }
        E::UserRegistered { user } | E::UserChanged { user } => vec![Tag::user(*user), Tag::stats_of(*user)],
        E::UserDeleted { user } => vec![Tag::user(*user), Tag::stats_of(*user), Tag::recommendations_to(*user)],
        E::StockChanged { levels } => levels.iter().map(|level| Tag::stock(level.product)).collect(),
        // Lists and details show no number of copies: a sale that leaves the class as it is leaves them as they are.
        E::AvailabilityChanged { products } => {
            products.iter().map(|product| Tag::book(*product)).chain([Tag::availability()]).collect()
        }
        E::CartChanged { cart } => vec![Tag::cart(*cart)],
        E::CartsExpired { carts } => carts.iter().map(|cart| Tag::cart(*cart)).collect(),
        E::CouponChanged { code } => vec![Tag::coupon(code)],
        // Whoever ordered a book is not recommended it.
        E::OrderPlaced { order, user } | E::OrderMoved { order, user, .. } => {
            let of_user = user.map(|user| [Tag::orders_of(user), Tag::stats_of(user), Tag::recommendations_to(user)]);
            [Tag::order(*order)].into_iter().chain(of_user.into_iter().flatten()).collect()
        }
        E::PaymentChanged { order, user, .. } | E::OrderRefunded { order, user, .. } => {
            [Tag::order(*order)].into_iter().chain(user.map(Tag::orders_of)).collect()
        }
        E::LeaderboardsMoved { boards } => boards.iter().map(|board| Tag::leaderboard(*board)).collect(),
        E::TastesChanged { users } => users.iter().map(|user| Tag::recommendations_to(*user)).collect(),
        E::TastesRecounted => vec![Tag::all_recommendations()],
        E::NeighboursChanged { products } => products.iter().map(|product| Tag::neighbours_of(*product)).collect(),
        // What is shown of books does not tell how often they are looked at.
        E::SessionStarted { .. } | E::ViewsCounted { .. } | E::EndpointChanged { .. } => Vec::new(),
        E::SessionExtended { session, .. } => vec![Tag::session(*session)],
        E::SessionsEnded { sessions, .. } | E::SessionsExpired { sessions } => {
            sessions.iter().map(|session| Tag::session(*session)).collect()
        }
        E::CacheCleared { tags } => tags.clone(),
    }
}

/// What the lists that are sorted by ratings or choose by them depend on, as far as this book concerns them.
fn lists_of(moved: &RatingMove) -> Vec<Tag> {
    if moved.is_none() {
        return Vec::new();
    }
    let steps = moved.score_steps().map(Tag::rating_step);
    steps.chain(moved.thresholds().map(Tag::rating_threshold)).chain([Tag::ratings()]).collect()
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
    use crate::model::ids::{CartId, EndpointId, OrderId, PaymentId, ProductId, RefundId, ReviewId, SessionId, UserId};
    use crate::model::leaderboard::Board;
    use crate::model::money::Money;
    use crate::model::order::OrderState;
    use crate::model::rating::Standing;
    use crate::model::review::ReviewFacts;
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
        let catalogue = |books: &[ProductId], changed: &[ProductId]| {
            let mut all: Vec<String> = books.iter().map(|book| format!("book:{book}")).collect();
            all.extend(changed.iter().map(|book| format!("book:reviews:{book}")));
            all.extend(["books:isbn", "books:list", "genres"].map(str::to_owned));
            all.sort();
            all
        };
        assert_eq!(texts(DomainEvent::ProductCreated { product: book }), catalogue(&[book], &[]));
        for event in [DomainEvent::ProductChanged { product: book }, DomainEvent::ProductRetired { product: book }] {
            assert_eq!(texts(event), catalogue(&[book], &[book]));
        }
        let imported = DomainEvent::ProductsImported { created: vec![book], changed: vec![other] };
        assert_eq!(texts(imported), catalogue(&[book, other], &[other]));
        assert_eq!(texts(DomainEvent::CatalogueSeeded { books: 3 }), ["*"]);
        assert_eq!(texts(DomainEvent::ReadersSeeded { people: 1, orders: 2, reviews: 3 }), ["*"]);
        for event in [DomainEvent::UserRegistered { user }, DomainEvent::UserChanged { user }] {
            assert_eq!(texts(event), [format!("user:{user}"), format!("user:stats:{user}")]);
        }
        let all_of_user = ["", "recommendations:", "stats:"].map(|part| format!("user:{part}{user}"));
        let mut gone = texts(DomainEvent::UserDeleted { user });
        gone.sort_by_key(|text| text.len());
        assert_eq!(gone, [all_of_user[0].clone(), all_of_user[2].clone(), all_of_user[1].clone()]);
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
            [format!("book:{book}"), "books:available".to_owned()],
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
        let (orders, stats) = (format!("user:{user}:orders"), format!("user:stats:{user}"));
        let recommendations = format!("user:recommendations:{user}");
        for (event, owned) in of_an_order(Some(user)).into_iter().zip([true, true, false, false]) {
            let mut expected = vec![format!("order:{order}"), orders.clone()];
            expected.extend(owned.then(|| [stats.clone(), recommendations.clone()]).into_iter().flatten());
            assert_eq!(texts(event), expected);
        }
        for event in of_an_order(None) {
            assert_eq!(texts(event), [format!("order:{order}")]);
        }
        assert!(texts(DomainEvent::EndpointChanged { endpoint: EndpointId::generate() }).is_empty());
    }

    #[test]
    fn what_readers_do_makes_out_of_date_what_the_table_says_and_no_more() {
        let (product, user) = (ProductId::generate(), UserId::generate());
        let texts = |event| tags(&event).iter().map(Tag::to_string).collect::<Vec<_>>();
        let created_at = time::OffsetDateTime::UNIX_EPOCH;
        let review = ReviewFacts { review: ReviewId::generate(), product, user: Some(user), rating: 5, created_at };
        let moved = RatingMove { before: Standing::of(3.91, 60), after: Standing::of(3.95, 61) };
        let all = [
            format!("book:{product}"),
            format!("book:reviews:{product}"),
            "books:rated:score:38".to_owned(),
            "books:rated".to_owned(),
            format!("user:stats:{user}"),
        ];
        for event in [
            DomainEvent::ReviewCreated { review, moved },
            DomainEvent::ReviewChanged { review, was: 4, moved },
            DomainEvent::ReviewRemoved { review, moved },
            DomainEvent::ReviewRestored { review, moved },
        ] {
            assert_eq!(texts(event), all);
        }
        let crossing = RatingMove { after: Standing::of(4.01, 61), ..moved };
        let told = texts(DomainEvent::ReviewCreated { review, moved: crossing });
        assert!(told.contains(&"books:rated:from:40".to_owned()) && !told.contains(&"books:rated:from:45".to_owned()));
        // Another text under the same stars moves no list; without an account there are no statistics.
        let moved = RatingMove { after: moved.before, ..moved };
        let anonymous = ReviewFacts { user: None, ..review };
        assert_eq!(texts(DomainEvent::ReviewChanged { review: anonymous, was: 5, moved }), all[..2]);
        assert_eq!(texts(DomainEvent::ReviewVoted { review: review.review, product }), all[1..2]);
        assert_eq!(texts(DomainEvent::ReviewsVerified { products: vec![product] }), all[1..2]);
        assert_eq!(texts(DomainEvent::VotesWithdrawn { products: vec![product] }), all[1..2]);
        for event in [DomainEvent::FavouriteAdded { user, product }, DomainEvent::FavouriteRemoved { user, product }] {
            assert_eq!(texts(event), [format!("user:stats:{user}"), format!("user:recommendations:{user}")]);
        }
        let boards = vec![Board::TopRated, Board::MostReviewed];
        let moved = texts(DomainEvent::LeaderboardsMoved { boards });
        assert_eq!(moved, ["leaderboard:top_rated", "leaderboard:most_reviewed"]);
        assert_eq!(
            texts(DomainEvent::NeighboursChanged { products: vec![product] }),
            [format!("book:neighbours:{product}")]
        );
        let changed = texts(DomainEvent::TastesChanged { users: vec![user] });
        assert_eq!(changed, [format!("user:recommendations:{user}")]);
        assert_eq!(texts(DomainEvent::TastesRecounted), ["user:recommendations:*"]);
    }

    #[test]
    fn a_transaction_names_each_tag_once() {
        let event = DomainEvent::ProductChanged { product: ProductId::generate() };
        assert_eq!(tags_of(Events::from(event.clone()).and(event).iter()).len(), 5);
    }
}
