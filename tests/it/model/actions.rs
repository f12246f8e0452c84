//! What people do in a shop, drawn at random from small domains, so that they get in each other's way.

use std::fmt;

use proptest::option;
use proptest::prelude::*;

/// How many guests there are; the customer comes after them.
pub const GUESTS: usize = 3;

/// How many books there are.
pub const BOOKS: usize = 3;

/// How many coupons there are.
pub const COUPONS: usize = 2;

/// Where orders go: without tax, with a whole rate, and with one that has decimals.
pub const COUNTRIES: [&str; 3] = ["US", "DE", "FR"];

/// Something that somebody does, through one of the two processes.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Through which process.
    pub process: usize,
    /// What.
    pub action: Action,
}

/// What somebody does. Buyers, books, coupons and countries are numbered; an order is counted back from the newest one, and
/// from there anew where there are not so many.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Puts so many copies into the cart.
    Put { who: usize, book: usize, copies: i64 },
    /// Adds them to those in the cart.
    Add { who: usize, book: usize, copies: i64 },
    /// Takes a book out of the cart.
    Drop { who: usize, book: usize },
    /// Takes everything out of it.
    Clear { who: usize },
    /// Puts a coupon into the cart.
    PutCoupon { who: usize, coupon: usize },
    /// Takes it out.
    DropCoupon { who: usize },
    /// Orders what is in the cart, with one of a few keys, or with one of its own.
    Order { who: usize, key: Option<char>, country: usize },
    /// Pays for an order, with a card that is good or that is declined.
    Pay { order: usize, key: Option<char>, good: bool },
    /// Calls an order off.
    Cancel { order: usize },
    /// An administrator sends it.
    Ship { order: usize },
    /// An administrator learns that it arrived.
    Deliver { order: usize },
    /// An administrator sends half of the money back, or all that is left of it, and perhaps puts the books on the shelf.
    Refund { order: usize, half: bool, restock: bool },
    /// An administrator changes a price.
    Price { book: usize, cents: i64 },
    /// An administrator counts the copies on the shelf.
    Count { book: usize, copies: i64 },
    /// An administrator takes a book out of the shop, or back into it.
    Sell { book: usize, sold: bool },
    /// The customer signs in with the cart of a guest.
    SignIn { guest: usize },
    /// So much time goes by that no order waits for its payment any more.
    Wait,
    /// Everybody looks at everything.
    Look,
}

/// Somebody's name.
pub fn name(who: usize) -> String {
    if who < GUESTS { format!("guest {who}") } else { "the customer".to_owned() }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: ", ["A", "B"][self.process])?;
        let with = |key: Option<char>| key.map_or_else(|| "a new key".to_owned(), |key| format!("key {key}"));
        match self.action {
            Action::Put { who, book, copies } => write!(f, "{} puts {copies} of book {book} into the cart", name(who)),
            Action::Add { who, book, copies } => write!(f, "{} adds {copies} of book {book}", name(who)),
            Action::Drop { who, book } => write!(f, "{} drops book {book}", name(who)),
            Action::Clear { who } => write!(f, "{} clears the cart", name(who)),
            Action::PutCoupon { who, coupon } => write!(f, "{} puts coupon {coupon} into the cart", name(who)),
            Action::DropCoupon { who } => write!(f, "{} drops the coupon", name(who)),
            Action::Order { who, key, country } => {
                write!(f, "{} orders to {} with {}", name(who), COUNTRIES[country], with(key))
            }
            Action::Pay { order, key, good } => {
                write!(f, "order {order} is paid with a {} card and {}", if good { "good" } else { "bad" }, with(key))
            }
            Action::Cancel { order } => write!(f, "order {order} is cancelled"),
            Action::Ship { order } => write!(f, "order {order} is shipped"),
            Action::Deliver { order } => write!(f, "order {order} is delivered"),
            Action::Refund { order, half, restock } => {
                let amount = if half { "half" } else { "the rest" };
                write!(
                    f,
                    "{amount} of order {order} is refunded{}",
                    if restock { ", and its books came back" } else { "" }
                )
            }
            Action::Price { book, cents } => write!(f, "book {book} costs {cents} from now on"),
            Action::Count { book, copies } => write!(f, "{copies} copies of book {book} are counted"),
            Action::Sell { book, sold: true } => write!(f, "book {book} is sold again"),
            Action::Sell { book, sold: false } => write!(f, "book {book} is retired"),
            Action::SignIn { guest } => write!(f, "the customer signs in with the cart of guest {guest}"),
            Action::Wait => f.write_str("time goes by until orders expire"),
            Action::Look => f.write_str("everybody looks"),
        }
    }
}

/// A sequence of steps. Shrinking leaves steps out first, and then makes numbers smaller.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = |action| (0..2_usize, action).prop_map(|(process, action)| Step { process, action });
    let one = step(action().boxed()).prop_map(|step| vec![step]);
    let several = prop_oneof![3 => one, 1 => purchase()];
    proptest::collection::vec(several, 1..40).prop_map(|steps| steps.concat())
}

/// What leads to most orders; single steps do so too seldom.
fn purchase() -> impl Strategy<Value = Vec<Step>> {
    let what = (0..BOOKS, 1..=2_i64, option::weighted(0.6, 0..COUPONS));
    let how = (option::weighted(0.4, Just('k')), country(), option::weighted(0.7, any::<bool>()));
    (0..2_usize, who(), what, how).prop_map(|(process, who, (book, copies, coupon), (key, country, paid))| {
        let coupon = coupon.map(|coupon| Action::PutCoupon { who, coupon });
        let pay = paid.map(|good| Action::Pay { order: 0, key: None, good });
        let put = [Action::Put { who, book, copies }];
        let actions = put.into_iter().chain(coupon).chain([Action::Order { who, key, country }]).chain(pay);
        actions.map(|action| Step { process, action }).collect()
    })
}

fn country() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![3 => Just(0), 1 => 1..COUNTRIES.len()]
}

/// Some come far more often than others: so they come back to what they did before.
fn who() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![4 => Just(0), 3 => Just(GUESTS), 2 => 1..GUESTS]
}

fn action() -> impl Strategy<Value = Action> {
    let (book, order, copies) = (0..BOOKS, 0..5_usize, 1..=3_i64);
    let key = || option::weighted(0.5, Just('k'));
    prop_oneof![
        5 => (who(), book.clone(), copies.clone()).prop_map(|(who, book, copies)| Action::Put { who, book, copies }),
        2 => (who(), book.clone(), copies).prop_map(|(who, book, copies)| Action::Add { who, book, copies }),
        1 => (who(), book.clone()).prop_map(|(who, book)| Action::Drop { who, book }),
        1 => who().prop_map(|who| Action::Clear { who }),
        2 => (who(), 0..COUPONS).prop_map(|(who, coupon)| Action::PutCoupon { who, coupon }),
        1 => who().prop_map(|who| Action::DropCoupon { who }),
        4 => (who(), key(), country()).prop_map(|(who, key, country)| Action::Order { who, key, country }),
        4 => (order.clone(), key(), prop::bool::weighted(0.75))
            .prop_map(|(order, key, good)| Action::Pay { order, key, good }),
        2 => order.clone().prop_map(|order| Action::Cancel { order }),
        3 => order.clone().prop_map(|order| Action::Ship { order }),
        1 => order.clone().prop_map(|order| Action::Deliver { order }),
        2 => (order, any::<bool>(), any::<bool>())
            .prop_map(|(order, half, restock)| Action::Refund { order, half, restock }),
        2 => (book.clone(), 100..6_000_i64).prop_map(|(book, cents)| Action::Price { book, cents }),
        3 => (book.clone(), prop_oneof![0..=6_i64, 3..=6_i64]).prop_map(|(book, copies)| Action::Count { book, copies }),
        2 => (book, prop::bool::weighted(0.7)).prop_map(|(book, sold)| Action::Sell { book, sold }),
        1 => (0..GUESTS).prop_map(|guest| Action::SignIn { guest }),
        1 => Just(Action::Wait),
        2 => Just(Action::Look),
    ]
}
