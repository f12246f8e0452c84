//! The ISBNs of a row, which spreadsheets like to damage.

use crate::model::isbn::{Isbn10, Isbn13};

/// Which of the two cells a remark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// That of the ISBN-10.
    Ten,
    /// That of the ISBN-13.
    Thirteen,
}

/// The number of a row, and what had to be done for it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The book's number; both forms follow from it.
    pub isbn: Option<Isbn13>,
    /// What was done.
    pub repairs: Vec<(Which, &'static str)>,
    /// Whether there were cells, but no number could be made of them.
    pub unusable: bool,
}

enum Cell<T> {
    Empty,
    Good(T),
    Bad,
    Float,
}

fn ten(text: &str, repairs: &mut Vec<(Which, &'static str)>) -> Cell<Isbn10> {
    if let Ok(isbn) = text.parse::<Isbn10>() {
        return Cell::Good(isbn);
    }
    if is_float(text) {
        return Cell::Float;
    }
    // A number of a spreadsheet has no leading zeros. Fewer than five digits left is no such number any more.
    let digits = text.trim();
    if (5..10).contains(&digits.len())
        && let Ok(isbn) = format!("{digits:0>10}").parse::<Isbn10>()
    {
        repairs.push((Which::Ten, "leading zeros were restored"));
        return Cell::Good(isbn);
    }
    Cell::Bad
}

fn is_float(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E' | b'+')) && text.trim().parse::<f64>().is_ok()
}

/// Makes one number of both cells. The ISBN-10 counts where they disagree: in the files that are known, a wrong
/// ISBN-13 is the bar code of something else, or lost its last digits in a spreadsheet.
#[must_use]
pub fn resolve(ten_text: Option<&str>, thirteen_text: Option<&str>) -> Resolved {
    let mut repairs = Vec::new();
    // A number of the other length, alone, is what it is.
    let (ten_text, thirteen_text) = match (ten_text, thirteen_text) {
        (Some(ten), None) if ten.parse::<Isbn13>().is_ok() => (None, Some(ten)),
        (None, Some(thirteen)) if thirteen.parse::<Isbn10>().is_ok() => (Some(thirteen), None),
        both => both,
    };
    let ten = ten_text.map_or(Cell::Empty, |text| ten(text, &mut repairs));
    let thirteen = match thirteen_text {
        None => Cell::Empty,
        Some(text) => match text.parse::<Isbn13>() {
            Ok(isbn) => Cell::Good(isbn),
            Err(_) if is_float(text) => Cell::Float,
            Err(_) => Cell::Bad,
        },
    };
    let isbn = match (&ten, &thirteen) {
        (Cell::Good(ten), other) => {
            let isbn = ten.to_isbn13();
            match other {
                Cell::Good(other) if *other != isbn => {
                    repairs.push((Which::Thirteen, "it names another book than the ISBN-10, which was kept"));
                }
                Cell::Bad => repairs.push((Which::Thirteen, "it is no ISBN-13; it was computed from the ISBN-10")),
                Cell::Float => {
                    repairs
                        .push((Which::Thirteen, "it is in floating-point notation; it was computed from the ISBN-10"));
                }
                Cell::Good(_) | Cell::Empty => {}
            }
            Some(isbn)
        }
        (other, Cell::Good(isbn)) => {
            if !matches!(other, Cell::Empty) {
                repairs.push((Which::Ten, "it is no ISBN-10; it was computed from the ISBN-13"));
            }
            Some(isbn.clone())
        }
        _ => {
            for (which, cell) in [(Which::Ten, bad(&ten)), (Which::Thirteen, bad(&thirteen))] {
                match cell {
                    Some(true) => repairs.push((which, "it is in floating-point notation and was left out")),
                    Some(false) => repairs.push((which, "it is no ISBN and was left out")),
                    None => {}
                }
            }
            None
        }
    };
    let unusable = isbn.is_none() && !repairs.is_empty();
    Resolved { isbn, repairs, unusable }
}

/// Whether a cell holds no number: in floating-point notation or otherwise.
fn bad<T>(cell: &Cell<T>) -> Option<bool> {
    match cell {
        Cell::Bad => Some(false),
        Cell::Float => Some(true),
        Cell::Empty | Cell::Good(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ten: &str, thirteen: &str) -> (String, Vec<&'static str>) {
        let some = |text: &'static str| (!text.is_empty()).then_some(text);
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let resolved = resolve(some(leak(ten)), some(leak(thirteen)));
        assert_eq!(resolved.unusable, resolved.isbn.is_none() && !(ten.is_empty() && thirteen.is_empty()));
        (resolved.isbn.map_or(String::new(), Into::into), resolved.repairs.into_iter().map(|(_, done)| done).collect())
    }

    #[test]
    fn repairs_what_can_be_repaired() {
        let zeros = "leading zeros were restored";
        assert_eq!(told("0439785960", "9780439785969"), ("9780439785969".into(), vec![]));
        assert_eq!(told("0-439-78596-0", ""), ("9780439785969".into(), vec![]));
        assert_eq!(told("439785960", ""), ("9780439785969".into(), vec![zeros]));
        assert_eq!(
            told("439785960", "9.78043978596e+12"),
            ("9780439785969".into(), vec![zeros, "it is in floating-point notation; it was computed from the ISBN-10"])
        );
        assert_eq!(
            told("0439785960", "9780439785960"),
            ("9780439785969".into(), vec!["it is no ISBN-13; it was computed from the ISBN-10"])
        );
        assert_eq!(
            told("0439785960", "9780306406157"),
            ("9780439785969".into(), vec!["it names another book than the ISBN-10, which was kept"])
        );
        assert_eq!(
            told("043978596", "9780439785969"),
            ("9780439785969".into(), vec!["it is no ISBN-10; it was computed from the ISBN-13"])
        );
    }

    #[test]
    fn reads_a_number_in_the_other_column() {
        assert_eq!(told("9780439785969", ""), ("9780439785969".into(), vec![]));
        assert_eq!(told("", "0439785960"), ("9780439785969".into(), vec![]));
    }

    #[test]
    fn leaves_out_what_cannot() {
        assert_eq!(told("", ""), (String::new(), vec![]));
        assert_eq!(told("", "9.78043978596e+12").1, ["it is in floating-point notation and was left out"]);
        assert_eq!(told("812971060", "97893806587.0").1.len(), 2);
        assert_eq!(told("0", "").1, ["it is no ISBN and was left out"]);
    }
}
