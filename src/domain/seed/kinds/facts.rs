//! Books about the world: science, history, lives and thought.

use super::Kind;

#[rustfmt::skip]
pub(super) const KINDS: &[Kind] = &[
    Kind {
        language: "en",
        weight: 60,
        genre: "history",
        also: &["politics", "war", "society", "religion", "economics"],
        titles: &[
            "the {fall} of {empire}", "{subject} and the {fall} of {empire}", "the {work}s of {empire}",
            "{a adj} history of {subject}", "{empire}", "a short history of {subject}", "{subject}",
            "the {subject} that changed the world", "{city}", "the {adj} {war}", "the {war}",
            "{empire} and its enemies", "the people of {country}", "the making of modern {country}",
            "{country} at war", "the {fall} of the {adj} republic", "winter in {city}",
        ],
        subtitles: &[
            "a history", "a new history", "the {fall} of a world", "from {years} to the present",
            "a history in {count} objects", "how {subject} made us", "a biography of a city",
        ],
        series: &["A History of {country}", "Lives of {empire}"],
        blurb: [
            &[
                "For {count} centuries {empire} ruled the known world; then came the {fall}.",
                "We think we know the story of {subject}.",
                "In {years} a fleet of ships left {city}, loaded with {subject}.",
            ],
            &[
                "Drawing on archives in {city} and {city2}, this book tells it from below.",
                "Here are the merchants, the cooks, the soldiers and the spies of the {war}.",
                "From the kitchens of {country} to the court, {subject} shaped how people lived.",
            ],
            &[
                "A gripping narrative of {idea} and empire.", "The standard work, now revised.",
                "With {count} maps and colour plates.",
            ],
        ],
        words: &[
            ("fall", &[
                "rise", "fall", "decline", "birth", "triumph", "twilight", "collapse", "making", "siege",
                "invention",
            ]),
            ("empire", &[
                "Rome", "Byzantium", "Carthage", "the Ottomans", "the Habsburgs", "the Mongols", "Assyria",
                "Persia", "the Inca", "Mali", "the Hanseatic League", "the Mughals", "Venice", "Sparta",
                "Babylon", "the Vikings", "the Silk Road", "the Tang",
            ]),
            ("subject", &[
                "salt", "sugar", "cotton", "tea", "coffee", "gunpowder", "paper", "silver", "the horse",
                "the plough", "the compass", "the garden", "the kitchen", "bread", "the railway", "the plague",
                "silk", "whaling", "spice", "the clock", "the map", "winter",
            ]),
            ("war", &[
                "Cold War", "Great War", "Peasants' War", "Hundred Years' War", "Crusades", "Revolution",
                "Reformation", "Restoration", "Partition", "Blockade",
            ]),
            ("years", &[
                "1204", "1348", "1453", "1492", "1517", "1648", "1688", "1789", "1815", "1848", "1914", "1945",
                "1989",
            ]),
        ],
        subjects: &["History", "Civilization", "Military history", "Social history", "World politics"],
        price: 1.35,
        pages: (220, 820),
    },
    Kind {
        language: "en",
        weight: 45,
        genre: "science",
        also: &["nature", "mathematics", "technology", "essays"],
        titles: &[
            "the {adj} {thing}", "{things} and {things2}: {a adj} science", "the {adj} science of {things}",
            "{a adj} guide to {field}", "the {thing}", "{thing}s", "the secret life of {things}",
            "why {things} matter", "the {thing} code", "a field guide to {things}", "the origin of {things}",
            "{things} and us", "the chemistry of {idea}", "the physics of {things}", "{field}",
            "introduction to {field}", "{a adj} introduction to {field}", "{field}, {field2} and {field3}",
            "a brief history of {field}", "the beauty of {field}", "the universe in {a noun}",
        ],
        subtitles: &[
            "a very short guide", "the new science of {things}", "how {field} explains the world",
            "a journey into {field}", "theory and practice",
        ],
        series: &["{^field}: The Basics", "Ideas in {^field}"],
        blurb: [
            &[
                "What are {things}, and why do they exist at all?",
                "{^field} has changed more in ten years than in the hundred before.",
                "Every {season} trillions of {things} do something that nobody can explain.",
            ],
            &[
                "Without formulas, but never without rigour, the author explains {field}.",
                "From a laboratory in {city} to the edge of the universe, this is the story of {things}.",
                "Along the way we meet the people who counted, weighed and named {things}.",
            ],
            &[
                "For everyone who has ever looked up and asked why.", "Popular science at its best.",
                "A textbook with worked examples and exercises.",
            ],
        ],
        words: &[
            ("thing", &[
                "atom", "black hole", "brain", "cell", "comet", "element", "enzyme", "gene", "glacier",
                "molecule", "neuron", "photon", "planet", "quark", "star", "virus", "volcano",
            ]),
            ("things", &[
                "atoms", "black holes", "bacteria", "bees", "birds", "comets", "dinosaurs", "elements", "fungi",
                "genes", "glaciers", "numbers", "oceans", "octopuses", "particles", "planets", "stars", "trees",
                "viruses", "volcanoes", "whales",
            ]),
            ("field", &[
                "astronomy", "biochemistry", "biology", "chemistry", "climate science", "cosmology", "ecology",
                "evolution", "genetics", "geology", "neuroscience", "oceanography", "palaeontology",
                "particle physics", "quantum mechanics", "relativity", "thermodynamics",
            ]),
        ],
        subjects: &["Science", "Physics", "Biology", "Astronomy", "Evolution"],
        price: 1.4,
        pages: (160, 620),
    },
    Kind {
        language: "en",
        weight: 50,
        genre: "computing",
        also: &["technology", "mathematics", "education", "business"],
        titles: &[
            "{tech} in practice", "{things} with {tech}", "{adj} {tech}", "{craft} in {tech}",
            "{things} and {things2} in {tech}", "learning {tech}", "the {tech} handbook", "{tech}",
            "algorithms for {things}", "algorithms and {things}", "{adj} algorithms", "designing {things}",
            "the art of {craft}", "{craft} for {work}s", "{tech} cookbook", "effective {tech}", "{craft}",
            "introduction to algorithms for {things}", "practical {tech}", "{things} from scratch",
            "the {tech} programmer", "patterns of {things}",
        ],
        subtitles: &[
            "a practical guide", "principles and practice", "building reliable {things}", "from first principles",
            "{count} recipes for {things}", "a hands-on introduction", "with examples in {tech}",
        ],
        series: &["{tech} in Depth", "The {^craft} Library"],
        blurb: [
            &[
                "{tech} is easy to begin and hard to master.",
                "Every programmer meets {things} sooner or later; few know the algorithms behind them.",
                "This book teaches {craft} with {tech}, one working program at a time.",
            ],
            &[
                "You will build {things} that survive failure, load and their own authors.",
                "Chapters cover algorithms, data structures, testing and {things}.",
                "It explains the why as well as the how of {craft}.",
                "Each algorithm is proved, measured and then made fast.",
            ],
            &[
                "For beginners and old hands alike.", "With exercises and solutions.",
                "Fully revised for current versions.",
            ],
        ],
        words: &[
            ("tech", &[
                "C++", "Clojure", "Erlang", "Fortran", "Go", "Haskell", "Java", "JavaScript", "Kotlin",
                "Kubernetes", "Linux", "Lisp", "OCaml", "PostgreSQL", "Python", "Redis", "Ruby", "Rust", "Scala",
                "Smalltalk", "SQL", "Swift", "TypeScript", "WebAssembly", "Zig",
            ]),
            ("things", &[
                "caches", "compilers", "concurrent programs", "data streams", "databases", "distributed systems",
                "embedded systems", "game engines", "graphs", "interpreters", "machine learning",
                "message queues", "networks", "neural networks", "operating systems", "search engines",
                "strings", "type systems", "web services",
            ]),
            ("craft", &[
                "code review", "cryptography", "data modelling", "debugging", "functional programming",
                "performance engineering", "programming", "refactoring", "software architecture",
                "software testing", "system administration", "systems programming", "user interface design",
            ]),
        ],
        subjects: &[
            "Computer algorithms", "Programming languages", "Software engineering", "Data structures", "Databases",
        ],
        price: 2.2,
        pages: (180, 860),
    },
    Kind {
        language: "en",
        weight: 22,
        genre: "mathematics",
        also: &["science", "education", "computing"],
        titles: &[
            "{field}", "introduction to {field}", "a first course in {field}", "the joy of {field}",
            "{field} for the curious", "{field} and {field2}", "the {adj} theorem", "problems in {field}",
            "lectures on {field}", "{count} proofs",
        ],
        subtitles: &[
            "theory and problems", "a first course", "an invitation", "with {count} exercises",
            "the story of an idea",
        ],
        series: &["Lectures in {^field}"],
        blurb: [
            &[
                "{^field} is older than writing and younger than last week.",
                "A first course in {field} for students of science.",
                "What does {field} have to do with {idea}?",
            ],
            &[
                "Each chapter ends with problems, from the routine to the unsolved.",
                "Proofs are short, pictures are many, and {field2} is never far away.",
            ],
            &["Only school algebra is needed.", "A classic, in a new edition."],
        ],
        words: &[("field", &[
                "abstract algebra", "analysis", "calculus", "category theory", "combinatorics", "complex numbers",
                "differential equations", "game theory", "geometry", "graph theory", "group theory",
                "linear algebra", "logic", "number theory", "prime numbers", "probability", "set theory",
                "statistics", "topology",
            ],
        )],
        subjects: &["Mathematics", "Algebra", "Geometry", "Probabilities"],
        price: 1.9,
        pages: (120, 640),
    },
    Kind {
        language: "en",
        weight: 65,
        genre: "biography",
        also: &["memoir", "history", "art", "music", "politics", "sports"],
        titles: &[
            "{hero}", "{hero}, {work}", "the {adj} {noun} of {hero}", "{a work} in {city}",
            "{a adj} {noun}: my life as {a work}", "the {adj} life of {hero}", "{first}: a life",
            "my {season} in {city}", "the {work} from {city}", "becoming {a work}", "{a work}'s life",
            "a {work} remembers", "{family}", "the last {work}", "my mother's {noun}", "the kitchen years",
            "notes of {a adj} {work}",
        ],
        subtitles: &[
            "a life", "a biography", "a memoir", "the life of {a work}", "a memoir of {idea}", "an autobiography",
        ],
        series: &[],
        blurb: [
            &[
                "{hero} was {a work}, a rebel and the most famous face in {city}.",
                "Born above a shop in {city}, {hero} wanted to be {a work}.",
                "In this memoir of {idea} the author goes back to {place}.",
            ],
            &[
                "From letters and diaries emerges a life of {idea}.",
                "There were three marriages, one {noun} and a long silence.",
                "It is the story of a family, a kitchen table and {a adj} {noun}.",
            ],
            &["The definitive biography.", "Honest, funny and without self-pity.", "A life in full."],
        ],
        words: &[],
        subjects: &["Biography", "Autobiographies", "Women", "Artists", "Statesmen"],
        price: 1.25,
        pages: (180, 640),
    },
    Kind {
        language: "en",
        weight: 40,
        genre: "philosophy",
        also: &["religion", "essays", "politics", "society", "psychology"],
        titles: &[
            "on {idea}", "{idea}, {idea2} and {idea3}", "the {adj} {noun}: on {idea}", "{idea} without {idea2}",
            "the idea of {idea}", "{idea} and {idea2}", "a defence of {idea}", "the {adj} self", "against {idea}",
            "the meaning of {idea}", "{idea}: an inquiry", "the {school} way", "how {school}s think about {idea}",
            "essays on {idea}", "the ethics of {idea}", "why {idea}?", "the end of {idea}",
        ],
        subtitles: &[
            "a philosophical inquiry", "essays", "an essay on {idea2}", "a very short introduction",
            "from the {school}s to today",
        ],
        series: &[],
        blurb: [
            &[
                "What is {idea}, and can we live without it?", "The {school}s held that {idea} is a skill.",
                "We speak of {idea} as if we knew what it was.",
            ],
            &[
                "The author argues that {idea} rests on {idea2}, and not the other way round.",
                "With examples from law, medicine and the kitchen, the argument is made plain.",
                "Plain prose and hard questions lead from antiquity to now.",
            ],
            &["Philosophy for readers who are not philosophers.", "A short book with a long echo."],
        ],
        words: &[("school", &[
                "Stoic", "Sceptic", "Epicurean", "pragmatist", "Buddhist", "existentialist", "Platonist",
                "Confucian", "mystic", "humanist",
            ],
        )],
        subjects: &["Philosophy", "Ethics", "Conduct of life", "Religion"],
        price: 1.2,
        pages: (96, 420),
    },
    Kind {
        language: "en",
        weight: 45,
        genre: "politics",
        also: &["society", "economics", "history", "essays"],
        titles: &[
            "the {adj} {state}", "{state} and {idea} in {country}", "the {adj} {state} of {country}",
            "{idea}, {idea2} and {state}", "{state}", "the {state} of {country}", "how {state}s end",
            "the price of {idea}", "{country}", "after {state}", "the {adj} bargain", "money and {idea}",
            "the economics of {idea}", "who owns {country}?", "the {work}s' revolt",
        ],
        subtitles: &[
            "power and money in {country}", "how {state} works", "the crisis of {state}", "a manifesto",
            "an economic history", "reports from {city}",
        ],
        series: &[],
        blurb: [
            &[
                "Nobody voted for {state}, and everybody lives in it.",
                "Since the crash, {country} has been run on {idea}.",
                "Why do some countries grow rich while others stay poor?",
            ],
            &[
                "From interviews in {city} and {city2} comes a picture of {state} at work.",
                "The numbers are plain; the politics of {idea} are not.",
                "It shows how taxes, trade and {idea} hang together.",
            ],
            &["A sharp and readable argument.", "Essential reading for anyone who votes."],
        ],
        words: &[("state", &[
                "austerity", "bureaucracy", "capitalism", "democracy", "empire", "globalization", "inequality",
                "inflation", "populism", "socialism", "sovereignty", "surveillance", "the market", "the republic",
                "the welfare state",
            ],
        )],
        subjects: &["Political science", "Democracy", "Economic policy", "Globalization"],
        price: 1.2,
        pages: (160, 480),
    },
];
