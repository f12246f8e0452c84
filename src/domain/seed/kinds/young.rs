//! Books for the young, and for those who read pictures.

use super::Kind;

#[rustfmt::skip]
pub(super) const KINDS: &[Kind] = &[
    Kind {
        language: "en",
        weight: 80,
        genre: "children",
        also: &["adventure", "humor", "fantasy", "nature", "family"],
        titles: &[
            "{first} and the {adj} {animal}", "the {animal} who {did}", "goodnight, {adj} {animal}",
            "the {animal}'s {season} garden", "{first}'s {adj} {toy}", "the {adj} little {animal}",
            "{count} {adj} {animals}", "where is {first}'s {animal}?", "{first} and the {toy}",
            "the {animal} and the {animal2}", "a {toy} for {first}", "the {animals} of {place}",
            "my friend the {animal}", "{first} bakes {a adj} cake", "dragons don't eat {animals}",
            "how the {animal} {did}", "the secret {toy} of {place}", "{first} meets a dragon", "the winter {animal}",
        ],
        subtitles: &["a story for bedtime", "a picture book", "a lift-the-flap book"],
        series: &["{first} and the {^animal}", "The {^animals} of {place}", "{first} {family}, Explorer"],
        blurb: [
            &[
                "{first} has a secret: there is {a adj} {animal} in the kitchen.",
                "Once there was {a animal} who {did}.",
                "Nobody believes {first} about the {toy}.",
            ],
            &[
                "Together they set out across the garden to find the {toy}.",
                "But the {animal} is afraid of the dark.",
                "On the way they meet {count} {animals} and a very rude {animal2}.",
            ],
            &[
                "A warm story about {idea}, for ages three to six.", "With pictures on every page.",
                "Perfect for reading aloud.", "A first chapter book about {idea}.",
            ],
        ],
        words: &[
            ("animal", &[
                "badger", "bear", "beetle", "cat", "dragon", "duck", "elephant", "fox", "frog", "giraffe",
                "hedgehog", "hen", "kitten", "lion", "mole", "mouse", "otter", "owl", "penguin", "pig", "puppy",
                "rabbit", "snail", "squirrel", "tiger", "tortoise", "whale", "wolf",
            ]),
            ("animals", &[
                "badgers", "bears", "beetles", "cats", "ducks", "elephants", "foxes", "frogs", "hedgehogs",
                "kittens", "mice", "otters", "owls", "penguins", "pirates", "puppies", "rabbits", "snails",
                "squirrels", "tigers",
            ]),
            ("did", &[
                "could not sleep", "forgot the moon", "learned to fly", "lost a shoe", "found a star",
                "wanted to dance", "ate the alphabet", "stole the sun", "went to school", "grew a garden",
                "painted the sky", "said no",
            ]),
            ("toy", &[
                "balloon", "blanket", "bicycle", "kite", "lantern", "rocket", "train", "treehouse", "umbrella",
                "wagon", "submarine", "drum", "puppet", "snow globe",
            ]),
        ],
        subjects: &["Picture books for children", "Animals", "Bedtime", "Friendship", "Stories in rhyme"],
        price: 0.7,
        pages: (24, 160),
    },
    Kind {
        language: "en",
        weight: 65,
        genre: "young-adult",
        also: &["fantasy", "dystopia", "romance", "contemporary", "science-fiction"],
        titles: &[
            "the {adj} {trial}", "we were {plural}", "{a adj} {trial} of {plural}", "{first} and the {adj} {trial}",
            "the {noun} {trial}", "the {trial} of {first}", "{first} {family} is not {adj}",
            "{count} ways to lose {a noun}", "a {trial} of {plural}", "the {noun} academy", "{adj} {plural}",
            "girls of {plural}", "the boy with the {adj} {noun}", "everything {first} never said",
            "the {plural} we keep", "{adj} as {plural}", "the last {season} of {first}", "the dragon {trial}",
            "daughter of {plural}",
        ],
        subtitles: &["a novel", "book of the {trial}"],
        series: &[
            "The {^trial} Trilogy", "The {^noun} Academy", "The {^adj} {^plural}", "The {^adj} {^noun} Duology",
        ],
        blurb: [
            &[
                "At sixteen everyone in {place} must face the {trial}.",
                "{hero} has three rules, and breaks all of them by {month}.",
                "In a city where {plural} are forbidden, {first} finds one.",
                "{first} {family} never asked to be chosen.",
            ],
            &[
                "But nobody told {first} about {first2}.",
                "The academy teaches its students to fight, to lie and to forget.",
                "As the {season} ends, {first} must choose between {idea} and {idea2}.",
                "The {noun} is a lie, and only the girl next door knows it.",
            ],
            &[
                "A fierce story of {idea} and first love.", "Unputdownable, for readers of twelve and up.",
                "A coming-of-age novel about {idea}.",
            ],
        ],
        words: &[("trial", &[
                "trial", "choosing", "rebellion", "reckoning", "game", "curse", "uprising", "crown", "quarantine",
                "selection", "tournament", "prophecy",
            ],
        )],
        subjects: &["Coming of age", "High schools", "Friendship", "Survival", "Love stories"],
        price: 0.85,
        pages: (220, 480),
    },
    Kind {
        language: "en",
        weight: 35,
        genre: "comics",
        also: &["adventure", "humor", "science-fiction", "fantasy", "young-adult"],
        titles: &[
            "{first} {family}, {work}", "the {adj} {masked}", "{masked}", "{masked}s of {city}",
            "{first} and the {adj} {masked}", "the {adj} {masked} of {city}", "the {masked} and the {noun}",
            "{city} after dark", "{adj} {plural}", "kitchen ninja", "{first} the {masked}", "dragon {masked}",
        ],
        subtitles: &["a graphic novel", "the collected strips", "volume {volume}"],
        series: &["The {^adj} {^masked}", "{^masked}s of {city}"],
        blurb: [
            &[
                "By day {hero} is {a work}; by night, the {adj} {masked}.",
                "{city} needs a {masked}, and gets {first}.",
            ],
            &[
                "When the {noun} falls from the sky, only the {masked} is awake.",
                "With a cape made of curtains and a cat named {first2}, the hunt begins.",
            ],
            &["Drawn in ink and full colour.", "A graphic novel about {idea}."],
        ],
        words: &[
            ("masked", &[
                "avenger", "crusader", "detective", "ghost", "guardian", "knight", "ninja", "phantom", "ranger",
                "robot", "samurai", "sentinel", "vigilante", "witch",
            ]),
            ("volume", &["one", "two", "three", "four", "five", "six"]),
        ],
        subjects: &["Graphic novels", "Comic books, strips, etc.", "Superheroes"],
        price: 1.1,
        pages: (96, 260),
    },
];
