//! The rules of the shop, once more and as simply as can be: what each step is answered with, and what can be seen then.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::actions::{Action, BOOKS, GUESTS};
use super::prices::{Amounts, amounts};

/// What a book costs in the beginning, in cents.
pub const PRICES: [i64; BOOKS] = [999, 1_250, 2_500];

/// How many copies of it there are.
pub const COPIES: [i64; BOOKS] = [4, 2, 6];

/// The most copies of a book in a cart.
const MOST: i64 = 20;

/// Tax by country, in basis points.
const TAXES: [i64; 3] = [0, 700, 550];

struct Book {
    cents: i64,
    sold: bool,
    on_hand: i64,
    reserved: i64,
}

impl Book {
    fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    fn buyable(&self) -> bool {
        self.sold && self.available() > 0
    }
}

#[derive(Default)]
struct Cart {
    lines: BTreeMap<usize, i64>,
    coupon: Option<usize>,
}

struct Order {
    who: usize,
    state: &'static str,
    lines: BTreeMap<usize, i64>,
    amounts: Amounts,
    coupon: Option<usize>,
    /// Whether it counts as a use of the coupon.
    uses_coupon: bool,
    paid: bool,
    refunded: i64,
}

/// The shop, as it has to be.
pub struct Rules {
    books: Vec<Book>,
    /// How often each coupon is used.
    uses: [i64; 2],
    carts: Vec<Cart>,
    orders: Vec<Order>,
    /// By buyer and key: what was ordered, to which country.
    order_keys: HashMap<(usize, char), usize>,
    /// The same for payments: for which order, with which card.
    pay_keys: HashMap<(usize, char), (usize, bool)>,
}

/// What a state allows.
fn moves(state: &str) -> &'static [&'static str] {
    match state {
        "pending" => &["pay", "cancel", "expire"],
        "paid" => &["cancel", "ship", "refund"],
        "shipped" => &["deliver", "refund"],
        "delivered" => &["refund"],
        _ => &[],
    }
}

impl Rules {
    pub fn new() -> Self {
        let book = |number: usize| Book { cents: PRICES[number], sold: true, on_hand: COPIES[number], reserved: 0 };
        Self {
            books: (0..BOOKS).map(book).collect(),
            uses: [0; 2],
            carts: (0..=GUESTS).map(|_| Cart::default()).collect(),
            orders: Vec::new(),
            order_keys: HashMap::new(),
            pay_keys: HashMap::new(),
        }
    }

    /// How many orders there are.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Whose an order is.
    pub fn owner(&self, order: usize) -> usize {
        self.orders[order].who
    }

    /// The orders that wait to be paid for.
    pub fn pending(&self) -> Vec<usize> {
        (0..self.orders.len()).filter(|order| self.orders[*order].state == "pending").collect()
    }

    /// What half of an order is, in cents.
    pub fn half(&self, order: usize) -> i64 {
        self.orders[order].amounts.total / 2
    }

    fn price(&self, lines: &BTreeMap<usize, i64>, coupon: Option<usize>, tax: i64) -> Amounts {
        let lines: Vec<i64> = lines.iter().map(|(book, copies)| self.books[*book].cents * copies).collect();
        amounts(&lines, coupon, tax)
    }

    fn used_by(&self, who: usize, coupon: usize) -> bool {
        self.orders.iter().any(|order| order.who == who && order.coupon == Some(coupon) && order.uses_coupon)
    }

    /// Why a coupon does not count.
    fn refusal(&self, coupon: usize, subtotal: i64, used_before: bool) -> Option<&'static str> {
        if self.uses[coupon] >= [2, 3][coupon] {
            Some("coupon_used_up")
        } else if coupon == 1 && used_before {
            Some("coupon_used_up_by_you")
        } else if coupon == 1 && subtotal < 1_500 {
            Some("basket_too_small")
        } else {
            None
        }
    }

    /// Does it, and says what the answer is: its status, and for refusals what `errors[0].code` has to be where it matters.
    pub fn apply(&mut self, action: Action) -> (u16, Option<&'static str>) {
        match action {
            Action::Put { who, book, copies } => (self.put(who, book, copies), None),
            Action::Add { who, book, copies } => {
                let before = self.carts[who].lines.get(&book).copied().unwrap_or(0);
                (self.put(who, book, before + copies), None)
            }
            Action::Drop { who, book } => (if self.carts[who].lines.remove(&book).is_some() { 200 } else { 404 }, None),
            Action::Clear { who } => {
                self.carts[who] = Cart::default();
                (200, None)
            }
            Action::PutCoupon { who, coupon } => match self.refusal(coupon, i64::MAX, false) {
                Some(refusal) => (409, Some(refusal)),
                None => {
                    self.carts[who].coupon = Some(coupon);
                    (200, None)
                }
            },
            Action::DropCoupon { who } => {
                self.carts[who].coupon = None;
                (200, None)
            }
            Action::Order { who, key, country } => self.order(who, key, country),
            Action::Pay { order, key, good } => (self.pay(order, key, good), None),
            Action::Cancel { order } => (self.advance(order, "cancel", "cancelled"), None),
            Action::Ship { order } => (self.advance(order, "ship", "shipped"), None),
            Action::Deliver { order } => (self.advance(order, "deliver", "delivered"), None),
            Action::Refund { order, half, restock } => (self.refund(order, half, restock), None),
            Action::Price { book, cents } => {
                self.books[book].cents = cents;
                (200, None)
            }
            Action::Count { book, copies } if copies < self.books[book].reserved => (409, Some("too_few")),
            Action::Count { book, copies } => {
                self.books[book].on_hand = copies;
                (200, None)
            }
            Action::Sell { book, sold } => {
                self.books[book].sold = sold;
                (200, None)
            }
            Action::SignIn { guest } => {
                self.merge(guest);
                (201, None)
            }
            Action::Wait => {
                for order in self.pending() {
                    self.advance(order, "expire", "expired");
                }
                (200, None)
            }
            Action::Look => (200, None),
        }
    }

    fn put(&mut self, who: usize, book: usize, copies: i64) -> u16 {
        if !self.books[book].sold {
            return 409;
        }
        if copies > MOST {
            return 422;
        }
        if copies > self.books[book].available() {
            return 409;
        }
        self.carts[who].lines.insert(book, copies);
        200
    }

    fn order(&mut self, who: usize, key: Option<char>, country: usize) -> (u16, Option<&'static str>) {
        if let Some(before) = key.and_then(|key| self.order_keys.get(&(who, key))) {
            return if *before == country { (201, None) } else { (422, Some("reused")) };
        }
        let Cart { lines, coupon } = &self.carts[who];
        let (lines, coupon) = (lines.clone(), *coupon);
        if lines.is_empty() {
            return (409, None);
        }
        for (book, copies) in &lines {
            let book = &self.books[*book];
            if !book.sold {
                return (409, Some("not_sold"));
            }
            if book.available() < *copies {
                return (409, Some(if book.available() == 0 { "out_of_stock" } else { "too_few_left" }));
            }
        }
        let subtotal = self.price(&lines, None, 0).subtotal;
        if let Some(coupon) = coupon {
            // What the coupon asks for comes before what its buyer did.
            let refusal = self.refusal(coupon, subtotal, false);
            if let Some(refusal) = refusal.or_else(|| self.refusal(coupon, subtotal, self.used_by(who, coupon))) {
                return (409, Some(refusal));
            }
        }
        let amounts = self.price(&lines, coupon, TAXES[country]);
        for (book, copies) in &lines {
            self.books[*book].reserved += copies;
        }
        if let Some(coupon) = coupon {
            self.uses[coupon] += 1;
        }
        if let Some(key) = key {
            self.order_keys.insert((who, key), country);
        }
        self.carts[who] = Cart::default();
        let uses_coupon = coupon.is_some();
        self.orders.push(Order {
            who,
            state: "pending",
            lines,
            amounts,
            coupon,
            uses_coupon,
            paid: false,
            refunded: 0,
        });
        (201, None)
    }

    fn pay(&mut self, number: usize, key: Option<char>, good: bool) -> u16 {
        let status = if good { 201 } else { 402 };
        let order = &mut self.orders[number];
        if let Some(before) = key.and_then(|key| self.pay_keys.get(&(order.who, key))) {
            return if *before == (number, good) { status } else { 422 };
        }
        if order.state != "pending" {
            return 409;
        }
        if good {
            (order.state, order.paid) = ("paid", true);
        }
        if let Some(key) = key {
            self.pay_keys.insert((order.who, key), (number, good));
        }
        status
    }

    /// Moves an order, where its state allows it, with its books and its coupon.
    fn advance(&mut self, number: usize, wanted: &str, to: &'static str) -> u16 {
        let order = &mut self.orders[number];
        if !moves(order.state).contains(&wanted) {
            return 409;
        }
        let held = ["pending", "paid"].contains(&order.state);
        for (book, copies) in order.lines.iter().filter(|_| held) {
            self.books[*book].reserved -= copies;
            if wanted == "ship" {
                self.books[*book].on_hand -= copies;
            }
        }
        if let Some(coupon) = order.coupon.filter(|_| ["cancel", "expire"].contains(&wanted)) {
            order.uses_coupon = false;
            self.uses[coupon] -= 1;
        }
        if order.paid && wanted == "cancel" {
            order.refunded = order.amounts.total;
        }
        order.state = to;
        200
    }

    fn refund(&mut self, number: usize, half: bool, restock: bool) -> u16 {
        let order = &mut self.orders[number];
        let left = if order.paid { order.amounts.total - order.refunded } else { 0 };
        let amount = if half { order.amounts.total / 2 } else { left };
        if left == 0 || amount > left {
            return 409;
        }
        if restock && !["shipped", "delivered"].contains(&order.state) {
            return 409;
        }
        if restock && amount < left {
            // Which books came back has to be told.
            return 422;
        }
        order.refunded += amount;
        for (book, copies) in order.lines.iter().filter(|_| restock) {
            self.books[*book].on_hand += copies;
        }
        if amount == left {
            self.advance(number, "refund", "refunded");
        }
        201
    }

    fn merge(&mut self, guest: usize) {
        let theirs = std::mem::take(&mut self.carts[guest]);
        let own = &mut self.carts[GUESTS];
        for (number, copies) in theirs.lines {
            let before = own.lines.get(&number).copied().unwrap_or(0);
            let book = &self.books[number];
            let most = if book.sold { book.available().min(MOST) } else { 0 };
            let copies = (before + copies).min(most).max(before);
            if copies > 0 {
                own.lines.insert(number, copies);
            }
        }
        own.coupon = own.coupon.or(theirs.coupon);
    }

    /// What can be seen of a book's stock.
    pub fn stock(&self, book: usize) -> Value {
        let Book { on_hand, reserved, .. } = self.books[book];
        json!({"on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved})
    }

    /// What can be seen of a coupon.
    pub fn coupon_uses(&self, coupon: usize) -> Value {
        json!(self.uses[coupon])
    }

    /// What somebody sees of their cart.
    pub fn cart(&self, who: usize) -> Value {
        let Cart { lines, coupon } = &self.carts[who];
        let buyable: BTreeMap<usize, i64> = lines
            .iter()
            .filter(|(book, _)| self.books[**book].buyable())
            .map(|(book, copies)| (*book, *copies))
            .collect();
        let subtotal = self.price(&buyable, None, 0).subtotal;
        // Nobody knows what a guest has used before.
        let refusal = coupon.and_then(|one| self.refusal(one, subtotal, who == GUESTS && self.used_by(who, one)));
        let amounts = self.price(&buyable, coupon.filter(|_| refusal.is_none()), 0);
        let is_good =
            |(book, copies): (&usize, &i64)| buyable.contains_key(book) && *copies <= self.books[*book].available();
        json!({
            "lines": named(lines),
            "coupon": coupon.map(|coupon| json!({"number": coupon, "refusal": refusal})),
            "amounts": amounts.seen(),
            "ready": !lines.is_empty() && lines.iter().all(is_good),
        })
    }

    /// What can be seen of an order.
    pub fn order_seen(&self, number: usize) -> Value {
        let order = &self.orders[number];
        json!({
            "state": order.state,
            "allowed": moves(order.state),
            "lines": named(&order.lines),
            "coupon": order.coupon,
            "amounts": order.amounts.seen(),
            "refunded": order.refunded,
        })
    }
}

fn named(lines: &BTreeMap<usize, i64>) -> Value {
    lines.iter().map(|(book, copies)| (book.to_string(), json!(copies))).collect::<serde_json::Map<_, _>>().into()
}
