//! What is wrong with a field, in words for the one who filled it in.

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where: a JSON pointer (RFC 6901) into what was sent, empty for the whole.
    pub pointer: String,
    /// The rule and what is allowed.
    pub message: String,
}

impl Violation {
    /// A violation at a pointer such as `/price/amount`.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// The violations of a garde report, whose paths (`authors[0]`, `price.amount`) become pointers.
#[must_use]
pub fn from_report(report: &garde::Report) -> Vec<Violation> {
    report.iter().map(|(path, error)| Violation::new(pointer(&path.to_string()), error.message())).collect()
}

fn pointer(path: &str) -> String {
    let segments =
        path.split(['.', '[']).map(|segment| segment.trim_end_matches(']')).filter(|segment| !segment.is_empty());
    segments.fold(String::new(), |pointer, segment| format!("{pointer}/{segment}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_pointers() {
        assert_eq!(pointer("price.amount"), "/price/amount");
        assert_eq!(pointer("authors[0]"), "/authors/0");
        assert_eq!(pointer(""), "");
    }
}
