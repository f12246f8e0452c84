//! Murder, fear and the chase.

use super::Kind;

#[rustfmt::skip]
pub(super) const KINDS: &[Kind] = &[
    Kind {
        language: "en",
        weight: 105,
        genre: "mystery",
        also: &["crime", "thriller", "historical-fiction", "humor"],
        titles: &[
            "murder at {place}", "the {adj} {corpse} of {place}", "{a adj} {weapon} in {city}",
            "the {work}, the {weapon} and the {noun}", "murder in {city}", "the {adj} {corpse}", "death of {a work}",
            "the {work} who knew too much", "a {weapon} in the {room}", "the body in the {room}",
            "the {place} murders", "murder on {place}", "the case of the {adj} {noun}", "the {work}'s last {noun}",
            "a murder of {plural}", "death comes to {place}", "{count} suspects", "the {weapon} and the {noun}",
            "a very {adj} murder", "the {season} murders", "dead in {month}", "the mystery of the {adj} {noun}",
            "poison in the {room}", "the vanishing of {hero}",
        ],
        subtitles: &["a mystery", "{a family} mystery", "an Inspector {family} mystery"],
        series: &[
            "Inspector {family} Investigates", "The {place} Mysteries", "The {family} & {family2} Mysteries",
            "The {^work} of {place}", "{city} Murders",
        ],
        blurb: [
            &[
                "When {a work} is found dead in the {room} of {place}, everyone has an alibi.",
                "Inspector {family} came to {place} to retire.",
                "A {weapon}, a locked {room} and {count} suspects: {hero} has until {month}.",
                "Nobody in {place} liked the {work}, and now the {work} is dead.",
            ],
            &[
                "The {weapon} was wiped clean, but the {noun} was not.",
                "Soon a second murder shakes {place}, and the {noun} is missing.",
                "Everyone at the dinner lied about the {room}.",
                "{first}, {a work} with an eye for detail, asks what the police forgot to ask.",
            ],
            &[
                "A classic puzzle with a wicked last page.", "A cosy mystery with recipes and red herrings.",
                "Clever, dark and fair to the reader.", "The murderer is in plain sight.",
            ],
        ],
        words: &[
            ("weapon", &[
                "candlestick", "dagger", "letter opener", "pistol", "rope", "poisoned cup", "knitting needle",
                "walking stick", "kitchen knife", "bottle of arsenic",
            ]),
            ("room", &[
                "attic", "ballroom", "boathouse", "cellar", "conservatory", "garden", "kitchen", "library",
                "orchard", "parlour", "rectory", "vicarage", "vineyard", "music room",
            ]),
            ("corpse", &[
                "corpse", "body", "witness", "suspect", "alibi", "confession", "clue", "detective", "guest",
                "accomplice",
            ]),
        ],
        subjects: &["Detective and mystery stories", "Murder", "Private investigators", "Police", "Villages"],
        price: 0.9,
        pages: (200, 460),
    },
    Kind {
        language: "en",
        weight: 85,
        genre: "thriller",
        also: &["crime", "mystery", "adventure", "war"],
        titles: &[
            "the {agent}", "the {city} {plot}", "the {adj} {plot}", "the {agent} and the {adj} {noun}",
            "the {adj} {noun} of {family}", "{plot}", "the {adj} {agent}", "{count} hours", "no way out of {city}",
            "the {agent}'s {noun}", "dead {noun}", "the {plot} {plot2}", "zero {noun}", "the girl in the {noun}",
            "what {first} saw", "the {adj} wife", "don't open the {noun}", "the woman from {city}",
            "kill the {agent}", "the {family} {plot}", "a {plot} of {plural}", "run from the {noun}",
            "the neighbour's {noun}",
        ],
        subtitles: &["a thriller", "a psychological thriller", "a {first} {family} thriller"],
        series: &["{first} {family}", "The {^agent} Files", "The {city} {^plot}"],
        blurb: [
            &[
                "{hero} wakes up in {city} with a stranger's passport and {count} hours to live.",
                "The {agent} was supposed to be dead.",
                "Somebody in the {plot} is talking, and {hero} has to find out who.",
                "The perfect neighbours, the perfect street, {a adj} {noun} in the cellar.",
            ],
            &[
                "From {city} to {city2}, every door leads back to the {plot}.",
                "The only witness is {a work} who remembers nothing.",
                "Then the phone rings, and the voice knows about the {noun}.",
                "Trusting the {agent} may be the last mistake.",
            ],
            &[
                "A breathless thriller with a twist on every page.", "Taut, smart and merciless.",
                "You will sleep with the light on.",
            ],
        ],
        words: &[
            ("agent", &[
                "agent", "analyst", "assassin", "courier", "diplomat", "double", "fixer", "hacker", "handler",
                "hostage", "informant", "negotiator", "passenger", "sniper", "spy", "witness",
            ]),
            ("plot", &[
                "conspiracy", "contract", "deception", "directive", "dossier", "exchange", "gambit",
                "inheritance", "protocol", "ransom", "vendetta", "verdict", "blackout", "countdown",
            ]),
        ],
        subjects: &["Suspense fiction", "Spies", "Conspiracies", "Terrorism", "Missing persons"],
        price: 0.95,
        pages: (260, 520),
    },
    Kind {
        language: "en",
        weight: 35,
        genre: "horror",
        also: &["thriller", "short-stories", "fantasy"],
        titles: &[
            "the {haunt} of {place}", "the {adj} {haunt}", "{haunt}", "the thing in the {noun}",
            "what lives under {place}", "the {noun} has teeth", "{plural} in the dark", "bury the {noun}",
            "the hunger of {place}", "a {season} of {fear}", "the {haunt} garden", "{fear} at {place}",
            "the house on {place}",
        ],
        subtitles: &["a novel of {fear}", "a ghost story"],
        series: &["The {place} {^haunt}s"],
        blurb: [
            &[
                "Nobody has lived in {place} since the {haunt}.",
                "The {noun} came with the house, and so did the scratching.",
                "{hero} buys a house by the sea, cheaply.",
            ],
            &[
                "At night the {plural} move.", "Every {season} somebody from {place} is chosen.",
                "The {haunt} does not want to leave; it wants company.",
            ],
            &["A slow-burning tale of {fear}.", "Read it before dark.", "Dread, beautifully made."],
        ],
        words: &[
            ("haunt", &[
                "haunting", "possession", "revenant", "séance", "crypt", "ritual", "curse", "exorcism", "wraith",
                "asylum", "poltergeist", "graveyard",
            ]),
            ("fear", &["dread", "terror", "fear", "madness", "blood", "decay", "darkness"]),
        ],
        subjects: &["Horror tales", "Ghost stories", "Haunted houses", "Supernatural"],
        price: 0.9,
        pages: (200, 480),
    },
    Kind {
        language: "en",
        weight: 25,
        genre: "true-crime",
        also: &["history", "society", "biography"],
        titles: &[
            "the {city} {crime}", "the {crime} of {hero}", "murder in {month}", "the {place} {crime}",
            "{adj} {plural}: the {city} {crime}", "anatomy of a {crime}",
        ],
        subtitles: &["the true story of a {crime}", "the hunt for the {adj} killer", "a {crime} that shook {city}"],
        series: &[],
        blurb: [
            &[
                "In {month} a {work} vanished from {city}.",
                "The {crime} took eleven minutes; the trial took nine years.",
            ],
            &[
                "From court files and interviews the author reconstructs the {crime}.",
                "Detectives followed a single {noun} across {country}.",
            ],
            &["A gripping account of {idea} and justice.", "The definitive book on the case."],
        ],
        words: &[(
            "crime",
            &["murder", "robbery", "heist", "kidnapping", "forgery", "swindle", "poisoning", "conspiracy", "trial"],
        )],
        subjects: &["Murder", "Criminal investigation", "Trials"],
        price: 1.0,
        pages: (220, 420),
    },
    Kind {
        language: "en",
        weight: 18,
        genre: "western",
        also: &["adventure", "historical-fiction", "romance"],
        titles: &[
            "the {gun} of {town}", "ride to {town}", "{town}", "the {adj} {gun}", "{count} guns for {town}",
            "the sheriff of {town}", "blood on the {land}", "the {land} trail", "a horse for {first}",
        ],
        subtitles: &["a western", "a novel of the frontier"],
        series: &["The {town} Riders", "Guns of {town}"],
        blurb: [
            &[
                "{hero} rode into {town} with one bullet and {a adj} debt.",
                "The law had not come to {town} yet, but the railroad had.",
            ],
            &[
                "A rancher wants the {land}, and he has hired the {gun}.",
                "There are {count} graves on the {land}, and one is empty.",
            ],
            &["A western of {idea} and dust.", "The frontier as it was."],
        ],
        words: &[
            ("town", &[
                "Abilene Crossing", "Bitter Springs", "Coyote Wells", "Dry Gulch", "Four Graves",
                "Lonesome Fork", "Mercy Flats", "Red Mesa", "Sawtooth", "Silver Spur", "Sweetwater Bend",
                "Whiskey Creek",
            ]),
            ("gun", &[
                "gunslinger", "marshal", "outlaw", "drifter", "bounty hunter", "rancher", "deputy", "stranger",
            ]),
            ("land", &["prairie", "canyon", "mesa", "sage", "badlands", "high plains", "desert"]),
        ],
        subjects: &["Western stories", "Frontier and pioneer life", "Cowboys"],
        price: 0.7,
        pages: (160, 320),
    },
];
