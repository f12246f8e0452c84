//! The genres that the shop knows from the start: seeded books carry them, and imported subjects are read as them.
//! Administrators add others as they need them.

/// A genre's slug and the name that people read.
pub type GenreName = (&'static str, &'static str);

/// All of them, by slug.
pub const VOCABULARY: &[GenreName] = &[
    ("adventure", "Adventure"),
    ("architecture", "Architecture"),
    ("art", "Art"),
    ("biography", "Biography"),
    ("business", "Business"),
    ("children", "Children's Books"),
    ("classics", "Classics"),
    ("comics", "Comics & Graphic Novels"),
    ("computing", "Computing"),
    ("contemporary", "Contemporary Fiction"),
    ("cooking", "Food & Cooking"),
    ("crafts", "Crafts & Hobbies"),
    ("crime", "Crime"),
    ("drama", "Drama"),
    ("dystopia", "Dystopia"),
    ("economics", "Economics"),
    ("education", "Education"),
    ("essays", "Essays"),
    ("family", "Family & Parenting"),
    ("fantasy", "Fantasy"),
    ("gardening", "Gardening"),
    ("health", "Health"),
    ("historical-fiction", "Historical Fiction"),
    ("history", "History"),
    ("horror", "Horror"),
    ("humor", "Humor"),
    ("language", "Language"),
    ("literary-fiction", "Literary Fiction"),
    ("mathematics", "Mathematics"),
    ("memoir", "Memoir"),
    ("music", "Music"),
    ("mystery", "Mystery"),
    ("nature", "Nature"),
    ("philosophy", "Philosophy"),
    ("photography", "Photography"),
    ("poetry", "Poetry"),
    ("politics", "Politics"),
    ("psychology", "Psychology"),
    ("religion", "Religion"),
    ("romance", "Romance"),
    ("science", "Science"),
    ("science-fiction", "Science Fiction"),
    ("self-help", "Self-Help"),
    ("short-stories", "Short Stories"),
    ("society", "Society"),
    ("sports", "Sports"),
    ("technology", "Technology"),
    ("thriller", "Thriller"),
    ("travel", "Travel"),
    ("true-crime", "True Crime"),
    ("war", "War"),
    ("western", "Western"),
    ("young-adult", "Young Adult"),
];

/// The name of a genre of the vocabulary.
#[must_use]
pub fn name_of(slug: &str) -> Option<&'static str> {
    VOCABULARY.binary_search_by_key(&slug, |(slug, _)| slug).ok().map(|at| VOCABULARY[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_genre_is_found_by_its_slug() {
        assert!(VOCABULARY.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(name_of("science-fiction"), Some("Science Fiction"));
        assert_eq!(name_of("sorcery"), None);
    }
}
