//! What people may say of the copies on the shelf.

use crate::domain::violation::Violation;
use crate::model::stock::StockReason;

/// The most copies of one book that are counted.
pub const MAX_COPIES: i32 = 1_000_000_000;

/// Longest note, in characters.
const MAX_NOTE: usize = 500;

/// What somebody says happened at the shelf, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustmentDraft {
    /// How many copies came, or went where it is negative.
    pub change: Option<i32>,
    /// How many copies there are.
    pub counted: Option<i32>,
    /// Why.
    pub reason: StockReason,
    /// In their own words.
    pub note: Option<String>,
}

/// How the number changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Change(i32),
    Counted(i32),
}

/// The same, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    amount: Amount,
    /// Why.
    pub reason: StockReason,
    /// In their own words.
    pub note: Option<String>,
}

impl AdjustmentDraft {
    /// Checks it.
    ///
    /// # Errors
    /// Every broken rule.
    pub fn check(self) -> Result<Adjustment, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut broken = |pointer: &str, message: String| violations.push(Violation::new(pointer, message));
        let note = self.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        if note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE) {
            broken("/note", format!("must not be longer than {MAX_NOTE} characters"));
        }
        let amount = match (self.change, self.counted) {
            (Some(change), None) => {
                if let Some(rule) = broken_rule(self.reason, change) {
                    broken("/change", rule);
                }
                Some(Amount::Change(change))
            }
            (None, Some(counted)) => {
                if !(0..=MAX_COPIES).contains(&counted) {
                    broken("/counted", format!("must be from 0 to {MAX_COPIES}"));
                }
                if !matches!(self.reason, StockReason::Counted | StockReason::Correction) {
                    broken("/reason", "must be counted or correction where the copies were counted".to_owned());
                }
                Some(Amount::Counted(counted))
            }
            (None, None) => {
                broken("/change", "is missing, unless counted is given".to_owned());
                None
            }
            (Some(_), Some(_)) => {
                broken("/counted", "must not be given beside change".to_owned());
                None
            }
        };
        match amount {
            Some(amount) if violations.is_empty() => Ok(Adjustment { amount, reason: self.reason, note }),
            _ => Err(violations),
        }
    }
}

/// What is wrong with a change for this reason, if anything.
fn broken_rule(reason: StockReason, change: i32) -> Option<String> {
    if change == 0 || !(-MAX_COPIES..=MAX_COPIES).contains(&change) {
        return Some(format!("must be from -{MAX_COPIES} to {MAX_COPIES}, and not 0"));
    }
    match reason {
        StockReason::Received | StockReason::Returned if change < 0 => {
            Some("must be positive: these copies came".to_owned())
        }
        StockReason::Damaged | StockReason::Lost if change > 0 => {
            Some("must be negative: these copies are gone".to_owned())
        }
        StockReason::Counted => Some("must not be given with the reason counted: tell counted".to_owned()),
        _ => None,
    }
}

impl Adjustment {
    /// How many copies it leaves on a shelf with so many, possibly fewer than none; nothing where that are too many.
    #[must_use]
    pub fn applied_to(&self, on_hand: i32) -> Option<i64> {
        let left = match self.amount {
            Amount::Change(change) => i64::from(on_hand) + i64::from(change),
            Amount::Counted(counted) => i64::from(counted),
        };
        (left <= i64::from(MAX_COPIES.max(on_hand))).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StockReason::{Correction, Counted, Damaged, Lost, Received, Returned};

    fn check(change: Option<i32>, counted: Option<i32>, reason: StockReason) -> Result<Option<i64>, Vec<String>> {
        let checked = AdjustmentDraft { change, counted, reason, note: None }.check();
        checked
            .map(|adjustment| adjustment.applied_to(10))
            .map_err(|violations| violations.into_iter().map(|violation| violation.pointer).collect())
    }

    #[test]
    fn what_people_say_is_checked() {
        assert_eq!(check(Some(-3), None, Damaged), Ok(Some(7)));
        assert_eq!(check(Some(-30), None, Lost), Ok(Some(-20)));
        assert_eq!(check(Some(5), None, Returned), Ok(Some(15)));
        assert_eq!(check(Some(-1), None, Correction), Ok(Some(9)));
        assert_eq!(check(Some(MAX_COPIES), None, Received), Ok(None));
        assert_eq!(check(None, Some(0), Counted), Ok(Some(0)));
        assert_eq!(check(None, Some(MAX_COPIES), Correction), Ok(Some(i64::from(MAX_COPIES))));
        let broken = |pointer: &str| Err(vec![pointer.to_owned()]);
        assert_eq!(check(None, None, Counted), broken("/change"));
        assert_eq!(check(Some(1), Some(1), Counted), broken("/counted"));
        assert_eq!(check(None, Some(-1), Counted), broken("/counted"));
        assert_eq!(check(None, Some(1), Received), broken("/reason"));
        for (change, reason) in
            [(0, Correction), (i32::MIN, Lost), (i32::MAX, Received), (-1, Received), (1, Lost), (1, Counted)]
        {
            assert_eq!(check(Some(change), None, reason), broken("/change"), "{change} {reason}");
        }
    }

    #[test]
    fn a_note_is_trimmed_and_bounded() {
        let note =
            |text: String| AdjustmentDraft { change: Some(1), counted: None, reason: Received, note: Some(text) };
        assert_eq!(note("  ".to_owned()).check().map(|checked| checked.note), Ok(None));
        assert_eq!(note(" a ".to_owned()).check().map(|checked| checked.note), Ok(Some("a".to_owned())));
        assert!(note("é".repeat(500)).check().is_ok() && note("é".repeat(501)).check().is_err());
    }
}
