//! One sequence of steps, as it is sent to the shop and compared with the rules.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Ground;
use super::actions::{Action, BOOKS, COUNTRIES, COUPONS, GUESTS, Step, name};
use super::prices;
use super::rules::{COPIES, PRICES, Rules};
use crate::support::Answer;
use crate::support::people::{PASSWORD, text};
use crate::support::selling::{Guest, checkout};
use crate::support::shop::Request;

/// What was not as the rules say.
pub type Complaint = String;

/// One sequence, with books, coupons and people of its own.
pub struct Case<'a> {
    ground: &'a Ground,
    books: Vec<String>,
    coupons: Vec<String>,
    guests: Vec<Guest>,
    email: String,
    customer: String,
    /// The ids of the orders, in the order in which they were placed.
    orders: Vec<String>,
    rules: Rules,
    /// The token of the last write, so that whoever reads sees it at both processes.
    seen: Option<String>,
    pub story: Vec<String>,
    /// For how long a process may not have heard of what happened elsewhere.
    patience: Duration,
}

impl<'a> Case<'a> {
    pub async fn begin(ground: &'a Ground, patience: Duration) -> Self {
        let shop = &ground.shops[0];
        let name = uuid::Uuid::new_v4().simple().to_string();
        let email = format!("{name}@example.org");
        let customer = shop.newcomer(&email).await;
        let mut case = Case {
            ground,
            books: Vec::new(),
            coupons: Vec::new(),
            guests: (0..GUESTS).map(|_| Guest::new()).collect(),
            email,
            customer,
            orders: Vec::new(),
            rules: Rules::new(),
            seen: None,
            story: Vec::new(),
            patience,
        };
        for book in 0..BOOKS {
            let price = json!({"amount": PRICES[book], "currency": "USD"});
            let made =
                json!({"title": format!("Book {book}"), "authors": ["A"], "format": "paperback", "price": price});
            let made = case.send(shop.post("/products").token(&ground.admin).json(&made)).await.expect(201);
            case.books.push(text(&made.json()["id"]));
            case.count(0, book, COPIES[book]).await.expect(200);
        }
        for number in 0..COUPONS {
            let mut made = prices::coupon(number);
            made["code"] = json!(format!("C{number}-{name}").to_uppercase());
            case.send(shop.post("/coupons").token(&ground.admin).json(&made)).await.expect(201);
            case.coupons.push(text(&made["code"]));
        }
        case
    }

    /// Sends a request that sees what was written before.
    async fn send(&mut self, request: Request) -> Answer {
        let request = match &self.seen {
            Some(token) => request.header("consistency-token", token),
            None => request,
        };
        let answer = request.send().await;
        if let Some(token) = answer.headers.get("consistency-token") {
            self.seen = Some(token.to_str().unwrap().to_owned());
        }
        answer
    }

    fn of_buyer(&self, process: usize, method: Method, path: &str, who: usize) -> Request {
        let request = self.ground.shops[process].request(method, path);
        match self.guests.get(who) {
            Some(guest) => request.header("cart-token", &guest.token),
            None => request.token(&self.customer),
        }
    }

    fn of_admin(&self, process: usize, method: Method, path: &str) -> Request {
        self.ground.shops[process].request(method, path).token(&self.ground.admin)
    }

    async fn count(&mut self, process: usize, book: usize, copies: i64) -> Answer {
        let path = format!("/products/{}/inventory/adjustments", self.books[book]);
        let count = json!({"counted": copies, "reason": "counted"});
        self.send(self.of_admin(process, Method::POST, &path).json(&count)).await
    }

    async fn patch(&mut self, process: usize, book: usize, patch: &Value) -> Answer {
        let path = format!("/products/{}", self.books[book]);
        self.send(self.of_admin(process, Method::PATCH, &path).header("if-match", "*").json(patch)).await
    }

    /// Does what a step says, and gives the answer.
    async fn perform(&mut self, Step { process, action }: Step) -> Answer {
        let of_order = |order: usize, what: &str| format!("/orders/{}/{what}", self.orders[order]);
        let item = |book: usize| format!("/cart/items/{}", self.books[book]);
        let request = match action {
            Action::Put { who, book, copies } => {
                self.of_buyer(process, Method::PUT, &item(book), who).json(&json!({"quantity": copies}))
            }
            Action::Add { who, book, copies } => {
                let added = json!({"product_id": self.books[book], "quantity": copies});
                self.of_buyer(process, Method::POST, "/cart/items", who).json(&added)
            }
            Action::Drop { who, book } => self.of_buyer(process, Method::DELETE, &item(book), who),
            Action::Clear { who } => self.of_buyer(process, Method::DELETE, "/cart", who),
            Action::PutCoupon { who, coupon } => {
                let code = json!({"code": self.coupons[coupon]});
                self.of_buyer(process, Method::PUT, "/cart/coupon", who).json(&code)
            }
            Action::DropCoupon { who } => self.of_buyer(process, Method::DELETE, "/cart/coupon", who),
            Action::Order { who, key, country } => {
                let key = key_of(key);
                let mut input = checkout();
                input["shipping_address"]["country"] = json!(COUNTRIES[country]);
                input["email"] = match who {
                    GUESTS => Value::Null,
                    guest => json!(format!("guest{guest}@example.org")),
                };
                self.of_buyer(process, Method::POST, "/orders", who).header("idempotency-key", &key).json(&input)
            }
            Action::Pay { order, key, good } => {
                let (path, key) = (of_order(order, "payments"), key_of(key));
                let method = json!({"method": if good { "tok_success" } else { "tok_declined" }});
                let request = self.of_buyer(process, Method::POST, &path, self.rules.owner(order));
                request.header("idempotency-key", &key).json(&method)
            }
            Action::Cancel { order } => {
                let request = self.of_buyer(process, Method::POST, &of_order(order, "cancel"), self.rules.owner(order));
                request.json(&json!({}))
            }
            Action::Ship { order } => self.of_admin(process, Method::POST, &of_order(order, "ship")).json(&json!({})),
            Action::Deliver { order } => self.of_admin(process, Method::POST, &of_order(order, "deliver")),
            Action::Refund { order, half, restock } => {
                let (path, key) = (of_order(order, "refunds"), key_of(None));
                let mut input = json!({"reason": "So be it", "restock": restock});
                if half {
                    input["amount"] = json!(self.rules.half(order));
                }
                self.of_admin(process, Method::POST, &path).header("idempotency-key", &key).json(&input)
            }
            Action::Price { book, cents } => {
                return self.patch(process, book, &json!({"price": {"amount": cents, "currency": "USD"}})).await;
            }
            Action::Count { book, copies } => return self.count(process, book, copies).await,
            Action::Sell { book, sold } => {
                let status = if sold { "active" } else { "retired" };
                return self.patch(process, book, &json!({"status": status})).await;
            }
            Action::SignIn { guest } => {
                let token = self.guests[guest].token.clone();
                let request = self.ground.shops[process].post("/sessions").header("cart-token", &token);
                let answer = self.send(request.json(&json!({"email": self.email, "password": PASSWORD}))).await;
                self.customer = answer.json()["token"].as_str().unwrap_or(&self.customer).to_owned();
                return answer;
            }
            Action::Wait => return self.wait().await,
            Action::Look => self.of_admin(process, Method::GET, &format!("/products/{}", self.ground.mark)),
        };
        self.send(request).await
    }

    /// Lets time go by until the orders that wait have expired, and everybody has heard of it.
    async fn wait(&mut self) -> Answer {
        for shop in &self.ground.shops {
            shop.clock.advance(time::Duration::minutes(31));
        }
        for order in self.rules.pending() {
            let path = format!("/orders/{}", self.orders[order]);
            let begun = Instant::now();
            while begun.elapsed() < self.patience {
                let order = self.of_admin(0, Method::GET, &path).send().await;
                if order.json()["state"] != "pending" {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let mark = json!({"title": format!("Mark {}", uuid::Uuid::new_v4())});
        let path = format!("/products/{}", self.ground.mark);
        self.send(self.of_admin(0, Method::PATCH, &path).header("if-match", "*").json(&mark)).await
    }

    /// Does what a step says, and compares what came of it with the rules.
    pub async fn step(&mut self, mut step: Step) -> Result<(), Complaint> {
        match &mut step.action {
            Action::Pay { order, .. }
            | Action::Cancel { order }
            | Action::Ship { order }
            | Action::Deliver { order }
            | Action::Refund { order, .. } => match self.orders.len() {
                0 => return Ok(()),
                orders => *order = orders - 1 - *order % orders,
            },
            _ => {}
        }
        let answer = self.perform(step).await;
        let (status, code) = self.rules.apply(step.action);
        self.story.push(format!("{step} -> {}", answer.status.as_u16()));
        let told = answer.json();
        if answer.status != status || code.is_some_and(|code| told["errors"][0]["code"] != code) {
            return Err(format!("It should have been {status} {}, and is {told}", code.unwrap_or_default()));
        }
        if self.rules.orders() > self.orders.len() {
            self.orders.push(text(&told["id"]));
        }
        match step.action {
            _ if status >= 300 => Ok(()),
            Action::Put { who, .. }
            | Action::Add { who, .. }
            | Action::Drop { who, .. }
            | Action::Clear { who }
            | Action::PutCoupon { who, .. }
            | Action::DropCoupon { who } => compare(&name(who), &self.cart_in(&told), &self.rules.cart(who)),
            Action::Cancel { order } | Action::Ship { order } | Action::Deliver { order } => {
                compare(&format!("order {order}"), &self.order_in(&told), &self.rules.order_seen(order))
            }
            Action::Count { book, .. } => compare(&format!("book {book}"), &stock_in(&told), &self.rules.stock(book)),
            Action::Look => self.look(step.process).await,
            _ => Ok(()),
        }
    }

    /// What a request is answered with that has to be answered.
    async fn read(&mut self, request: Request) -> Result<Value, Complaint> {
        let answer = self.send(request).await;
        if answer.status == 200 { Ok(answer.json()) } else { Err(format!("this cannot be read: {}", answer.json())) }
    }

    /// Compares everything that can be seen with the rules.
    async fn look(&mut self, process: usize) -> Result<(), Complaint> {
        for book in 0..BOOKS {
            let path = format!("/products/{}/inventory", self.books[book]);
            let read = self.read(self.ground.shops[process].get(&path)).await?;
            compare(&format!("book {book}"), &stock_in(&read), &self.rules.stock(book))?;
        }
        for who in 0..=GUESTS {
            let cart = self.read(self.of_buyer(process, Method::GET, "/cart", who)).await?;
            compare(&format!("the cart of {}", name(who)), &self.cart_in(&cart), &self.rules.cart(who))?;
        }
        for order in 0..self.orders.len() {
            let path = format!("/orders/{}", self.orders[order]);
            let read = self.read(self.of_buyer(process, Method::GET, &path, self.rules.owner(order))).await?;
            compare(&format!("order {order}"), &self.order_in(&read), &self.rules.order_seen(order))?;
        }
        for coupon in 0..COUPONS {
            let path = format!("/coupons/{}", self.coupons[coupon]);
            let read = self.read(self.of_admin(process, Method::GET, &path)).await?;
            compare(&format!("the uses of coupon {coupon}"), &read["uses"], &self.rules.coupon_uses(coupon))?;
        }
        Ok(())
    }

    /// The same without the token, after which a process may still have to hear of something.
    pub async fn look_patiently(&mut self, process: usize) -> Result<(), Complaint> {
        self.seen = None;
        let begun = Instant::now();
        loop {
            let found = self.look(process).await;
            if found.is_ok() || begun.elapsed() > self.patience {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn lines_in(&self, lines: &Value) -> Value {
        let number = |line: &Value| self.books.iter().position(|book| *book == line["product_id"]).unwrap();
        let line = |line: &Value| (number(line).to_string(), line["quantity"].clone());
        lines.as_array().unwrap().iter().map(line).collect::<Map<_, _>>().into()
    }

    fn coupon_in(&self, code: &Value) -> Option<usize> {
        self.coupons.iter().position(|coupon| coupon == code)
    }

    fn cart_in(&self, cart: &Value) -> Value {
        let coupon = self.coupon_in(&cart["coupon"]["code"]);
        json!({
            "lines": self.lines_in(&cart["items"]),
            "coupon": coupon.map(|number| json!({"number": number, "refusal": cart["coupon"]["refusal"]["code"]})),
            "amounts": amounts_in(&cart["totals"]),
            "ready": cart["ready"],
        })
    }

    fn order_in(&self, order: &Value) -> Value {
        json!({
            "state": order["state"],
            "allowed": order["allowed"],
            "lines": self.lines_in(&order["lines"]),
            "coupon": self.coupon_in(&order["coupon"]),
            "amounts": amounts_in(order),
            "refunded": order["refunded"]["amount"],
        })
    }
}

/// A new key where none is asked for.
fn key_of(key: Option<char>) -> String {
    key.map_or_else(|| uuid::Uuid::new_v4().to_string(), String::from)
}

fn amounts_in(document: &Value) -> Value {
    let names = ["subtotal", "discount", "shipping", "tax", "total"];
    names.map(|name| (name.to_owned(), document[name]["amount"].clone())).into_iter().collect::<Map<_, _>>().into()
}

fn stock_in(stock: &Value) -> Value {
    json!({"on_hand": stock["on_hand"], "reserved": stock["reserved"], "available": stock["available"]})
}

fn compare(what: &str, is: &Value, should_be: &Value) -> Result<(), Complaint> {
    if is == should_be { Ok(()) } else { Err(format!("{what} should be\n  {should_be}\nand is\n  {is}")) }
}
