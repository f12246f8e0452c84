//! Books in other languages than English. Nouns stand with their articles, so that any pattern is good grammar.

use super::Kind;

#[rustfmt::skip]
pub(super) const KINDS: &[Kind] = &[
    Kind {
        language: "de",
        weight: 60,
        genre: "literary-fiction",
        also: &["contemporary", "family", "historical-fiction"],
        titles: &[
            "{^ding} am Ende der Welt", "{^ding}, {ding2} und {ding3}", "{^ding} von {stadt} und {ding2}",
            "{^leute}, {ding} und {ding2}", "{^ding} und {ding2}", "{^ding} von {stadt}", "{^ding}, {ding2} und ich",
            "Als {ding} schwieg", "Ein Sommer in {stadt}", "{^zeit} in {stadt}", "Was {ding} verschweigt",
            "{^ding} im {monat}", "Wo {ding} beginnt", "{^leute} von {stadt}", "Das Jahr in {stadt}",
        ],
        subtitles: &["Roman", "Erzählungen", "Eine Familiengeschichte"],
        series: &["Die {stadt}-Trilogie"],
        blurb: [
            &[
                "Im {monat} kehrt {hero} nach {stadt} zurück.", "Niemand in {stadt} weiß, was {ding} verbirgt.",
                "Für {hero} ist {ding2} mehr als eine Erinnerung.",
            ],
            &[
                "Doch {ding} birgt ein Geheimnis.",
                "Zwischen {stadt} und dem Meer liegt eine lange Nacht.",
                "Was als Besuch beginnt, wird zu einer Reise in die Vergangenheit.",
            ],
            &["Ein leiser Roman über Heimat, Schuld und Liebe.", "Eine Geschichte, die lange nachklingt."],
        ],
        words: &[
            ("ding", &[
                "der Garten", "der Winter", "der Drache", "das Haus", "das Meer", "die Küche", "die Brücke",
                "der Turm", "die Nacht", "das Licht", "der Schlüssel", "die Bibliothek", "der Spiegel",
                "die Straße", "das Mädchen", "der Fluss", "die Uhr", "das Schweigen", "der Apfelbaum", "die Tür",
            ]),
            ("stadt", &[
                "Berlin", "Hamburg", "Leipzig", "München", "Wien", "Zürich", "Köln", "Dresden", "Göttingen",
                "Lübeck", "Graz", "Görlitz", "Tübingen", "Bern",
            ]),
            ("zeit", &[
                "der letzte Winter", "ein Jahr", "der Frühling", "die sieben Nächte", "ein Herbst",
                "die blaue Stunde",
            ]),
            ("monat", &["Januar", "März", "Mai", "Juli", "September", "November"]),
            ("leute", &[
                "die Töchter", "die Gärtner", "die Brüder", "die Frauen", "die Träumer", "die Bäcker",
                "die Mörder", "die Schüler",
            ]),
        ],
        subjects: &["Familie", "Heimat", "Großstadt"],
        price: 1.05,
        pages: (160, 480),
    },
    Kind {
        language: "de",
        weight: 40,
        genre: "crime",
        also: &["mystery", "thriller"],
        titles: &[
            "Mord in {stadt}", "Der {adj} Mord von {stadt}", "Tod im {ort} von {stadt}",
            "{family} und {ding} von {stadt}", "Tod im {ort}", "{^ding} des Mörders", "Mord im {ort}",
            "Der {adj} Mord", "Kommissar {family} und {ding}", "Die Toten von {stadt}", "Winter in {stadt}",
            "Der {adj} Zeuge", "{stadt} schweigt",
        ],
        subtitles: &["Kriminalroman", "Ein {stadt}-Krimi", "Thriller"],
        series: &["Kommissar {family}", "Die {stadt}-Krimis"],
        blurb: [
            &["Im {ort} von {stadt} liegt ein Toter.", "Kommissar {family} wollte nur ein ruhiges Wochenende."],
            &["Die Spur führt in den {ort2} und zu einem alten Mord.", "Alle haben ein Alibi, und alle lügen."],
            &["Ein Krimi mit Tiefgang.", "Spannend bis zur letzten Seite."],
        ],
        words: &[
            ("stadt", &[
                "Berlin", "Hamburg", "Köln", "Wien", "Zürich", "Nürnberg", "Rügen", "Sylt", "Münster", "Füssen",
                "Würzburg",
            ]),
            ("ort", &[
                "Garten", "Keller", "Hafen", "Theater", "Schnee", "Moor", "Weinberg", "Kloster", "Museum",
                "Hotel", "Park",
            ]),
            ("ding", &[
                "die Handschrift", "das Messer", "der Schatten", "die Rache", "das Lächeln", "der Garten",
                "die Stille",
            ]),
            ("adj", &["perfekte", "letzte", "stumme", "kalte", "blinde", "falsche", "doppelte"]),
        ],
        subjects: &["Kriminalfall", "Mord", "Polizei"],
        price: 0.9,
        pages: (220, 420),
    },
    Kind {
        language: "fr",
        weight: 100,
        genre: "literary-fiction",
        also: &["romance", "historical-fiction", "contemporary"],
        titles: &[
            "{^chose} et {chose2}", "{^chose}, {chose2} et {chose3}", "{^chose} de {ville} et {chose2}",
            "{^gens} de {ville} et {chose}", "{^chose} de {ville}", "{^chose} d'hiver", "Un été à {ville}",
            "{^gens} de {ville}", "{^chose} et moi", "Là où {chose} commence", "{^chose} oublié de {prénom}",
            "Meurtre à {ville}", "{^gens} et {chose}", "À {ville}, la nuit", "Lettres de {ville}",
        ],
        subtitles: &["roman", "nouvelles", "récit"],
        series: &["Les chroniques de {ville}"],
        blurb: [
            &[
                "À {ville}, {hero} découvre {chose}.", "Depuis la guerre, personne n'a rouvert {chose}.",
                "{prénom} revient à {ville} après vingt ans d'absence.",
            ],
            &[
                "Mais {chose2} garde la mémoire de tous les secrets.", "Une lettre, un jardin, et tout recommence.",
                "Entre {ville} et la mer, une famille se déchire.",
            ],
            &["Un roman lumineux sur l'amour et l'oubli.", "Une écriture précise, une histoire inoubliable."],
        ],
        words: &[
            ("chose", &[
                "le jardin", "le dragon", "la cuisine", "la forêt", "la maison", "le château", "la mémoire",
                "le silence", "la mer", "le miroir", "la lumière", "le secret", "la fenêtre", "le train",
                "la clé", "le fleuve", "la bibliothèque", "le rêve",
            ]),
            ("ville", &[
                "Paris", "Lyon", "Marseille", "Bordeaux", "Besançon", "Nîmes", "Orléans", "Saint-Étienne",
                "Genève", "Liège", "Montréal", "Sète", "Honfleur", "Angoulême",
            ]),
            ("gens", &[
                "les sœurs", "les enfants", "les amants", "les frères", "les étrangers", "les jardiniers",
                "les héritiers", "les oubliés",
            ]),
            ("prénom", &["Hélène", "Étienne", "Chloé", "Rémi", "Zoé", "Benoît", "Inès", "Noël"]),
        ],
        subjects: &["Famille", "Amour", "Secrets"],
        price: 1.0,
        pages: (140, 420),
    },
    Kind {
        language: "es",
        weight: 100,
        genre: "literary-fiction",
        also: &["historical-fiction", "romance", "fantasy", "contemporary"],
        titles: &[
            "{^cosa} y {cosa2}", "{^cosa}, {cosa2} y {cosa3}", "{^cosa} de {ciudad} y {cosa2}",
            "{^gente} de {ciudad} y {cosa}", "{^cosa} de {ciudad}", "{^cosa} del invierno", "Un verano en {ciudad}",
            "{^gente} de {ciudad}", "Donde empieza {cosa}", "Asesinato en {ciudad}", "Los años de {ciudad}",
            "{^cosa} perdida de {nombre}", "Cartas desde {ciudad}", "{^gente} y {cosa}", "La noche de {ciudad}",
        ],
        subtitles: &["novela", "cuentos", "una historia de familia"],
        series: &["Crónicas de {ciudad}"],
        blurb: [
            &[
                "En {ciudad}, {hero} encuentra {cosa}.", "Nadie en {ciudad} habla de {cosa}.",
                "{nombre} vuelve a {ciudad} después de la guerra.",
            ],
            &[
                "Pero {cosa2} guarda un secreto que cambiará su vida.", "Tres generaciones, una cocina y un jardín.",
                "Entre la memoria y el olvido corre un río.",
            ],
            &["Una novela sobre el amor, el exilio y la esperanza.", "Una historia que no se olvida."],
        ],
        words: &[
            ("cosa", &[
                "el jardín", "el dragón", "la cocina", "el bosque", "la casa", "el corazón", "la memoria",
                "el silencio", "el mar", "el espejo", "la luz", "el secreto", "la ventana", "el tren",
                "la llave", "el río", "la biblioteca", "el sueño",
            ]),
            ("ciudad", &[
                "Madrid", "Sevilla", "Cádiz", "Málaga", "León", "Bogotá", "Lima", "La Habana", "Córdoba",
                "Medellín", "Mérida", "Potosí", "Valparaíso", "Asunción",
            ]),
            ("gente", &[
                "las hermanas", "los hijos", "los amantes", "las señoras", "los forasteros", "los jardineros",
                "los herederos", "los niños",
            ]),
            ("nombre", &["Lucía", "Joaquín", "Inés", "Ramón", "Sofía", "Óscar", "Belén", "Tomás"]),
        ],
        subjects: &["Familia", "Amor", "Memoria"],
        price: 0.95,
        pages: (140, 440),
    },
    Kind {
        language: "it",
        weight: 100,
        genre: "literary-fiction",
        also: &["contemporary", "historical-fiction", "family"],
        titles: &[
            "{^cosa} e {cosa2}", "{^cosa}, {cosa2} e {cosa3}", "{^cosa} di {luogo} e {cosa2}",
            "{^gente} di {luogo} e {cosa}", "{^cosa} di {luogo}", "Un'estate a {luogo}", "Inverno a {luogo}",
            "Delitto a {luogo}", "Dove comincia {cosa}", "{^gente} di {luogo}", "{^cosa} perduta",
        ],
        subtitles: &["romanzo", "racconti"],
        series: &[],
        blurb: [
            &["A {luogo}, {hero} ritrova {cosa}.", "Nessuno a {luogo} ha dimenticato {cosa}."],
            &["Ma {cosa2} nasconde una verità.", "Una lettera, un giardino, una lunga estate."],
            &["Un romanzo sull'amicizia e sulla memoria.", "Una storia di famiglia, città e mare."],
        ],
        words: &[
            ("cosa", &[
                "il giardino", "il drago", "la cucina", "la casa", "il mare", "la luce", "il silenzio",
                "la notte", "il segreto", "la finestra", "il fiume", "la libertà",
            ]),
            (
                "luogo",
                &["Roma", "Napoli", "Torino", "Palermo", "Trieste", "Bologna", "Siena", "Cefalù", "Matera", "Genova"],
            ),
            ("gente", &["le sorelle", "i fratelli", "gli amanti", "le figlie", "i giardinieri"]),
        ],
        subjects: &["Famiglia", "Amicizia", "Città"],
        price: 0.95,
        pages: (140, 380),
    },
    Kind {
        language: "pt",
        weight: 100,
        genre: "literary-fiction",
        also: &["contemporary", "historical-fiction", "poetry"],
        titles: &[
            "{^coisa} e {coisa2}", "{^coisa}, {coisa2} e {coisa3}", "{^coisa} de {lugar} e {coisa2}",
            "{^gente} de {lugar} e {coisa}", "{^coisa} de {lugar}", "Um verão em {lugar}", "Inverno em {lugar}",
            "Onde começa {coisa}", "{^gente} de {lugar}", "A última canção de {lugar}", "Crime em {lugar}",
        ],
        subtitles: &["romance", "contos"],
        series: &[],
        blurb: [
            &["Em {lugar}, {hero} encontra {coisa}.", "Ninguém em {lugar} fala de {coisa}."],
            &["Mas {coisa2} guarda um segredo.", "Uma carta, um jardim e um longo verão mudam tudo."],
            &["Um romance sobre a saudade e a esperança.", "Uma história de família, mar e solidão."],
        ],
        words: &[
            ("coisa", &[
                "o jardim", "o dragão", "a cozinha", "a casa", "o mar", "a luz", "o silêncio", "a noite",
                "o segredo", "a janela", "o rio", "a saudade", "o coração",
            ]),
            ("lugar", &[
                "Lisboa", "Coimbra", "Évora", "São Paulo", "Salvador", "Belém", "Olinda", "Florianópolis",
                "Maputo", "Luanda",
            ]),
            ("gente", &["as irmãs", "os irmãos", "os amantes", "os filhos", "as avós"]),
        ],
        subjects: &["Família", "Saudade", "Mar"],
        price: 0.9,
        pages: (120, 380),
    },
];
