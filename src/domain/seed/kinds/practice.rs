//! Books to do something with: cook, plant, travel, get well.

use super::Kind;

#[rustfmt::skip]
pub(super) const KINDS: &[Kind] = &[
    Kind {
        language: "en",
        weight: 65,
        genre: "cooking",
        also: &["health", "travel", "memoir", "crafts"],
        titles: &[
            "the {adj} kitchen", "{dish}, {stuff} and {stuff2}", "{cuisine} {dish} and {dish2}",
            "{a adj} {cuisine} kitchen", "{dish} from {city}", "{dish}", "the {place} kitchen", "{cuisine} kitchen",
            "the {cuisine} table", "{dish} and {dish2}", "{count} {dish} recipes", "a kitchen in {city}",
            "the {season} kitchen", "simply {dish}", "{season} cooking", "my {cuisine} grandmother's kitchen",
            "the big book of {dish}", "flour, {stuff} and {stuff2}", "the {work}'s table", "cooking with {stuff}",
        ],
        subtitles: &[
            "recipes from {city}", "{count} recipes for every day", "recipes and stories",
            "{cuisine} recipes for home cooks", "seasonal cooking for families", "a cookbook",
        ],
        series: &["The {^adj} Kitchen"],
        blurb: [
            &[
                "{^cuisine} cooking is simpler than it looks: {stuff}, {stuff2}, a hot pan and time.",
                "Good {dish} begins at the market.",
                "In a small kitchen in {city} the author learned to cook with {stuff}.",
            ],
            &[
                "Here are {count} ways with {dish}, from weeknight suppers to feasts.",
                "Every recipe was tested in an ordinary kitchen.",
                "There are chapters on {stuff}, on {dish2} and on leftovers.",
            ],
            &[
                "With photographs and a guide to the {cuisine} pantry.", "Vegetarian options throughout.",
                "A cookbook for the kitchen, not the coffee table.",
            ],
        ],
        words: &[
            ("dish", &[
                "bread", "cakes", "chocolate", "curries", "dumplings", "noodles", "pasta", "pastries", "pickles",
                "pies", "pizza", "puddings", "rice", "roasts", "salads", "sauces", "seafood", "soups",
                "sourdough", "stews", "tacos", "tapas", "vegetables",
            ]),
            ("cuisine", &[
                "Andalusian", "Basque", "Bengali", "Breton", "Ethiopian", "Georgian", "Greek", "Japanese",
                "Korean", "Lebanese", "Mexican", "Moroccan", "Neapolitan", "Nordic", "Persian", "Peruvian",
                "Polish", "Sicilian", "Sichuan", "Thai", "Turkish", "Tuscan", "Vietnamese",
            ]),
            ("stuff", &[
                "almonds", "butter", "cardamom", "chilli", "cinnamon", "fennel", "garlic", "ginger", "honey",
                "lemon", "olive oil", "pepper", "pomegranate", "saffron", "salt", "sesame", "smoke", "tomatoes",
                "vanilla", "yogurt",
            ]),
        ],
        subjects: &["Cooking", "Cookbooks", "Baking", "Vegetarian cooking"],
        price: 1.5,
        pages: (120, 360),
    },
    Kind {
        language: "en",
        weight: 40,
        genre: "gardening",
        also: &["nature", "crafts", "memoir"],
        titles: &[
            "the {adj} garden", "{plants} for {a adj} garden", "the {adj} {work}'s garden",
            "{plants}, {plants2} and {plants3}", "{season} in the {adj} garden", "a garden in {place}",
            "the {season} garden", "{plants}", "growing {plants}", "the {plants} handbook", "a gardener's {noun}",
            "the {work}'s garden", "{count} gardens", "the garden year", "{plants} and {plants2}",
            "gardens of {country}", "the kitchen garden", "the {month} gardener",
        ],
        subtitles: &[
            "a year in the garden", "how to grow {plants}", "a gardener's notebook", "design, plant, grow",
            "from seed to table", "gardening with {plants}",
        ],
        series: &["The {^season} Garden"],
        blurb: [
            &[
                "A garden is never finished, and {season} is its best excuse.",
                "{^plants} want three things: light, water and to be left alone.",
                "When the author bought {place}, the garden was a car park.",
            ],
            &[
                "Month by month this book shows what to sow, to prune and to leave.",
                "There are plans for balconies, borders and one very small garden in {city}.",
                "It tells how {plants} and {plants2} get along.",
            ],
            &["For gardeners with more hope than time.", "With drawings by the author."],
        ],
        words: &[("plants", &[
                "apples", "bulbs", "dahlias", "ferns", "figs", "grasses", "herbs", "hydrangeas", "irises",
                "lavender", "mosses", "orchids", "peonies", "perennials", "roses", "snowdrops", "succulents",
                "tomatoes", "trees", "tulips", "vegetables", "wildflowers",
            ],
        )],
        subjects: &["Gardening", "Gardens", "Vegetable gardening", "Plants"],
        price: 1.3,
        pages: (96, 320),
    },
    Kind {
        language: "en",
        weight: 35,
        genre: "nature",
        also: &["science", "travel", "essays", "photography", "memoir"],
        titles: &[
            "the {creature}", "the {adj} {creature} of the {land}", "{a season} with {creatures}",
            "{creatures} and {creatures2}", "the {creature}, the {land} and I", "{creatures}",
            "a year of {creatures}", "the {adj} {land}", "{land}", "the {land} at {season}", "following {creatures}",
            "in search of the {creature}", "the {creature} and the {land}", "notes from the {land}",
            "{creatures} of {country}", "winter {land}",
        ],
        subtitles: &[
            "a natural history", "a field guide", "a year on the {land}", "notes of a naturalist",
            "the hidden life of {creatures}",
        ],
        series: &["Field Guides to {country}"],
        blurb: [
            &[
                "Before dawn the {creatures} come down to the {land}.",
                "For one year the author watched a single {creature}.",
                "There were once {creatures} on every {land} of {country}.",
            ],
            &[
                "It is a book about looking: at {creatures}, at weather, at {idea}.",
                "Part field guide, part memoir, it walks the {land} in every {season}.",
            ],
            &["Nature writing of rare patience.", "With maps and plates."],
        ],
        words: &[
            ("creature", &[
                "badger", "bee", "butterfly", "crane", "curlew", "eel", "falcon", "hare", "heron", "jackdaw",
                "kingfisher", "lynx", "moth", "nightingale", "otter", "owl", "salmon", "seal", "swift", "whale",
                "wolf",
            ]),
            ("creatures", &[
                "badgers", "bees", "butterflies", "cranes", "curlews", "eels", "falcons", "hares", "herons",
                "jackdaws", "kingfishers", "moths", "otters", "owls", "salmon", "seals", "swifts", "whales",
                "wolves",
            ]),
            ("land", &[
                "coast", "estuary", "fen", "forest", "glacier", "heath", "island", "lake", "marsh", "meadow",
                "moor", "mountain", "river", "tundra", "valley",
            ]),
        ],
        subjects: &["Natural history", "Birds", "Wildlife", "Landscapes"],
        price: 1.25,
        pages: (140, 400),
    },
    Kind {
        language: "en",
        weight: 60,
        genre: "self-help",
        also: &["psychology", "health", "business", "family"],
        titles: &[
            "the {adj} mind", "the {idea} habit", "how to {verb} and {verb2}", "{idea}, {idea2} and how to {verb}",
            "{verb}, {verb2}, {verb3}", "the {adj} art of {idea}", "how to {verb}", "{verb} better",
            "stop trying to {verb}", "the {count}-minute rule", "the power of {idea}", "the science of {idea}",
            "{idea} at work", "the {adj} manager", "why we {verb}", "the art of {idea}", "the {idea} effect",
            "{count} habits of {adj} people", "the courage to {verb}",
        ],
        subtitles: &[
            "{count} steps to {idea}", "the psychology of {idea}", "how to {verb} without losing {idea}",
            "a workbook", "why {idea} matters", "a guide for busy people",
        ],
        series: &[],
        blurb: [
            &[
                "Most of us {verb} every day and never learn how.", "Why is it so hard to {verb}?",
                "{^idea} is not a gift; it is a habit.",
            ],
            &[
                "Based on research and hundreds of interviews, it shows how to {verb} in small steps.",
                "The author, {a work} turned psychologist, explains what {idea} does to the brain.",
                "Short exercises at the end of each chapter help to {verb}.",
            ],
            &[
                "A practical book about {idea}.", "It may change how you think about {idea2}.",
                "Read a chapter a day.",
            ],
        ],
        words: &[("verb", &[
                "apologize", "begin again", "breathe", "change", "decide", "focus", "forgive", "lead", "listen",
                "let go", "negotiate", "remember", "rest", "say no", "sleep", "sell", "talk to anyone", "think",
                "worry less", "write",
            ],
        )],
        subjects: &["Self-actualization", "Success", "Habit", "Happiness", "Leadership"],
        price: 1.05,
        pages: (120, 340),
    },
    Kind {
        language: "en",
        weight: 40,
        genre: "business",
        also: &["economics", "technology", "self-help", "biography"],
        titles: &[
            "the {adj} company", "the {adj} {boss}", "{idea} and the {adj} {firm}", "{a boss}'s guide to {idea}",
            "{firm}", "the {firm} playbook", "lean {firm}", "the {idea} economy", "selling {idea}",
            "from {firm} to {firm2}", "the {adj} leader", "{count} rules for {firm}s", "the accidental {boss}",
            "managing {idea}", "the {boss}'s garden",
        ],
        subtitles: &[
            "how to build {a firm}", "lessons from {count} {firm}s", "strategy for {adj} times", "why {firm}s fail",
            "the inside story",
        ],
        series: &[],
        blurb: [
            &["Every {firm} begins with {idea} and ends with accounting.", "Why do nine of ten {firm}s fail?"],
            &[
                "The author, {a boss} for twenty years, tells what the textbooks leave out.",
                "Case studies from {city} to {city2} show how {idea} pays.",
            ],
            &["A candid guide for every {boss}.", "Numbers, stories and one rule."],
        ],
        words: &[
            ("firm", &[
                "startup", "bank", "brand", "factory", "family business", "marketplace", "newsroom", "shop",
                "team", "workshop",
            ]),
            ("boss", &["entrepreneur", "founder", "manager", "investor", "negotiator", "accountant"]),
        ],
        subjects: &["Management", "Entrepreneurship", "Leadership", "Marketing"],
        price: 1.4,
        pages: (140, 380),
    },
    Kind {
        language: "en",
        weight: 35,
        genre: "travel",
        also: &["memoir", "history", "photography", "nature"],
        titles: &[
            "{city} on foot", "from {city} to {city2}", "{a adj} {season} in {city}", "{plural} of {country}",
            "{city}, {city2}, {city3}", "{count} days in {city}", "the road to {city}", "walking {country}",
            "{country} by train", "a {season} in {country}", "slow boat to {city}", "{city} and back",
            "the {adj} road", "{country}", "winter in {country}", "the gardens of {city}",
            "a kitchen table in {city}",
        ],
        subtitles: &[
            "a traveller's guide", "a journey", "travels in {country}", "{count} walks", "journeys by night train",
            "a guide for the curious",
        ],
        series: &["Slow Travels in {country}"],
        blurb: [
            &[
                "{city} is a city best seen on foot, in {month}, without a plan.",
                "In {month} the author left {city} with {count} books and no return ticket.",
                "There is another {country} beyond the motorway.",
            ],
            &[
                "The way leads past markets, gardens and {plural} to {city2}.",
                "On slow trains strangers tell of {idea}.",
                "Maps, opening hours and good kitchens are all here.",
            ],
            &["Travel writing with dust on its shoes.", "A guide to carry, and to read at home."],
        ],
        words: &[],
        subjects: &["Travel", "Description and travel", "Guidebooks", "Walking"],
        price: 1.15,
        pages: (120, 420),
    },
    Kind {
        language: "en",
        weight: 45,
        genre: "art",
        also: &["crafts", "music", "architecture", "photography", "history"],
        titles: &[
            "the {adj} line", "{form} and {form2}", "{a adj} history of {form}", "{form} in {country}",
            "the {adj} art of {form}", "{form}", "{form} in {city}", "learning to love {form}", "the {form} book",
            "a history of {form}", "{form} and {idea}", "the {work}'s hand", "masters of {form}",
            "{form} for beginners", "the colour {colour}", "{colour}", "houses of {country}", "the sound of {city}",
        ],
        subtitles: &[
            "a history", "an introduction to {form}", "techniques and projects", "{count} masterpieces",
            "the story of a colour", "from cave to gallery",
        ],
        series: &["Masters of {^form}"],
        blurb: [
            &[
                "{^form} is what happens when {idea} meets patience.",
                "Nobody in {city} took {form} seriously until {hero} did.",
                "How was it made? With {form} the answer is in the hand.",
            ],
            &[
                "Richly illustrated, it follows {form} from workshop to museum.",
                "Step by step the reader learns the tools, the materials and the tricks.",
                "Interviews with artists in {city} and {city2} show {form} today.",
            ],
            &[
                "With more than two hundred plates.", "A generous introduction.",
                "Projects for a weekend, and for a life.",
            ],
        ],
        words: &[
            ("form", &[
                "architecture", "calligraphy", "ceramics", "chamber music", "choral singing", "drawing",
                "embroidery", "film photography", "fresco", "jazz", "knitting", "landscape painting", "opera",
                "pottery", "printmaking", "quilting", "sculpture", "song writing", "street photography",
                "typography", "watercolour", "weaving", "woodcarving",
            ]),
            (
                "colour",
                &["amber", "blue", "crimson", "green", "indigo", "ochre", "red", "ultramarine", "white", "yellow"],
            ),
        ],
        subjects: &["Art", "Artists", "Handicraft", "Music", "Architecture"],
        price: 1.8,
        pages: (96, 380),
    },
    Kind {
        language: "en",
        weight: 40,
        genre: "health",
        also: &["psychology", "self-help", "sports", "family", "science"],
        titles: &[
            "the {organ}", "{sport} and the {organ}", "the {adj} art of {sport}", "{sport} after {count} years",
            "{sport}, {sport2} and {idea}", "your {adj} {organ}", "{sport}", "the {sport} book", "{sport} for life",
            "{count} weeks of {sport}", "the {organ} and the mind", "sleep, eat, {sport}", "a doctor's {noun}",
            "raising {adj} children", "the {adj} runner",
        ],
        subtitles: &[
            "a guide for every age", "what doctors know about the {organ}", "training, food and rest",
            "the new science of the {organ}", "how {sport} changes the brain",
        ],
        series: &[],
        blurb: [
            &[
                "We know more about the moon than about the {organ}.",
                "{^sport} needs no more than shoes and a reason.",
                "After {count} years as a doctor the author changed her mind about {idea}.",
            ],
            &[
                "It explains how the {organ} works, and what to do when it does not.",
                "Plans for beginners and for those who begin again.",
                "The evidence is weighed honestly, study by study.",
            ],
            &["Clear, calm and useful.", "With tables, plans and a foreword by a physician."],
        ],
        words: &[
            ("organ", &[
                "back", "brain", "breath", "gut", "heart", "immune system", "knee", "skin", "sleeping brain",
                "spine", "stomach",
            ]),
            ("sport", &[
                "climbing", "cycling", "marathon running", "meditation", "open-water swimming", "rowing",
                "strength training", "tai chi", "walking", "yoga", "chess", "football", "cricket", "sailing",
            ]),
        ],
        subjects: &["Health", "Physical fitness", "Nutrition", "Child rearing", "Sports"],
        price: 1.1,
        pages: (120, 380),
    },
    Kind {
        language: "en",
        weight: 22,
        genre: "language",
        also: &["education", "essays", "humor", "society"],
        titles: &[
            "the {adj} word", "{tongue} and {tongue2}", "{a adj} guide to {tongue}", "{tongue} words for {idea}",
            "the {adj} grammar of {tongue}", "speaking {tongue}", "{tongue} in {count} months", "{tongue} grammar",
            "a dictionary of {plural}", "how {tongue} works", "the secret life of {plural}", "learn {tongue}",
            "teaching {adj} children", "the end of {tongue}",
        ],
        subtitles: &[
            "a course for beginners", "a grammar", "the story of a language", "words, {plural} and meaning",
            "exercises and readings",
        ],
        series: &["{tongue} for Beginners"],
        blurb: [
            &[
                "{tongue} has {count} words for {idea}, and no word for please.",
                "Learning {tongue} takes patience, and a good book.",
            ],
            &[
                "Dialogues from {city}, clear tables and short readings build confidence.",
                "The author shows how {plural} became words, and words became {idea}.",
            ],
            &["With answers to all exercises.", "A delight for everyone who reads dictionaries."],
        ],
        words: &[("tongue", &[
                "Arabic", "Basque", "Czech", "Danish", "Dutch", "English", "Finnish", "French", "Greek", "Hindi",
                "Hungarian", "Icelandic", "Irish", "Japanese", "Korean", "Latin", "Mandarin", "Polish", "Portuguese",
                "Russian", "Sanskrit", "Swahili", "Turkish", "Welsh", "Yiddish",
            ],
        )],
        subjects: &["Language and languages", "Grammar", "Study and teaching"],
        price: 1.3,
        pages: (140, 420),
    },
];
