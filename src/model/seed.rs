//! Books that are made up, to have a shop to look at.

use super::product::Product;

/// A generated book with what is on the shelf.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededBook {
    /// The book.
    pub product: Product,
    /// Copies on the shelf.
    pub on_hand: i32,
}
