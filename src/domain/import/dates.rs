//! Dates of publication in the spellings that catalogues have.

use crate::model::date::PartialDate;

/// A date, and what was lost in reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The date.
    pub date: PartialDate,
    /// What was left out, if anything.
    pub lost: Option<&'static str>,
}

impl Reading {
    fn whole(date: PartialDate) -> Self {
        Self { date, lost: None }
    }
}

/// The first three letters of the months, or four where three are not enough, in the languages of the catalogues:
/// English, German, French, Spanish and Dutch.
const MONTHS: [&[&str]; 12] = [
    &["jan", "jän", "ene"],
    &["feb", "fév", "fev"],
    &["mar", "mär", "mrz", "maa"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mei"],
    &["jun", "juin"],
    &["jul", "juil"],
    &["aug", "aoû", "aou", "ago"],
    &["sep"],
    &["oct", "okt"],
    &["nov"],
    &["dec", "dez", "déc", "dic"],
];

fn month(word: &str) -> Option<u8> {
    let word = word.to_lowercase();
    if word.chars().count() < 3 || !word.chars().all(char::is_alphabetic) {
        return None;
    }
    MONTHS
        .iter()
        .position(|names| names.iter().any(|name| word.starts_with(name)))
        .and_then(|at| u8::try_from(at + 1).ok())
}

enum Token {
    /// A number and its count of digits.
    Number(u32, usize),
    Month(u8),
    Word,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        let same_kind = word.chars().last().is_some_and(|last| last.is_ascii_digit() == c.is_ascii_digit());
        if !c.is_alphanumeric() || !same_kind {
            if !word.is_empty() {
                tokens.push(match word.parse() {
                    Ok(number) => Token::Number(number, word.len()),
                    Err(_) => month(&word).map_or(Token::Word, Token::Month),
                });
            }
            word.clear();
        }
        if c.is_alphanumeric() {
            word.push(c);
        }
    }
    tokens
}

/// Reads `2006-09`, `September 16, 2006`, `Sep 2006`, `16 September 2006`, `2006 September 16`, `9/16/2006`, `c1998`,
/// `1998?`, `/1998` and the like. Where day and month cannot be told apart, the year remains.
#[must_use]
pub fn read(text: &str) -> Option<Reading> {
    let text = text.trim();
    if let Ok(date) = text.parse::<PartialDate>() {
        return Some(Reading::whole(date));
    }
    // An ISO 8601 time stamp.
    if text.as_bytes().get(10) == Some(&b'T')
        && let Some(Ok(date)) = text.get(..10).map(str::parse)
    {
        return Some(Reading::whole(date));
    }
    let tokens = tokens(text);
    let date = |year: u32, month: Option<u8>, day: Option<u32>| {
        let day = day.map(u8::try_from).transpose().ok()?;
        PartialDate::from_parts(i32::try_from(year).ok()?, month, day).ok()
    };
    let whole = match tokens.as_slice() {
        [Token::Month(month), Token::Number(year, 4)] | [Token::Number(year, 4), Token::Month(month)] => {
            date(*year, Some(*month), None)
        }
        [Token::Month(month), Token::Number(day, 1..=2), Token::Number(year, 4)]
        | [Token::Number(day, 1..=2), Token::Month(month), Token::Number(year, 4)]
        | [Token::Number(year, 4), Token::Month(month), Token::Number(day, 1..=2)] => {
            date(*year, Some(*month), Some(*day))
        }
        // "September 16th, 2006"
        [Token::Month(month), Token::Number(day, 1..=2), Token::Word, Token::Number(year, 4)]
        | [Token::Number(day, 1..=2), Token::Word, Token::Month(month), Token::Number(year, 4)] => {
            date(*year, Some(*month), Some(*day))
        }
        [Token::Number(year, 4), Token::Number(month, 1..=2)] => date(*year, u8::try_from(*month).ok(), None),
        [Token::Number(year, 4), Token::Number(month, 1..=2), Token::Number(day, 1..=2)] => {
            date(*year, u8::try_from(*month).ok(), Some(*day))
        }
        // Which of the two is the month shows where the other one cannot be, or where they are equal.
        [Token::Number(first, 1..=2), Token::Number(second, 1..=2), Token::Number(year, 4)] => match (first, second) {
            (13.., _) => date(*year, u8::try_from(*second).ok(), Some(*first)),
            (_, 13..) => date(*year, u8::try_from(*first).ok(), Some(*second)),
            (a, b) if a == b => date(*year, u8::try_from(*first).ok(), Some(*second)),
            _ => {
                return date(*year, None, None)
                    .map(|date| Reading { date, lost: Some("day and month cannot be told apart; the year was kept") });
            }
        },
        _ => None,
    };
    whole.map(Reading::whole).or_else(|| year_within(&tokens))
}

/// The one year that a text names, whatever is around it.
fn year_within(tokens: &[Token]) -> Option<Reading> {
    let mut years = tokens.iter().filter_map(|token| match token {
        Token::Number(year @ 1000..=2100, 4) => Some(*year),
        _ => None,
    });
    let year = years.next().filter(|_| years.next().is_none())?;
    let date = PartialDate::from_parts(i32::try_from(year).ok()?, None, None).ok()?;
    Some(Reading { date, lost: Some("only the year could be read") })
}

/// Reads a year as a number of a spreadsheet: `1997.0`, or `-750.0` for 750 BC, which astronomers call -749.
#[must_use]
pub fn read_year(text: &str) -> Option<PartialDate> {
    let year = i32::try_from(super::text::whole_number(text)?).ok()?;
    match year {
        0 => None,
        ..0 => PartialDate::from_parts(year + 1, None, None).ok(),
        _ => PartialDate::from_parts(year, None, None).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (String, Option<&'static str>) {
        read(text).map_or((String::new(), None), |reading| (reading.date.to_string(), reading.lost))
    }

    #[test]
    fn reads_the_spellings_of_the_catalogues() {
        for (text, date) in [
            ("2003", "2003"),
            ("2006-09", "2006-09"),
            ("2004-09-01", "2004-09-01"),
            ("2004-09-01T00:00:00Z", "2004-09-01"),
            ("Nov 01, 2003", "2003-11-01"),
            ("October 1, 2004", "2004-10-01"),
            ("October 1st, 2004", "2004-10-01"),
            ("September 2005", "2005-09"),
            ("Sept. 2005", "2005-09"),
            ("2001 October", "2001-10"),
            ("2002 October 01", "2002-10-01"),
            ("2002 March 8", "2002-03-08"),
            ("07 February 1984", "1984-02-07"),
            ("1 June 2002", "2002-06-01"),
            ("20 Juli 2025", "2025-07-20"),
            ("2006 03", "2006-03"),
            ("05/05/1998", "1998-05-05"),
            ("12/25/1998", "1998-12-25"),
            ("25.12.1998", "1998-12-25"),
        ] {
            assert_eq!(told(text), (date.to_owned(), None), "{text}");
        }
    }

    #[test]
    fn keeps_the_year_where_no_more_is_sure() {
        let unsure = Some("only the year could be read");
        for (text, year) in [
            ("2008?", "2008"),
            ("/1993", "1993"),
            ("ca. 2009", "2009"),
            ("c1998", "1998"),
            ("[1998]", "1998"),
            ("1998-02-30", "1998"),
        ] {
            assert_eq!(told(text), (year.to_owned(), unsure), "{text}");
        }
        assert_eq!(told("01/04/2004"), ("2004".into(), Some("day and month cannot be told apart; the year was kept")));
        for text in ["", "200x", "n.d.", "first published in 2002 and republished by BleachCenter in 2015", "98", "13"]
        {
            assert_eq!(told(text), (String::new(), None), "{text}");
        }
    }

    #[test]
    fn reads_years_of_spreadsheets() {
        let year = |text| read_year(text).map(|date| date.to_string());
        assert_eq!(year("1997.0").as_deref(), Some("1997"));
        assert_eq!(year("8.0").as_deref(), Some("0008"));
        assert_eq!(year("-750.0").as_deref(), Some("-0749"));
        assert_eq!(year("-1.0").as_deref(), Some("0000"));
        assert_eq!(year("0"), None);
        assert_eq!(year("soon"), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = read(&text);
            let _ = read_year(&text);
        }
    }
}
