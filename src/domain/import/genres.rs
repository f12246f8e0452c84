//! Subject headings that name a genre of the shop, in the languages and notations of library catalogues.

use crate::model::genres::name_of;

/// Headings, in small letters, and the genre that they name.
#[rustfmt::skip]
const NAMES: &[(&str, &[&str])] = &[
    ("adventure", &["adventure stories", "adventure fiction", "adventure and adventurers", "action & adventure", "action and adventure",
        "sea stories", "american sea stories", "imaginary voyages", "relatos de aventura", "aventures", "roman d'aventures", "abenteuerroman"]),
    ("architecture", &["architektur"]),
    ("art", &["arts", "kunst", "arte", "art appreciation", "painting", "painters", "drawing", "fine arts"]),
    ("biography", &["biographies", "biography & autobiography", "biographies & autobiographies", "biographie", "biografía", "biografie",
        "biography: general", "autobiography", "autobiographies"]),
    ("business", &["business & economics", "management", "leadership", "success in business", "marketing", "entrepreneurship", "investments"]),
    ("children", &["children's fiction", "juvenile fiction", "juvenile literature", "juvenile works", "children's stories", "children's books",
        "children's literature", "children's stories, english", "children's stories, american", "child and youth fiction", "kinderbuch",
        "literatura infantil", "ficción juvenil", "romans, nouvelles, etc. pour la jeunesse", "ouvrages pour la jeunesse", "picture books",
        "picture books for children", "illustrated children's books", "children's poetry", "juvenile poetry", "juvenile drama",
        "literature and fiction, juvenile", "fairy tales", "toy and movable books", "stories in rhyme", "children's plays", "bedtime"]),
    ("classics", &["classic", "classic literature", "classic fiction", "classical literature", "fiction classics", "literature: classics",
        "literature - classics / criticism", "fiction / classics", "fiction, classics"]),
    ("comics", &["comic books, strips", "comic books, strips, etc.", "comic books, strips, etc", "graphic novels", "cartoons and comics", "comics",
        "comics & graphic novels", "manga", "cómics", "bandes dessinées", "novelas gráficas"]),
    ("computing", &["computers", "computer science", "computer programming", "programming", "software engineering", "programming languages (electronic computers)",
        "internet", "computer software", "operating systems (computers)", "informatique"]),
    ("contemporary", &["contemporary fiction", "contemporary", "domestic fiction", "fiction, family life", "fiction, family life, general",
        "fiction, contemporary women", "fiction, women"]),
    ("cooking", &["cookery", "cookbooks", "food", "cocina", "cuisine", "kochen"]),
    ("crafts", &["handicraft", "crafts & hobbies", "knitting", "needlework", "quilting", "sewing", "hobbies"]),
    ("crime", &["crime fiction", "fiction, crime", "crimes against", "gangsters", "organized crime", "novela policíaca", "roman policier"]),
    ("drama", &["plays", "theater", "theatre", "tragedy", "tragedies", "comedy", "comedies", "teatro", "théâtre", "english drama", "american drama", "greek drama",
        "greek drama (tragedy)", "greek drama (comedy)", "drama (dramatic works by one author)", "continental european drama (dramatic works by one author)",
        "british and irish drama (dramatic works by one author)"]),
    ("dystopia", &["dystopias", "dystopian fiction", "dystopian", "fiction, dystopian"]),
    ("economics", &["économie politique", "economía", "wirtschaft", "finance", "money"]),
    ("education", &["teaching", "study and teaching", "learning", "pädagogik"]),
    ("essays", &["american essays", "english essays", "essay", "ensayos"]),
    ("family", &["parenting", "child rearing", "family & relationships", "parent and child", "pregnancy"]),
    ("fantasy", &["fantasy fiction", "fantastic fiction", "english fantasy fiction", "american fantasy fiction", "novela fantástica", "novelas fantásticas",
        "roman fantastique", "fantasy & magic", "english fantasy literature", "phantastische literatur", "fantasía", "magic realism (literature)", "merveilleux",
        "science fiction & fantasy", "science fiction, fantasy, & magic", "juvenile fantasy fiction", "littérature fantastique"]),
    ("gardening", &["gardens", "plants", "horticulture"]),
    ("health", &["medicine", "health & fitness", "nutrition", "diseases", "physical fitness", "diet", "medical"]),
    ("historical-fiction", &["historical fiction", "novela histórica", "roman historique", "fiction, historical", "fiction, historical, general",
        "literature and fiction, historical fiction", "historischer roman", "fiction / historical"]),
    ("history", &["histoire", "historia", "geschichte", "ancient history", "world history", "military history", "history: world", "weltgeschichte"]),
    ("horror", &["horror tales", "horror fiction", "horror stories", "ghost stories", "cuentos de terror", "novela de terror", "fiction, horror", "gothic fiction"]),
    ("humor", &["humorous stories", "humorous fiction", "wit and humor", "american wit and humor", "english wit and humor", "humorous", "satire", "parodies",
        "fiction, humorous", "fiction, humorous, general", "humour", "humorismo", "fiction, satire", "comic"]),
    ("language", &["language and languages", "language study", "linguistics", "language arts", "grammar", "spanish language", "english language", "french language", "german language"]),
    ("literary-fiction", &["literary fiction", "literary", "fiction, literary", "fiction / literary", "psychological fiction", "fiction, psychological", "novela psicológica",
        "bildungsromans", "fiction, coming of age"]),
    ("mathematics", &["mathématiques", "matemáticas", "algebra", "geometry", "mathematik"]),
    ("memoir", &["memoirs", "personal memoirs", "personal narratives", "diaries", "mémoires", "memorias"]),
    ("music", &["musique", "música", "musik", "rock music", "jazz", "musicians"]),
    ("mystery", &["mystery fiction", "detective and mystery stories", "mystery and detective stories", "mystery & detective", "english detective and mystery stories",
        "american detective and mystery stories", "fiction, mystery & detective", "novela de misterio", "kriminalroman", "detective stories"]),
    ("nature", &["natural history", "animals", "ecology", "environment", "birds", "outdoor life"]),
    ("philosophy", &["philosophie", "filosofía", "ethics", "ancient philosophy", "metaphysics", "logic", "political philosophy"]),
    ("photography", &["photographers", "pictorial works", "artistic photography"]),
    ("poetry", &["poems", "poésie", "poesía", "american poetry", "english poetry", "poetry (poetic works by one author)", "epic poetry", "greek epic poetry", "lyrik", "gedichte"]),
    ("politics", &["political science", "politics and government", "politique et gouvernement", "política", "political", "politik", "international relations"]),
    ("psychology", &["psychologie", "psicología", "psychology & psychiatry", "psychoanalysis", "psychotherapy"]),
    ("religion", &["christianity", "bible", "theology", "christian life", "buddhism", "islam", "judaism", "spirituality", "spiritual life", "catholic church", "religión",
        "prayer", "hinduism", "mysticism"]),
    ("romance", &["romance fiction", "love stories", "romance literature", "romances", "cuentos de amor", "novela romántica", "liebesroman", "fiction, romance, general"]),
    ("science", &["physics", "biology", "astronomy", "chemistry", "evolution", "cosmology", "popular science", "sciences", "ciencia", "neuroscience", "geology"]),
    ("science-fiction", &["science-fiction", "american science fiction", "english science fiction", "ciencia-ficción", "ciencia ficción", "sci-fi", "science fiction, american",
        "science fiction, english", "cyberpunk fiction", "interplanetary voyages", "life on other planets"]),
    ("self-help", &["self-actualization (psychology)", "self-help techniques", "self help", "success", "personal growth", "conduct of life", "self-improvement"]),
    ("short-stories", &["short stories", "american short stories", "english short stories", "fiction, short stories (single author)", "cuentos", "nouvelles", "erzählung",
        "short stories (single author)"]),
    ("society", &["sociology", "social science", "social conditions", "social sciences", "feminism", "race relations", "anthropology", "culture"]),
    ("sports", &["sports & recreation", "baseball", "football", "soccer", "basketball", "golf", "horse racing"]),
    ("technology", &["engineering", "inventions", "technology & engineering"]),
    ("thriller", &["thrillers", "thriller fiction", "suspense", "suspense fiction", "novela de suspense", "spy stories", "legal stories", "fiction, thrillers", "fiction, suspense",
        "fiction, espionage", "fiction, legal", "spy fiction"]),
    ("travel", &["description and travel", "voyages and travels", "guidebooks", "travel writing", "viajes", "voyages", "reisen"]),
    ("true-crime", &["true crime stories"]),
    ("war", &["war stories", "war & military", "fiction, war & military", "world war, 1939-1945", "world war, 1914-1918", "military", "guerra"]),
    ("western", &["westerns", "western stories", "fiction, westerns", "western fiction"]),
    ("young-adult", &["young adult fiction", "teen fiction", "young adults", "young adult literature", "jugendbuch", "novela juvenil", "literatura juvenil"]),
];

/// The second part of headings such as `Fiction, fantasy, epic` or `FICTION / Thrillers / Suspense` (BISAC).
#[rustfmt::skip]
const KINDS: &[(&str, &str)] = &[
    ("action & adventure", "adventure"), ("sea stories", "adventure"), ("adventure", "adventure"), ("classics", "classics"), ("contemporary women", "contemporary"),
    ("family life", "contemporary"), ("women", "contemporary"), ("crime", "crime"), ("dystopian", "dystopia"), ("espionage", "thriller"), ("fantasy", "fantasy"),
    ("ghost", "horror"), ("gothic", "horror"), ("historical", "historical-fiction"), ("horror", "horror"), ("humorous", "humor"), ("legal", "thriller"),
    ("literary", "literary-fiction"), ("coming of age", "literary-fiction"), ("psychological", "literary-fiction"), ("mystery & detective", "mystery"),
    ("mystery", "mystery"), ("romance", "romance"), ("satire", "humor"), ("science fiction", "science-fiction"), ("short stories", "short-stories"),
    ("short stories (single author)", "short-stories"), ("suspense", "thriller"), ("thrillers", "thriller"), ("war & military", "war"), ("westerns", "western"),
];

/// What a story is about, as in `Magic, fiction` or `Magic -- Fiction`, where that makes a genre.
#[rustfmt::skip]
const TOPICS: &[(&str, &str)] = &[
    ("magic", "fantasy"), ("wizards", "fantasy"), ("witches", "fantasy"), ("dragons", "fantasy"), ("elves", "fantasy"), ("fairies", "fantasy"),
    ("imaginary wars and battles", "fantasy"), ("imaginary places", "fantasy"), ("middle earth (imaginary place)", "fantasy"),
    ("extraterrestrial beings", "science-fiction"), ("time travel", "science-fiction"), ("robots", "science-fiction"), ("space ships", "science-fiction"),
    ("space colonies", "science-fiction"), ("human-alien encounters", "science-fiction"), ("life on other planets", "science-fiction"),
    ("private investigators", "mystery"), ("women private investigators", "mystery"), ("women detectives", "mystery"), ("detectives", "mystery"),
    ("murder", "mystery"), ("police", "mystery"), ("serial murderers", "crime"), ("criminals", "crime"), ("vampires", "horror"), ("ghosts", "horror"),
    ("werewolves", "horror"), ("spies", "thriller"), ("intelligence officers", "thriller"), ("intelligence service", "thriller"), ("terrorism", "thriller"),
    ("assassins", "thriller"), ("courtship", "romance"), ("cowboys", "western"), ("outlaws", "western"), ("ranch life", "western"), ("soldiers", "war"),
    ("war", "war"), ("world war, 1939-1945", "war"), ("world war, 1914-1918", "war"),
];

/// What a heading says about genres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It names a genre and nothing more.
    Genre(&'static str),
    /// It names a topic of stories of this genre.
    Topic(&'static str),
    /// It is about something else.
    Other,
}

/// Genres of books that are no stories. A novel has their headings for what happens in it.
const NO_STORIES: &[&str] = &[
    "architecture",
    "art",
    "biography",
    "business",
    "computing",
    "cooking",
    "crafts",
    "economics",
    "education",
    "family",
    "gardening",
    "health",
    "history",
    "language",
    "mathematics",
    "memoir",
    "music",
    "nature",
    "philosophy",
    "photography",
    "politics",
    "psychology",
    "religion",
    "science",
    "self-help",
    "society",
    "sports",
    "technology",
    "travel",
    "true-crime",
];

/// Whether a genre is one of books that are no stories.
#[must_use]
pub fn is_no_story(slug: &str) -> bool {
    NO_STORIES.contains(&slug)
}

/// Whether a heading says that the book is a story.
#[must_use]
pub fn says_story(heading: &str) -> bool {
    let lower = heading.trim().to_lowercase();
    let first = lower.split([',', '/', ' ']).next().unwrap_or_default();
    matches!(first, "fiction" | "novela" | "ficción" | "roman" | "romans")
        || lower.ends_with(" fiction")
        || lower.ends_with(" stories")
        || lower.contains("fictitious character")
        || lower.contains("fictional works")
}

/// Reads a heading.
#[must_use]
pub fn read(heading: &str) -> Reading {
    let lower = heading.trim().trim_end_matches('.').to_lowercase();
    let named = NAMES.iter().find(|(slug, names)| {
        names.contains(&lower.as_str())
            || name_of(slug).is_some_and(|name| name.eq_ignore_ascii_case(&lower))
            || lower == *slug
    });
    if let Some((slug, _)) = named {
        return Reading::Genre(slug);
    }
    // What is not the name of a genre as a whole may be a path from the general to the special.
    let parts: Vec<&str> = lower
        .split([',', '/'])
        .flat_map(|part| part.split(" - "))
        .flat_map(|part| part.split("--"))
        .map(str::trim)
        .collect();
    let kind = |part: &&str| KINDS.iter().find(|(name, _)| name == part).map(|(_, slug)| *slug);
    match parts.as_slice() {
        ["fiction" | "juvenile fiction" | "young adult fiction" | "literature and fiction" | "novela", second, ..] => {
            kind(second).map_or(Reading::Other, Reading::Genre)
        }
        ["comics & graphic novels", ..] => Reading::Genre("comics"),
        ["cooking" | "cookery", ..] => Reading::Genre("cooking"),
        _ => topic(&lower).map_or(Reading::Other, Reading::Topic),
    }
}

fn topic(heading: &str) -> Option<&'static str> {
    const ENDS: &[&str] =
        &[", fiction", " - fiction", " -- fiction", " in fiction", " -- juvenile fiction", ", juvenile fiction"];
    let about = ENDS.iter().find_map(|end| heading.strip_suffix(end))?;
    TOPICS.iter().find(|(name, _)| *name == about).map(|(_, slug)| *slug)
}

/// The slug of a genre that somebody wrote by its slug or name, also one that the shop does not know yet.
#[must_use]
pub fn slug(text: &str) -> String {
    if let Reading::Genre(slug) = read(text) {
        return slug.to_owned();
    }
    let folded = text.to_lowercase().replace(['\'', '’'], "").replace('&', " and ");
    folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_headings_of_libraries() {
        for (heading, slug) in [
            ("Fantasy fiction", "fantasy"),
            ("Fiction, fantasy, general", "fantasy"),
            ("FICTION / Thrillers / Suspense", "thriller"),
            ("Juvenile fiction", "children"),
            ("Fiction, mystery & detective, women sleuths", "mystery"),
            ("Novela fantástica", "fantasy"),
            ("Science fiction", "science-fiction"),
            ("Comics & graphic novels, manga, general", "comics"),
            ("History", "history"),
            ("Children's Books", "children"),
            ("Fiction, science fiction, general", "science-fiction"),
            ("Histoire", "history"),
            ("Historical fiction", "historical-fiction"),
            ("Food & Cooking", "cooking"),
            ("Fiction - romance", "romance"),
        ] {
            assert_eq!(read(heading), Reading::Genre(slug), "{heading}");
        }
        assert_eq!(read("Magic - Fiction"), Reading::Topic("fantasy"));
        assert_eq!(read("Wizards -- Juvenile fiction"), Reading::Topic("fantasy"));
        assert_eq!(read("Private investigators, fiction"), Reading::Topic("mystery"));
        for other in [
            "Fiction",
            "England, fiction",
            "Hogwarts School of Witchcraft and Wizardry (Imaginary place)",
            "Fiction, general",
            "",
        ] {
            assert_eq!(read(other), Reading::Other, "{other}");
        }
    }

    #[test]
    fn tells_stories_from_other_books() {
        for heading in [
            "Fiction",
            "Fiction, general",
            "Juvenile fiction",
            "Detective and mystery stories",
            "Magic, fiction",
            "Romans, nouvelles",
        ] {
            assert!(says_story(heading), "{heading}");
        }
        for heading in ["Nonfiction", "History", "Fictions of empire", "History and criticism", ""] {
            assert!(!says_story(heading), "{heading}");
        }
        assert!(NO_STORIES.iter().all(|slug| name_of(slug).is_some()));
    }

    #[test]
    fn every_genre_is_one_of_the_shop() {
        for slug in NAMES.iter().map(|(slug, _)| slug).chain(KINDS.iter().chain(TOPICS).map(|(_, slug)| slug)) {
            assert!(name_of(slug).is_some(), "{slug}");
        }
    }

    #[test]
    fn no_heading_names_two_genres() {
        let mut all: Vec<_> = NAMES.iter().flat_map(|(_, names)| *names).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn makes_slugs() {
        assert_eq!(slug("Science Fiction"), "science-fiction");
        assert_eq!(slug("science-fiction"), "science-fiction");
        assert_eq!(slug("Solarpunk & Hope"), "solarpunk-and-hope");
        assert_eq!(slug("Women's Fiction"), "womens-fiction");
        assert_eq!(slug("***"), "");
    }
}
