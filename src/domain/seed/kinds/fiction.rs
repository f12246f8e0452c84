//! Novels, stories and poems.

use super::Kind;

#[rustfmt::skip]
pub(super) const KINDS: &[Kind] = &[
    Kind {
        language: "en",
        weight: 110,
        genre: "fantasy",
        also: &["adventure", "young-adult", "romance", "humor"],
        titles: &[
            "the {adj} {beast}", "{a adj} {relic} of {stuff} and {stuff2}",
            "the {beast} of {realm} and the {adj} {relic}", "the {adj} {mage} of {realm}",
            "{a adj} {relic} of {stuff}", "the {beast}'s {kin}", "the {relic} of {realm}", "{realm}",
            "a {relic} of {plural} and {stuff}", "the {mage} of {realm}", "the last {mage}", "{stuff} and {stuff2}",
            "the {mage}'s {relic}", "{beast} {season}", "the {adj} {mage}", "of {beasts} and {plural}",
            "the {relic} and the {relic2}", "how to tame {a adj} {beast}", "the {kin} of {beasts}",
            "the {adj} {relic}", "beneath the {adj} {noun}", "song of the {adj} {beast}", "the {season} of {beasts}",
            "{beasts} of {realm}", "the {count} {relic}s of {realm}", "the garden of the {beast}",
            "when {beasts} dream", "the {beast} of {place}",
        ],
        subtitles: &["a novel of {realm}", "an epic fantasy", "the legend of the {adj} {beast}"],
        series: &[
            "The {^adj} {^relic} Cycle", "Chronicles of {realm}", "The {^beast} {^kin}", "The {realm} Saga",
            "Songs of {realm}", "The {^mage}s of {realm}", "Tales of the {^adj} {^beast}",
        ],
        blurb: [
            &[
                "In {realm}, where {beasts} still sleep beneath the hills, {hero} finds {a adj} {relic}.",
                "{hero} was raised to be {a mage}, not to carry the {relic} of {realm}.",
                "For a thousand years the {adj} {beast} kept the peace of {realm}.",
                "When the {season} does not end, {hero} must seek the {beast} that holds its breath.",
                "Every child in {realm} knows the song of the {adj} {beast}; only {hero} knows how it ends.",
            ],
            &[
                "Now a {mage} without a name gathers an army of {beasts} in the north.",
                "With a thief, {a mage} and a map of {stuff}, the road leads beyond {realm2}.",
                "But magic has a price, and {stuff} remembers every debt.",
                "The {relic} can save the kingdom, or bury it under {stuff}.",
                "What was sealed with {stuff} can be opened only by {idea}.",
            ],
            &[
                "A tale of {idea}, {stuff} and {beasts}.", "The first flight of a new voice in epic fantasy.",
                "War is coming to {realm}, and no {mage} can stand aside.", "A story of {idea} and old magic.",
            ],
        ],
        words: &[
            ("beast", &[
                "dragon", "griffin", "phoenix", "wyvern", "wolf", "stag", "serpent", "unicorn", "raven", "giant",
                "basilisk", "owl", "lion", "fox", "kraken", "bear",
            ]),
            ("beasts", &[
                "dragons", "griffins", "wyverns", "wolves", "serpents", "ravens", "giants", "goblins", "elves",
                "witches", "trolls", "spirits",
            ]),
            ("kin", &[
                "daughter", "heir", "keeper", "bride", "rider", "tamer", "oath", "throne", "egg", "shadow",
                "apprentice", "war",
            ]),
            ("relic", &[
                "crown", "sword", "throne", "amulet", "harp", "lantern", "mirror", "ring", "staff", "grimoire",
                "chalice", "gate", "blade", "cloak", "map", "bell",
            ]),
            ("mage", &[
                "wizard", "witch", "sorceress", "enchanter", "alchemist", "oracle", "spellbinder", "knight",
                "queen", "prince", "bard", "assassin", "healer",
            ]),
            ("stuff", &[
                "ash", "blood", "bone", "ember", "fire", "frost", "glass", "gold", "iron", "moonlight", "salt",
                "shadow", "silver", "smoke", "starlight", "storm", "thorn",
            ]),
            ("realm", &[
                "Aeloria", "Aranthel", "Caer Morwen", "Dorvane", "Elyndor", "Eryndale", "Faelinor",
                "Gharrowmoor", "Ilvermoor", "Isenfell", "Kharzad", "Lorendil", "Mirrowen", "Morvath", "Nymeris",
                "Ostrava Deep", "Quelhaven", "Rhûnmar", "Sorrowfen", "Talvanor", "Thornmarch", "Ulmarra",
                "Valdrith", "Vesperfall", "Winterhold", "Wyrmrest", "Ysmere", "Zephyria",
            ]),
        ],
        subjects: &["Dragons", "Magic", "Wizards", "Quests", "Imaginary places", "Epic fantasy", "Witches"],
        price: 1.05,
        pages: (280, 780),
    },
    Kind {
        language: "en",
        weight: 85,
        genre: "science-fiction",
        also: &["adventure", "dystopia", "thriller", "war"],
        titles: &[
            "the {adj} {craft}", "the {adj} {signal} of {star}", "the {machine} and the {adj} {noun}",
            "{a craft} named {idea}", "{star}", "the {star} {signal}", "{craft}s of {star}", "the last {craft}",
            "{signal} from {star}", "a {signal} in the dark", "the {machine} that dreamed", "{count} days to {star}",
            "the {machine}'s {noun}", "beyond {star}", "children of the {machine}", "the {adj} orbit",
            "a history of {star}", "the {craft} at the end of time", "all the {adj} {plural}", "{star} rising",
            "the {signal} war", "the garden on {star}", "memory of {a adj} {machine}", "the {work} of {star}",
            "an algorithm for {idea}", "the mathematics of {idea}", "{idea} at light speed",
        ],
        subtitles: &["a novel of first contact", "a novel of {star}", "book of the {machine}s"],
        series: &[
            "The {star} Sequence", "The {^signal} Trilogy", "{star} Station", "The {^machine} Wars",
            "Voyages of the {^adj} {^craft}",
        ],
        blurb: [
            &[
                "Aboard the {craft} {^adj} {^noun}, {hero} hears a {signal} that should not exist.",
                "{star} was meant to be a new home for humankind.",
                "The {machine} has run the colony of {star} for {count} centuries without a fault.",
                "It is the year 2{year}, and no {craft} has come back from {star}.",
                "{hero} is the last {work} on {star}.",
            ],
            &[
                "Then the {machine} asks a question that nobody taught it.",
                "What the crew finds in the ice of {star2} will change what it means to be alive.",
                "With the oxygen failing, {first} must choose between the {signal} and the ship.",
                "Between the {craft} and the stars lies {a adj} silence, and something lives in it.",
                "The {signal} repeats every eleven hours, and it knows {first}'s name.",
            ],
            &[
                "A novel of {idea} and orbital mechanics.", "Big ideas, and people to care about.",
                "Hard science fiction with a human heart.", "A space opera about {idea}.",
            ],
        ],
        words: &[
            ("star", &[
                "Altair", "Andromeda Gate", "Antares", "Barnard's World", "Callisto", "Cygnus Reach", "Deneb",
                "Enceladus", "Europa", "Ganymede", "Hyperion", "Kepler's Rest", "Mars", "Mimas", "New Carthage",
                "Oberon", "Orion's Edge", "Proxima", "Rigel", "Sirius Deep", "Tau Ceti", "Tethys", "Titan",
                "Triton", "Vega", "Wolf 359",
            ]),
            ("craft", &[
                "starship", "ark", "station", "freighter", "probe", "lander", "colony", "beacon", "satellite",
                "telescope",
            ]),
            ("machine", &[
                "android", "automaton", "machine", "robot", "clone", "network", "mind", "algorithm", "archive",
                "engine", "computer",
            ]),
            ("signal", &[
                "signal", "transmission", "message", "pulse", "broadcast", "whisper", "warning", "code",
                "anomaly", "equation",
            ]),
            ("year", &["117", "184", "201", "249", "312", "377", "401", "455", "590", "613", "748", "902"]),
        ],
        subjects: &[
            "Space flight", "Robots", "Artificial intelligence", "Life on other planets", "Time travel",
            "Space colonies",
        ],
        price: 1.0,
        pages: (240, 620),
    },
    Kind {
        language: "en",
        weight: 130,
        genre: "literary-fiction",
        also: &["contemporary", "family", "historical-fiction", "short-stories", "classics"],
        titles: &[
            "the {adj} {noun}", "the {noun} and the {noun2}", "the {adj} {noun} of {place}",
            "{a adj} {noun} in {city}", "the {work} and the {adj} {noun}", "a {noun} for {first}",
            "the {work}'s {noun}", "the {work} of {place}", "{season} in {city}", "the {noun} at {place}",
            "{plural} and {plural2}", "{idea}", "a season of {idea}", "the {plural} of {place}",
            "what the {noun} knew", "the weight of {plural}", "{place}", "a room without {plural}",
            "all our {adj} {plural}", "the {adj} house", "{count} {plural}", "an inventory of {plural}",
            "the {noun} we left", "the {adj} {work}", "a {season} of {plural}", "the garden at {place}",
            "letters from {city}", "{first} and the {noun}", "the art of {idea}", "some kinds of {idea}",
            "before the {noun}", "under the {adj} {noun}", "the {season} garden", "{month} in {city}",
        ],
        subtitles: &["a novel", "a novel", "a novel in {count} parts", "a story of {idea}"],
        series: &["The {place} Trilogy", "The {city} Quartet"],
        blurb: [
            &[
                "In the {season} of the great {noun}, {hero} comes home to {place}.",
                "{hero}, {a work} in {city}, has kept one secret for thirty years.",
                "Two families share a house, a garden and {a adj} {noun}.",
                "After the funeral nobody in {place} speaks of the {noun}.",
                "When a letter arrives from {city}, {first} begins to count what is left.",
                "{first} has spent {count} years pretending that the {noun} was never there.",
            ],
            &[
                "Across three generations the novel follows {idea} from {city} to {place}.",
                "What begins as a visit becomes a long {season} of {idea}.",
                "There is {a work}, a marriage, and a {noun} that will not stay closed.",
                "Only {a adj} {noun} remembers what was promised.",
                "Everyone has a version of that night; none of them has the {noun}.",
            ],
            &[
                "A quiet, luminous novel about {idea} and {idea2}.",
                "Funny and tender, it asks what we owe to {idea}.",
                "A portrait of {idea} in a small town.",
                "With rare precision, the author writes of {plural}, kitchens and {idea}.",
            ],
        ],
        words: &[],
        subjects: &["Domestic fiction", "Families", "City and town life", "Secrets", "Marriage", "Grief"],
        price: 1.0,
        pages: (160, 520),
    },
    Kind {
        language: "en",
        weight: 115,
        genre: "romance",
        also: &["contemporary", "humor", "historical-fiction"],
        titles: &[
            "{love} in {city}", "the {adj} {shop} in {city}", "the {adj} {lord} and the {work}",
            "{a season} with the {adj} {lord}", "the {work} and the {lord}", "{a adj} kind of {love}",
            "a {season} {wedding}", "{love} at {place}", "the {lord}'s {adj} {bride}", "the {shop} on {place}",
            "falling for the {work}", "the {adj} {bride}", "to {love2} a {lord}", "the {season} {wedding}",
            "{count} {month} nights", "meet me in {city}", "the little {shop} of {idea}", "kissing the {work}",
            "{season} at the {shop}", "a {wedding} for {first}", "the {lord} of {place}", "second chance at {place}",
            "the {month} {bride}",
        ],
        subtitles: &["a romance", "a {season} romance", "a {place} novel"],
        series: &[
            "Brides of {place}", "The {place} {^shop}", "Hearts of {city}", "{place} Nights",
            "The {^lord}s of {place}",
        ],
        blurb: [
            &[
                "{first} came to {place} to open a {shop}, not to fall in love.",
                "The {lord} of {place} needs a {bride} before {month}.",
                "{hero} does not believe in {love}, and certainly not in {work}s.",
                "One {wedding}, two rivals, and only one room at the inn of {place}.",
                "{hero} has a plan for everything but the {adj} {work} next door.",
            ],
            &[
                "But {first2}, {a work} with {a adj} past, has other plans.",
                "A snowstorm, a borrowed {noun} and a {wedding} bring them together.",
                "They agree to pretend until the end of {season}.",
                "Then the {shop} is put up for sale, and {city} calls.",
            ],
            &[
                "A warm, witty romance with a happy ending.",
                "A story of {love}, {idea} and very good cake.",
                "For everyone who has ever missed a train to {city} on purpose.",
                "Sweet as {season} and twice as bright.",
            ],
        ],
        words: &[
            ("love", &[
                "love", "desire", "romance", "a kiss", "temptation", "forever", "happiness", "moonlight",
                "midnight",
            ]),
            ("lord", &[
                "duke", "earl", "viscount", "marquess", "billionaire", "rancher", "captain", "highlander",
                "bachelor", "baron", "prince",
            ]),
            ("bride", &[
                "bride", "bridesmaid", "governess", "heiress", "wallflower", "duchess", "widow", "debutante",
                "baker",
            ]),
            ("wedding", &[
                "wedding", "proposal", "promise", "affair", "engagement", "waltz", "reunion", "honeymoon",
                "scandal",
            ]),
            ("shop", &[
                "bakery", "bookshop", "café", "flower shop", "tearoom", "inn", "vineyard", "chocolate shop",
                "cottage", "ranch", "kitchen", "lighthouse",
            ]),
        ],
        subjects: &["Love stories", "Man-woman relationships", "Weddings", "Courtship", "Small towns"],
        price: 0.8,
        pages: (200, 420),
    },
    Kind {
        language: "en",
        weight: 70,
        genre: "historical-fiction",
        also: &["war", "romance", "adventure", "western"],
        titles: &[
            "the {work} of {city}", "the {adj} {work} of {city}", "the {ruler}'s {adj} {noun}",
            "{a adj} {noun} for the {ruler}", "the {ruler}'s {work}", "a {work} in {city}", "the {adj} {ship}",
            "{city}, {years}", "the road to {city}", "the {ruler} and the {work}", "daughters of the {war}",
            "letters from the {war}", "the {ship} to {city}", "the {work}'s war", "the fall of {city}",
            "{city} burning", "the {adj} regiment", "bread and {plural}", "the {count} wives of the {ruler}",
            "the {season} of {years}", "the silk {work}",
        ],
        subtitles: &["a novel of {city}", "a novel of the {war}", "a novel of {years}"],
        series: &["The {city} Chronicles", "The {war} Novels", "The {^ruler}'s {^work}"],
        blurb: [
            &[
                "{city}, {years}: {hero}, {a work}, is summoned by the {ruler}.",
                "In the last {season} of the {war}, a {work} hides {a adj} {noun}.",
                "The {ship} leaves {city} with {count} passengers and one name too many.",
                "It is {years}, and {city} is starving.",
            ],
            &[
                "Between the {ruler} and the mob stands a single {work}.",
                "{first} learns to lie in three languages, and to love in one.",
                "As the {war} closes in, the {noun} must be carried over the mountains.",
                "What {first} finds in the archives could bring down the {ruler}.",
            ],
            &[
                "Richly researched, a story of {idea} in a time of war.",
                "History seen from the kitchen and the street.", "A sweeping novel of {idea}, {city} and the {war}.",
            ],
        ],
        words: &[
            ("ruler", &[
                "emperor", "queen", "king", "sultan", "tsar", "cardinal", "doge", "regent", "empress", "general",
                "pope",
            ]),
            ("war", &[
                "Great War", "Civil War", "Crimean War", "Thirty Years' War", "siege", "revolution",
                "occupation", "armistice", "plague", "crusade",
            ]),
            ("ship", &["caravel", "galleon", "frigate", "steamer", "night train", "caravan", "convoy", "clipper"]),
            ("years", &[
                "1348", "1492", "1588", "1631", "1666", "1755", "1789", "1812", "1848", "1871", "1889", "1906",
                "1914", "1917", "1923", "1936", "1940", "1943", "1945",
            ]),
        ],
        subjects: &[
            "Historical fiction", "World War, 1939-1945", "Kings and rulers", "Courts and courtiers", "Soldiers",
        ],
        price: 1.05,
        pages: (260, 680),
    },
    Kind {
        language: "en",
        weight: 40,
        genre: "short-stories",
        also: &["literary-fiction", "contemporary", "classics", "humor"],
        titles: &[
            "the {noun} and other stories", "{plural} and other stories", "{count} stories about {idea}",
            "the collected stories of {place}", "{a adj} {noun} and other tales", "tales from {city}",
            "stories for {a adj} {season}", "small {plural}", "the {work} and other stories",
        ],
        subtitles: &["stories", "collected stories", "tales of {idea}"],
        series: &[],
        blurb: [
            &[
                "{^count} stories of {idea}, set between {city} and {place}.",
                "A {work} loses {a adj} {noun}; a {work2} finds it.",
                "In these stories {plural} go missing and {idea} is found.",
            ],
            &[
                "In the title story {first} opens the {noun} that should have stayed shut.",
                "Each begins in a kitchen and ends by the sea.",
                "Ghosts, {plural} and late trains run through them all.",
            ],
            &["A collection about {idea} by a master of the short form.", "Strange, exact and very funny."],
        ],
        words: &[],
        subjects: &["Short stories", "Tales", "Manners and customs"],
        price: 0.9,
        pages: (120, 340),
    },
    Kind {
        language: "en",
        weight: 35,
        genre: "poetry",
        also: &["nature", "classics", "literary-fiction"],
        titles: &[
            "{plural}", "{adj} {plural}", "poems of {idea}", "the {noun} poems", "{a adj} grammar of {idea}",
            "odes to {plural}", "{season} psalms", "songs for the {noun}", "collected poems of {city}",
            "{idea} and {plural}", "the book of {plural}",
        ],
        subtitles: &["poems", "selected poems", "new and collected poems"],
        series: &[],
        blurb: [
            &[
                "Poems of {idea} and {plural}.", "These poems begin at the {noun} and do not come home.",
                "A sequence for the {season}, in {count} parts.",
            ],
            &[
                "They speak of {plural}, of {city} at night, of {idea}.", "The lines are short; the {noun} is long.",
                "Between elegy and joke stands {a adj} {noun}.",
            ],
            &["A collection to keep by the bed.", "Poetry that listens."],
        ],
        words: &[],
        subjects: &["Poetry", "Love poetry", "Nature poetry"],
        price: 0.75,
        pages: (64, 160),
    },
    Kind {
        language: "en",
        weight: 12,
        genre: "drama",
        also: &["classics", "humor"],
        titles: &[
            "the {adj} {work}", "{idea}: a play", "the {noun} of {place}", "{count} {work}s",
            "the {work} and the {work2}", "{first} at midnight",
        ],
        subtitles: &["a play in {count} acts", "a comedy", "a tragedy in {count} scenes"],
        series: &[],
        blurb: [
            &[
                "One night, one kitchen, {count} people and {a adj} {noun}.",
                "A {work} waits for the {season} in {city}.",
            ],
            &[
                "{first} will not leave, and {first2} will not stay.",
                "What was said about the {noun} cannot be unsaid.",
            ],
            &["First performed in {city}.", "A play about {idea}."],
        ],
        words: &[],
        subjects: &["Drama", "Comedies", "Tragedies"],
        price: 0.7,
        pages: (64, 180),
    },
];
