//! What made-up readers write: titles and sentences that go with the stars they give.

use crate::domain::seed::random::Choices;
use crate::model::genres;
use crate::model::seed::ShelvedBook;

/// A review's words; none where somebody only gave stars.
pub(super) struct Opinion {
    pub(super) title: Option<String>,
    pub(super) body: Option<String>,
}

/// What goes with a number of stars.
struct Mood {
    titles: &'static [&'static str],
    openings: &'static [&'static str],
    /// Of novels, stories and comics.
    story: &'static [&'static str],
    /// Of books that inform.
    facts: &'static [&'static str],
    closings: &'static [&'static str],
}

/// The genres whose books inform rather than tell a story.
#[rustfmt::skip]
const FACTS: &[&str] = &[
    "architecture", "art", "biography", "business", "computing", "cooking", "crafts", "economics", "education", "essays",
    "family", "gardening", "health", "history", "language", "mathematics", "memoir", "music", "nature", "philosophy",
    "photography", "politics", "psychology", "religion", "science", "self-help", "society", "sports", "technology",
    "travel", "true-crime", "war",
];

const PRAISE: Mood = Mood {
    titles: &[
        "Could not put it down",
        "A keeper",
        "Loved every page",
        "Worth every minute",
        "Even better the second time",
        "My book of the year",
        "Exactly what I hoped for",
        "Read it in one weekend",
        "A joy",
        "{author} at their best",
        "Bought three more as presents",
    ],
    openings: &[
        "I came to {title} without expectations and stayed up far too late with it.",
        "{author} has never been better.",
        "This is the kind of book that you press into the hands of your friends.",
        "A friend told me to read {title}, and now I owe that friend a dinner.",
        "I have read a lot of {genre}, and this stands out.",
        "From the first page I knew that I was in good hands.",
    ],
    story: &[
        "The characters feel like people whom you have met.",
        "The pace never slackens, and the ending is earned.",
        "Every chapter ends in a way that makes you read the next one.",
        "The prose is plain in the best sense: you look through it at the story.",
        "I laughed on the train and was looked at.",
        "The setting is drawn so well that I wanted to pack a bag.",
        "What looked like a side story turned out to be the heart of it.",
    ],
    facts: &[
        "Difficult things are explained so well that they seem simple.",
        "The examples alone are worth the price.",
        "Every claim has its source, and the sources are worth following.",
        "I have used what I learnt from it the very same week.",
        "The illustrations and tables are well chosen.",
        "It is thorough without ever being dry.",
    ],
    closings: &[
        "I have already ordered another one by {author}.",
        "Recommended without reservation.",
        "It will stay on the shelf beside my bed.",
        "I envy everybody who has it still before them.",
        "Five stars are not enough.",
        "It arrived quickly and well packed, too.",
    ],
};

const DOUBT: Mood = Mood {
    titles: &[
        "Good, with reservations",
        "Not bad",
        "Uneven",
        "A slow start",
        "Fine for a journey",
        "Expected a little more",
        "Half of it is very good",
        "For those who like {genre}",
    ],
    openings: &[
        "I wanted to like {title} more than I did.",
        "There is a very good book in here, and it is about half as long.",
        "{title} is fine.",
        "Not the best of {author}, but not the worst either.",
        "It took me three attempts to get into it.",
    ],
    story: &[
        "The beginning drags, the middle is excellent, and the end comes too fast.",
        "Some of the characters stay rather pale.",
        "The twist can be seen from afar, which does not spoil all of the fun.",
        "The dialogue is better than the descriptions.",
        "It reads easily and is forgotten as easily.",
    ],
    facts: &[
        "The first chapters are useful, the later ones repeat them.",
        "It is a good introduction, but no more than that.",
        "An index would have helped.",
        "Some of it is out of date by now.",
        "The author assumes a lot in one chapter and explains the obvious in the next.",
    ],
    closings: &[
        "I do not regret it, but I will not read it again.",
        "Borrow it first.",
        "Others may get more out of it.",
        "I shall give {author} another chance.",
        "Good enough for a rainy weekend.",
    ],
};

const BLAME: Mood = Mood {
    titles: &[
        "Not for me",
        "Disappointed",
        "Gave up half way",
        "What was all the praise about?",
        "A good idea wasted",
        "Too long",
        "I wanted to like it",
    ],
    openings: &[
        "I gave up on {title} after a hundred pages.",
        "After all that I had heard I expected something else.",
        "I have liked other books by {author}, which makes this one all the harder to understand.",
        "Perhaps I am not the reader that this was written for.",
    ],
    story: &[
        "Nothing happens for chapters, and then everything at once.",
        "I could not tell the characters apart.",
        "The plot rests on people not talking to each other.",
        "The style got in the way of the story.",
    ],
    facts: &[
        "There is nothing in it that a short article could not say.",
        "Whole pages repeat each other.",
        "I found several mistakes in the part that I know something about.",
        "It promises much on the cover and delivers little of it.",
    ],
    closings: &[
        "It went to the charity shop.",
        "One star more for the cover.",
        "There is better {genre} to be had.",
        "I cannot recommend it.",
    ],
};

/// What somebody writes who gives a book so many stars: nothing, a title, or some sentences.
pub(super) fn write(book: &ShelvedBook, stars: u8, choices: &mut Choices) -> Opinion {
    // Three stars are mixed feelings, and so are some fours and twos.
    let mood = match stars {
        5 => &PRAISE,
        4 if choices.percent(75.0) => &PRAISE,
        1 => &BLAME,
        2 if choices.percent(65.0) => &BLAME,
        _ => &DOUBT,
    };
    let (with_title, with_body) = match choices.below(100) {
        0..30 => (false, false),
        30..38 => (true, false),
        38..50 => (false, true),
        _ => (true, true),
    };
    Opinion {
        title: with_title.then(|| fill(choices.one(mood.titles), book)),
        body: with_body.then(|| body(mood, book, choices)),
    }
}

fn body(mood: &Mood, book: &ShelvedBook, choices: &mut Choices) -> String {
    let informs = book.genre.as_deref().is_some_and(|genre| FACTS.contains(&genre));
    let remarks = if informs { mood.facts } else { mood.story };
    let mut sentences = vec![choices.one(mood.openings), choices.one(remarks)];
    if choices.percent(55.0) {
        let another = choices.one(remarks);
        if another != sentences[1] {
            sentences.push(another);
        }
    }
    if choices.percent(70.0) {
        sentences.push(choices.one(mood.closings));
    }
    let sentences: Vec<String> = sentences.into_iter().map(|sentence| fill(sentence, book)).collect();
    sentences.join(if choices.percent(20.0) { "\n\n" } else { " " })
}

fn fill(pattern: &str, book: &ShelvedBook) -> String {
    let genre = book.genre.as_deref().and_then(genres::name_of).unwrap_or("Fiction").to_lowercase();
    // Names may be as long as anything that somebody imported; a title of a review may not.
    let author = book.authors.first().filter(|name| name.chars().count() <= 60).map_or("the author", String::as_str);
    let title = if book.title.chars().count() <= 200 { &book.title } else { "it" };
    let text = pattern.replace("{genre}", &genre).replace("{author}", author).replace("{title}", title);
    // "the author has never been better" begins a sentence, too.
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_genre_that_informs_is_one() {
        assert!(FACTS.iter().all(|genre| genres::name_of(genre).is_some()));
    }

    #[test]
    fn every_hole_is_filled() {
        for mood in [PRAISE, DOUBT, BLAME] {
            let parts = [mood.titles, mood.openings, mood.story, mood.facts, mood.closings];
            for pattern in parts.into_iter().flatten() {
                let rest = pattern.replace("{genre}", "").replace("{author}", "").replace("{title}", "");
                assert!(!rest.contains(['{', '}']), "{pattern}");
            }
            assert!(mood.titles.iter().all(|title| !title.contains("{title}") && title.len() < 60));
        }
    }
}
