//! Several authors in one cell.

use super::columns::Dialect;

/// Names of one word that stand alone, where a single word is otherwise half of a hyphenated name. Classical authors,
/// pen names and makers of books, as they occur in catalogues.
#[rustfmt::skip]
const SINGLE_NAMES: &[&str] = &[
    "Aeschylus", "Aesop", "Anaximander", "Anaximenes", "Anonymous", "Apollodorus", "Apuleius", "Aristophanes", "Aristotle",
    "Avi", "Babrius", "Banksy", "Boccaccio", "Boethius", "Bono", "BookRags", "Catullus", "CLAMP", "Cicero", "CliffsNotes",
    "Colette", "Confucius", "D'Israeli", "Dante", "Demosthenes", "Dōgen", "Empedocles", "Epictetus", "Epicurus", "Erasmus",
    "Euclid", "Euripides", "Galen", "Geneviève", "Gurihiru", "Hafez", "Hanshan", "Heraclitus", "Hergé", "Herodotus", "Hesiod",
    "Hipparchus", "Hippocrates", "Homer", "Horace", "Hyginus", "Jock", "Josephus", "Juvenal", "Kalidasa", "Kapila", "Kara",
    "Kautilya", "Larousse", "Laozi", "Livy", "Longinus", "Longus", "Lucan", "Lucian", "Lucretius", "Magner", "Manu", "Martial",
    "Masha", "Menander", "Mencius", "MinaLima", "Moebius", "Molière", "Moonshine", "Multatuli", "Mystery", "Mécia", "Mœbius",
    "Nāgārjuna", "Nextext", "Novalis", "Ouida", "Ovid", "Pansy", "Parmenides", "Patañjali", "Peyo", "Petrarch", "Petronius",
    "Phaedrus", "Pindar", "Plato", "Plautus", "Plotinus", "Plutarch", "Pociao", "Polybius", "Pliny", "Proclus", "Propertius",
    "Protagoras", "Ptolemy", "Pythagoras", "Quino", "Quintilian", "Ramanuja", "Raël", "Rumi", "Ryōkan", "Saki", "Sallust",
    "Sappho", "Sapphire", "Seneca", "Seth", "Socrates", "Sophocles", "SparkNotes", "Statius", "Stendhal", "Strabo",
    "Suetonius", "Sunny", "Sunzi", "Surgana", "Tacitus", "Terence", "Thales", "Theocritus", "Theophrastus", "Thrasymachus",
    "Thucydides", "Tijan", "Trevanian", "Unknown", "Valmiki", "Various", "Vercors", "Virgil", "Vitruvius", "Voltaire", "Von",
    "Vyasa", "Xenophon", "YKids", "Zane", "Zhuangzi",
];

/// First halves of hyphenated given names: what follows belongs to them.
#[rustfmt::skip]
const FIRST_HALVES: &[&str] = &[
    "Abdul", "Abu", "Adam", "Al", "Ann", "Anna", "Anne", "Be", "Bo", "Carl", "Chi", "Claude", "Călin", "Eun", "Fitz", "Georg",
    "Hans", "Hye", "Hyun", "Jan", "Jean", "Jee", "Ji", "Joel", "Johann", "John", "Jorma", "Ju", "Jung", "Kang", "Karl", "Kim",
    "Klaus", "Louis", "Lin", "Maria", "Marie", "Mary", "Mei", "Michele", "Min", "Pascale", "Paul", "Pierre", "Sang", "Seung",
    "Soo", "Sung", "Time", "Tae", "Wolf", "Xiao", "Ying", "Yun", "Éric", "Eric",
];

/// What is written after a name, with a comma before it.
const SUFFIXES: &[&str] = &[
    "jr", "sr", "ii", "iii", "iv", "phd", "md", "ma", "ba", "dds", "esq", "inc", "ltd", "llc", "rn", "sj", "op", "osb",
];

/// The authors of a cell.
#[must_use]
pub fn split(cell: &str, dialect: Dialect) -> Vec<String> {
    let names = match dialect {
        Dialect::GoodreadsBooks => split_hyphens(cell),
        Dialect::Goodbooks10k => split_commas(cell),
        Dialect::Own if cell.contains(';') => cell.split(';').map(str::to_owned).collect(),
        Dialect::Own => cell.split('|').map(str::to_owned).collect(),
    };
    names.into_iter().filter(|name| !name.trim().is_empty()).collect()
}

fn split_commas(cell: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for piece in cell.split(',') {
        let bare: String = piece.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        match names.last_mut() {
            Some(name) if SUFFIXES.contains(&bare.as_str()) => {
                name.push(',');
                name.push_str(piece);
            }
            _ => names.push(piece.trim().to_owned()),
        }
    }
    names
}

/// How a piece between two hyphens relates to its neighbours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// More than one word: it has a name's beginning and its end.
    Whole,
    /// One word that is a name.
    Single,
    /// One word that begins a name.
    FirstHalf,
    /// One word that ends a name.
    LastHalf,
}

/// In names joined by hyphens, a piece of one word is rarely a name: it is half of one that has a hyphen itself.
fn split_hyphens(cell: &str) -> Vec<String> {
    let pieces: Vec<&str> = cell.split('-').collect();
    let kinds: Vec<Piece> = pieces.iter().map(|piece| kind(piece.trim())).collect();
    let mut names: Vec<String> = Vec::new();
    // Whether the next piece belongs to the last name, and whether that name still lacks its second word.
    let mut joins_next = false;
    for (at, (piece, kind)) in pieces.iter().zip(&kinds).enumerate() {
        let next = kinds.get(at + 1);
        let begins = *kind == Piece::FirstHalf && next.is_some_and(|next| *next != Piece::Single);
        let open_bracket = names.last().is_some_and(|name| name.matches('(').count() > name.matches(')').count());
        let lower = piece.trim().chars().next().is_some_and(char::is_lowercase);
        let ends = matches!(kind, Piece::LastHalf | Piece::FirstHalf)
            && !begins
            && names.last().is_some_and(|name| name.contains(' ') || name.contains('-') || joins_next);
        let joins = joins_next || ends || open_bracket || lower && !names.is_empty();
        match names.last_mut() {
            Some(name) if joins => {
                name.push('-');
                name.push_str(piece);
            }
            _ => names.push((*piece).to_owned()),
        }
        joins_next = begins;
    }
    names
}

fn kind(piece: &str) -> Piece {
    if piece.contains(char::is_whitespace) {
        Piece::Whole
    } else if SINGLE_NAMES.contains(&piece) || is_single(piece) {
        Piece::Single
    } else if FIRST_HALVES.contains(&piece) {
        Piece::FirstHalf
    } else {
        Piece::LastHalf
    }
}

/// Writing without letter case (Chinese, Japanese, Korean) has no hyphens in names; capitals in the middle are those of a
/// brand, but for `McKenna`.
fn is_single(word: &str) -> bool {
    let caseless = word.chars().any(|c| c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase());
    let capitals = word.chars().filter(|c| c.is_uppercase()).count();
    let scottish = word.starts_with("Mc") || word.starts_with("Mac") || word.contains('\'');
    caseless || capitals > 1 && !scottish && !word.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_hyphens_in_names_from_those_between() {
        for expected in [
            &["J.K. Rowling", "Mary GrandPré"][..],
            &["Jean-Paul Sartre"],
            &["Jean-Paul Sartre", "James  Wood", "Robert Baldick"],
            &["Antoine de Saint-Exupéry"],
            &["Antoine de Saint-Exupéry", "Katherine Woods"],
            &["Stacy Schiff", "Antoine de Saint-Exupéry"],
            &["Arturo Pérez-Reverte", "Margaret Jull Costa"],
            &["A.S. Byatt", "Jean-Louis Chevalier"],
            &["Homer", "Robert Fagles", "Bernard Knox"],
            &["David Grene", "Aeschylus", "Sophocles", "Euripides"],
            &["Mary Pope Osborne", "Homer", "Troy Howell"],
            &["Beatrice Sparks", "Anonymous"],
            &["William Shakespeare", "SparkNotes"],
            &["Carl Senna", "CliffsNotes", "Richard Wright"],
            &["J.K. Rowling", "J.K.羅琳", "彭倩文"],
            &["Junji Ito", "伊藤潤二", "Naomi Kokubo"],
            &["Michael Crichton", "Anne-Marie Martin"],
            &["Ju-Yeon Rhim"],
            &["Kara", "Jee-Hyung Lee"],
            &["Éric-Emmanuel Schmitt"],
            &["Mary Wollstonecraft", "Miriam Brody-Kramnick"],
            &["Marita Conlon-McKenna", "Martina Devlin"],
            &["Wang Wei", "Li Shang-yin", "David        Young"],
            &["Greg Behrendt", "Amiira Ruotola (-Behrendt)"],
            &["Time-Life Books"],
            &["Mircea Eliade", "Diane Apostolos-Cappadona", "Alf Hiltebeitel"],
            &["Louis-Ferdinand Céline", "Ralph Manheim"],
            &["Salma H. Al-Kuzbari"],
            &["Cecil Day-Lewis"],
            &["Plato"],
            &["Jean"],
            &["Rob Kidd", "Jean-Paul Orpinas", "Walt Disney Company"],
            &["Geneviève", "Michael    Heath"],
        ] {
            assert_eq!(split(&expected.join("-"), Dialect::GoodreadsBooks), expected);
        }
    }

    #[test]
    fn keeps_what_belongs_to_a_name() {
        let names = |cell| split(cell, Dialect::Goodbooks10k);
        assert_eq!(names("J.K. Rowling, Mary GrandPré"), ["J.K. Rowling", "Mary GrandPré"]);
        assert_eq!(names("Kurt Vonnegut, Jr., Sam Wong, Ph.D., Joe"), ["Kurt Vonnegut, Jr.", "Sam Wong, Ph.D.", "Joe"]);
        assert_eq!(names("DK Publishing, Inc."), ["DK Publishing, Inc."]);
        assert_eq!(names("Homer, , "), ["Homer"]);
        assert_eq!(split("Rowling, J.K.; GrandPré, Mary", Dialect::Own), ["Rowling, J.K.", " GrandPré, Mary"]);
        assert_eq!(split("A|B", Dialect::Own), ["A", "B"]);
        assert_eq!(split("Jean-Paul Sartre, Jr.", Dialect::Own), ["Jean-Paul Sartre, Jr."]);
    }

    proptest::proptest! {
        #[test]
        fn loses_no_letter(cell in "[A-Ca-c(). -]{0,30}") {
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
            proptest::prop_assert_eq!(letters(&split(&cell, Dialect::GoodreadsBooks).concat()), letters(&cell));
        }
    }
}
