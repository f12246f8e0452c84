//! Words that books of every kind share.

use super::template::Slots;

/// The common lists. A kind's own list of the same name goes before.
#[rustfmt::skip]
pub(super) const COMMON: Slots = &[
    ("place", &[
        "Aldermere", "Ashford", "Blackwater", "Brackenridge", "Brindle Bay", "Calder Falls", "Cedar Hollow",
        "Coldharbour", "Cranmoor", "Dunhaven", "Eastmarch", "Elmswood", "Fairhaven", "Fallow Hill", "Fernbrook",
        "Glenmorrow", "Greyfriars", "Hallowdene", "Harrowgate", "Heron Island", "Highfield", "Ironbridge",
        "Juniper Lane", "Kestrel Point", "Larkspur", "Lowestone", "Maple Street", "Marlow Quay", "Mirefield",
        "Moorgate", "Northwick", "Oakhaven", "Otter Creek", "Pendle Rock", "Quarry Bank", "Ravensholm",
        "Redwater", "Rookery Hall", "Saltcote", "Silver Lake", "Stonewall Farm", "Swallow Street", "Thornbury",
        "Tidewater", "Underwood", "Vinegar Hill", "Westering", "Whitecliff", "Willow Bend", "Winterbourne",
        "Wolf Creek", "Yewtree House",
    ]),
    ("city", &[
        "Amsterdam", "Athens", "Barcelona", "Berlin", "Bombay", "Boston", "Bruges", "Buenos Aires", "Cairo",
        "Cape Town", "Chicago", "Copenhagen", "Dublin", "Edinburgh", "Florence", "Granada", "Hanoi", "Havana",
        "Helsinki", "Hong Kong", "Istanbul", "Jerusalem", "Kraków", "Kyoto", "Lagos", "Lisbon", "London",
        "Madrid", "Marseille", "Melbourne", "Mexico City", "Montreal", "Naples", "New Orleans", "New York",
        "Oslo", "Palermo", "Paris", "Porto", "Prague", "Reykjavík", "Rome", "Samarkand", "San Francisco",
        "Seville", "Shanghai", "Singapore", "St. Petersburg", "Stockholm", "Tangier", "Tokyo", "Trieste",
        "Venice", "Vienna", "Warsaw", "Zanzibar", "Zürich",
    ]),
    ("country", &[
        "Argentina", "Brazil", "Canada", "Chile", "Denmark", "Egypt", "Ethiopia", "France", "Georgia", "Germany",
        "Ghana", "Greece", "Iceland", "India", "Ireland", "Italy", "Japan", "Kenya", "Korea", "Mexico",
        "Morocco", "Nigeria", "Norway", "Peru", "Poland", "Portugal", "Scotland", "Spain", "Sweden", "Turkey",
        "Vietnam", "Wales",
    ]),
    ("season", &["winter", "spring", "summer", "autumn"]),
    ("month", &[
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ]),
    ("count", &["two", "three", "four", "five", "six", "seven", "nine", "twelve", "thirteen", "a hundred"]),
    ("adj", &[
        "ancient", "amber", "autumn", "bitter", "black", "blue", "borrowed", "bright", "broken", "burning",
        "buried", "copper", "crimson", "crooked", "cruel", "dark", "distant", "drowned", "empty", "endless",
        "faithful", "fallen", "final", "first", "forbidden", "forgotten", "fragile", "frozen", "gentle",
        "gilded", "glass", "golden", "grey", "hidden", "hollow", "hungry", "innocent", "iron", "ivory", "last",
        "little", "lonely", "long", "lost", "midnight", "narrow", "northern", "old", "other", "pale", "paper",
        "patient", "perfect", "quiet", "reckless", "restless", "ruined", "sacred", "salt", "scarlet", "second",
        "secret", "shattered", "silent", "silver", "sleeping", "small", "southern", "stolen", "strange",
        "sudden", "tender", "unfinished", "unspoken", "vanished", "velvet", "wandering", "white", "wild",
        "winter", "wooden", "yellow",
    ]),
    ("noun", &[
        "apple", "archive", "attic", "bell", "bird", "boat", "bone", "book", "bridge", "candle", "carousel",
        "cathedral", "child", "clock", "coast", "compass", "cottage", "cup", "daughter", "door", "echo", "ember",
        "envelope", "feather", "field", "fire", "flame", "forest", "fountain", "fox", "garden", "gate", "ghost",
        "harbour", "heart", "heron", "hill", "horizon", "hotel", "hour", "house", "island", "key", "kitchen",
        "lake", "lantern", "letter", "library", "light", "lighthouse", "map", "meadow", "memory", "mirror",
        "moon", "mountain", "museum", "night", "ocean", "orchard", "owl", "painter", "path", "photograph",
        "piano", "rain", "raven", "river", "road", "room", "rose", "sea", "shadow", "shore", "silence", "sister",
        "sky", "snow", "song", "sparrow", "star", "station", "stone", "storm", "stranger", "street", "suitcase",
        "summer", "swan", "thief", "tide", "tower", "train", "tree", "valley", "violin", "voice", "wall",
        "watchmaker", "water", "well", "widow", "wind", "window", "winter", "wolf", "wood",
    ]),
    ("plural", &[
        "angels", "ashes", "bees", "bells", "birds", "bones", "bridges", "candles", "cards", "children",
        "clocks", "clouds", "crows", "daughters", "days", "doors", "dreams", "echoes", "feathers", "fires",
        "flowers", "foxes", "gardens", "ghosts", "herons", "hours", "houses", "islands", "keys", "kings",
        "lanterns", "leaves", "letters", "lies", "lilies", "maps", "mirrors", "moths", "mothers", "mountains",
        "names", "needles", "nights", "oranges", "orchards", "pearls", "promises", "ravens", "rivers", "roads",
        "rooms", "roses", "sailors", "secrets", "shadows", "ships", "sisters", "sons", "songs", "sparrows",
        "stars", "stones", "storms", "strangers", "swallows", "thieves", "things", "threads", "tides", "trains",
        "trees", "voices", "walls", "waters", "whispers", "widows", "windows", "wings", "winters", "wolves",
        "women", "words", "years",
    ]),
    ("idea", &[
        "absence", "beauty", "belonging", "chance", "courage", "desire", "doubt", "exile", "faith", "forgetting",
        "forgiveness", "freedom", "friendship", "grief", "happiness", "home", "honour", "hope", "hunger",
        "innocence", "justice", "kindness", "leaving", "longing", "loss", "love", "luck", "memory", "mercy",
        "patience", "power", "regret", "silence", "solitude", "sorrow", "time", "trust", "truth", "wonder",
    ]),
    ("work", &[
        "archivist", "astronomer", "baker", "beekeeper", "bookbinder", "bookseller", "botanist", "butcher",
        "cartographer", "clockmaker", "cook", "dancer", "doctor", "dressmaker", "engineer", "ferryman",
        "fisherman", "forger", "gardener", "glassblower", "governess", "innkeeper", "judge", "lighthouse keeper",
        "librarian", "locksmith", "midwife", "musician", "nurse", "painter", "pharmacist", "photographer",
        "pianist", "pilot", "postman", "printer", "sailor", "schoolteacher", "seamstress", "shepherd", "soldier",
        "surgeon", "tailor", "translator", "weaver",
    ]),
];

/// Houses that publish. The first third is large.
#[rustfmt::skip]
pub(super) const PUBLISHERS: &[&str] = &[
    "Alder & Finch", "Beacon Row", "Blackthorn House", "Bluebell Books", "Bridgewater Press", "Castle Gate",
    "Copper Beech", "Crescent & Sons", "Evergreen House", "Fourth Lantern", "Granite Hill", "Harbour Lane",
    "Hawksmoor Press", "Inkwell & Oak", "Juniper House", "Kingfisher Court", "Lamplight Editions", "Larkfield Press",
    "Lighthouse & Lowe", "Marigold Press", "Meridian House", "Milestone Books", "Mulberry Tree", "New Quay Press",
    "Nightjar Books", "North Star Publishing", "Northwind University Press", "Old Mill Press", "Open Window",
    "Orchard & Vale", "Paper Crane", "Parchment Row", "Penny Loaf Books", "Pine Street Press", "Quayside Editions",
    "Red Kite Press", "Riverbend University Press", "Rookwood & Daughters", "Saffron House", "Salt & Stone",
    "Second Story Books", "Silver Birch", "Skylark Press", "Small Hours Press", "Sparrow & Key",
    "Stonecrop Publishing", "Summerhill Press", "Tall Ship Books", "Thistle & Thorn", "Three Herons",
    "Tin Roof Press", "Two Rivers Press", "Umber House", "Vellum & Vine", "Waverley Academic", "Weathervane Books",
    "West Pier Press", "White Heron Press", "Wild Plum", "Windrush Editions", "Wren & Robin", "Yellow Door Books",
];
