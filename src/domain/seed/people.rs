//! Invented people: authors, and those whom the blurbs speak of.

use super::random::Choices;

/// Names of one part of the world. Any given name goes with any family name.
pub(super) struct Culture {
    /// The language that its authors mostly write in, as a BCP 47 tag.
    pub(super) language: &'static str,
    /// How many of 1,000 authors come from it.
    share: u32,
    pub(super) given: &'static [&'static str],
    pub(super) family: &'static [&'static str],
}

/// An author, told by number.
pub(super) struct Author {
    pub(super) name: String,
    pub(super) culture: &'static Culture,
}

/// The author with this number: always the same one for a seed.
pub(super) fn author(seed: u64, number: u64) -> Author {
    let mut choices = Choices::of(seed, AUTHORS | number);
    let culture = choices.weighted(CULTURES, |culture| culture.share);
    let given = choices.one(culture.given);
    let family = choices.one(culture.family);
    let name = match choices.below(100) {
        // "J. R. Harrow": initials hide the given name.
        0..9 => format!("{}. {}. {family}", initial(given), initial(choices.one(culture.given))),
        9..13 => format!("{}. {family}", initial(given)),
        13..38 => format!("{given} {}. {family}", initial(choices.one(culture.given))),
        38..48 => format!("{given} {} {family}", other(culture.given, given, &mut choices)),
        48..54 => format!("{given} {family}-{}", other(culture.family, family, &mut choices)),
        _ => format!("{given} {family}"),
    };
    Author { name, culture }
}

/// The streams of authors lie apart from those of books.
const AUTHORS: u64 = 1 << 63;

fn other(list: &[&'static str], than: &str, choices: &mut Choices) -> &'static str {
    let word = choices.one(list);
    if word == than { choices.one(list) } else { word }
}

fn initial(name: &str) -> char {
    name.chars().next().unwrap_or('X')
}

/// Somebody for a story.
pub(super) fn invented(culture: &Culture, choices: &mut Choices) -> String {
    format!("{} {}", choices.one(culture.given), choices.one(culture.family))
}

/// Where authors come from. The first one is also home to the people of English stories.
#[rustfmt::skip]
pub(super) const CULTURES: &[Culture] = &[
    Culture {
        language: "en",
        share: 560,
        given: &[
            "Ada", "Agnes", "Alice", "Amos", "Anna", "Arthur", "Audrey", "Beatrice", "Bernard", "Blythe", "Caleb",
            "Cecily", "Clara", "Conrad", "Cora", "Daniel", "Daphne", "Delia", "Desmond", "Dorothea", "Edith",
            "Edmund", "Eleanor", "Elias", "Ellis", "Esther", "Ethan", "Everett", "Fergus", "Fiona", "Flora",
            "Frances", "Gideon", "Grace", "Gwen", "Harriet", "Hazel", "Helen", "Henry", "Hugo", "Ida", "Imogen",
            "Iris", "Isaac", "Ivy", "Jasper", "Joan", "Jonah", "Josephine", "Judith", "Julian", "Katherine", "Laura",
            "Leander", "Leonard", "Lewis", "Lilian", "Lucy", "Mabel", "Malcolm", "Margot", "Marion", "Martha",
            "Maud", "Maxwell", "Miles", "Miriam", "Nathaniel", "Nell", "Nora", "Oliver", "Opal", "Oscar", "Owen",
            "Patience", "Percy", "Philippa", "Phoebe", "Quentin", "Rachel", "Ralph", "Rebecca", "Rhys", "Rosalind",
            "Rowan", "Rupert", "Ruth", "Samuel", "Sarah", "Silas", "Simon", "Susannah", "Sylvia", "Tabitha", "Thea",
            "Theodore", "Thomas", "Tobias", "Ursula", "Vera", "Verity", "Victor", "Violet", "Walter", "Wilfred",
            "Winifred", "Zachary", "Zelda",
        ],
        family: &[
            "Abernathy", "Alder", "Ambrose", "Applewhite", "Arkwright", "Ashdown", "Atwater", "Barrow", "Bexley",
            "Birchall", "Blackwood", "Bramley", "Brightwell", "Brockhurst", "Burgess", "Calloway", "Carrow",
            "Cartwright", "Chadwick", "Claybourne", "Coldwell", "Copperfield", "Crane", "Crowther", "Dalloway",
            "Darnell", "Denholm", "Drummond", "Dunmore", "Eastman", "Eldridge", "Ellery", "Fairbanks", "Fairweather",
            "Falconer", "Farrow", "Fenwick", "Finch", "Fletcher", "Foxglove", "Gallagher", "Garland", "Gladwin",
            "Goodwin", "Grantham", "Greenhalgh", "Grimshaw", "Hadley", "Hallam", "Harcourt", "Hargrove", "Harrow",
            "Hartwell", "Hathersage", "Hawthorne", "Hazelwood", "Heathcote", "Hollis", "Holloway", "Huxtable",
            "Inglewood", "Jessop", "Kettering", "Kingsley", "Kirkbride", "Lancaster", "Langley", "Larkin",
            "Ledbetter", "Linwood", "Lockhart", "Lovelace", "MacAllister", "MacBride", "Mallory", "Marchbanks",
            "Marlowe", "McKinnon", "Meadows", "Mercer", "Merriweather", "Middleton", "Montague", "Moorcroft",
            "Nettleton", "Nightingale", "Northcott", "O'Brien", "O'Malley", "O'Sullivan", "Oakes", "Osgood",
            "Pemberton", "Pendleton", "Penhaligon", "Pettigrew", "Pickering", "Prescott", "Quill", "Quimby",
            "Radcliffe", "Rainford", "Ravenscroft", "Redfern", "Rivers", "Rookwood", "Rutherford", "Saltmarsh",
            "Sedgwick", "Shackleton", "Sheridan", "Sinclair", "Somerville", "Stanhope", "Starling", "Stonebridge",
            "Tennant", "Thackeray", "Thorne", "Thistlewood", "Tilbury", "Trelawney", "Underhill", "Vance", "Vaughan",
            "Wadsworth", "Wainwright", "Waverley", "Weatherby", "Wetherell", "Whitcombe", "Whitlock", "Wickham",
            "Winslow", "Winterbourne", "Woodruff", "Wren", "Wyndham", "Yardley", "Yarrow",
        ],
    },
    Culture {
        language: "de",
        share: 65,
        given: &[
            "Anke", "Annegret", "Bärbel", "Björn", "Detlef", "Dörte", "Elke", "Friedrich", "Gisela", "Götz", "Greta",
            "Hannes", "Heike", "Ingrid", "Jörg", "Jürgen", "Käthe", "Klaus", "Lotte", "Lukas", "Matthias", "Renate",
            "Rüdiger", "Sabine", "Sören", "Theo", "Ulrike", "Uwe", "Wiebke", "Wolfgang",
        ],
        family: &[
            "Althaus", "Bärwald", "Blumenthal", "Brückner", "Dornbusch", "Ebersbach", "Falkenberg", "Finkenstein",
            "Grünwald", "Hagedorn", "Hirschfeld", "Höllerer", "Jäger", "Kästle", "Kirchhoff", "Köhlmann", "Lindenau",
            "Löwenherz", "Morgenroth", "Mühlbauer", "Nachtigall", "Oberländer", "Pfeiffer", "Rosenzweig",
            "Schönfeld", "Schüttler", "Steinbrück", "Tannhauser", "Uhland", "Vogelsang", "Weißmann", "Winterhalter",
            "Zöllner",
        ],
    },
    Culture {
        language: "fr",
        share: 60,
        given: &[
            "Adélaïde", "Agnès", "Aurélien", "Benoît", "Camille", "Céline", "Chloé", "Clémence", "Didier", "Édouard",
            "Élodie", "Émile", "Étienne", "François", "Geneviève", "Gérard", "Hélène", "Inès", "Jérôme", "Joëlle",
            "Léon", "Lucie", "Mathilde", "Noël", "Océane", "Pascal", "Raphaël", "Rémi", "Solène", "Théo", "Zoé",
        ],
        family: &[
            "Aubertin", "Beauchêne", "Bellerive", "Boisvert", "Chevalier", "Clairmont", "Crèvecœur", "Delacourt",
            "Desrosiers", "Duchêne", "Dufresne", "Fontenay", "Garçon", "Guérin", "Lachapelle", "Lafôret", "Lefèvre",
            "Lemaître", "Marchand", "Mirabeau", "Montclair", "Noailles", "Pélissier", "Perrault", "Quesnel",
            "Rivière", "Rochefort", "Saint-Amand", "Thévenet", "Vaillancourt", "Villeneuve",
        ],
    },
    Culture {
        language: "es",
        share: 65,
        given: &[
            "Alejandro", "Álvaro", "Ángela", "Beatriz", "Belén", "Camila", "Concepción", "Esteban", "Fermín",
            "Gonzalo", "Guadalupe", "Íñigo", "Inés", "Jesús", "Joaquín", "José", "Julián", "Lucía", "Luz", "María",
            "Martín", "Mónica", "Nicolás", "Óscar", "Paloma", "Ramón", "Rocío", "Rubén", "Sofía", "Tomás",
            "Verónica", "Ximena",
        ],
        family: &[
            "Aguilar", "Alarcón", "Barragán", "Bermúdez", "Calderón", "Cárdenas", "Castañeda", "Cienfuegos",
            "Delgado", "Echeverría", "Escobar", "Figueroa", "Galván", "Gutiérrez", "Ibáñez", "Jiménez", "Lozano",
            "Maldonado", "Montero", "Muñoz", "Navarro", "Ordóñez", "Pacheco", "Quiñones", "Ríos", "Saavedra",
            "Sepúlveda", "Torreón", "Urrutia", "Valverde", "Villaseñor", "Zamora", "Zúñiga",
        ],
    },
    Culture {
        language: "it",
        share: 30,
        given: &[
            "Alessia", "Beppe", "Carlotta", "Chiara", "Dario", "Elettra", "Emanuele", "Fabrizio", "Giacomo",
            "Ginevra", "Giulia", "Ilaria", "Lorenzo", "Luca", "Matteo", "Niccolò", "Ottavia", "Paolo", "Rosalba",
            "Tommaso",
        ],
        family: &[
            "Albertini", "Bellandi", "Cavalcante", "Cortesi", "D'Amato", "De Santis", "Fabbri", "Ferrante",
            "Galluzzo", "Lombardi", "Malatesta", "Marchetti", "Montefiore", "Orsini", "Pellegrini", "Quaranta",
            "Rinaldi", "Sartori", "Tedesco", "Vescovi", "Zanetti",
        ],
    },
    Culture {
        language: "pt",
        share: 30,
        given: &[
            "Afonso", "Ana", "Antônio", "Caetano", "Cecília", "Davi", "Fátima", "Flávia", "Gonçalo", "Helena",
            "João", "Júlia", "Leonor", "Lúcio", "Mariana", "Otávio", "Raul", "Sebastião", "Tarsila", "Vinícius",
        ],
        family: &[
            "Almeida", "Araújo", "Azevedo", "Barbosa", "Branquinho", "Carvalhal", "Conceição", "Damasceno", "Falcão",
            "Figueiredo", "Galvão", "Guimarães", "Leitão", "Magalhães", "Nóbrega", "Peixoto", "Quadros", "Ribeirão",
            "Sampaio", "Simões", "Valadares",
        ],
    },
    Culture {
        language: "en",
        share: 35,
        given: &[
            "Åsa", "Astrid", "Birgitte", "Einar", "Freja", "Gunnar", "Håkon", "Ingeborg", "Jóhann", "Kjell", "Liv",
            "Magnus", "Oddný", "Pernille", "Ragnhild", "Signe", "Solveig", "Søren", "Torbjørn", "Yrsa",
        ],
        family: &[
            "Ålund", "Bergström", "Björnsdóttir", "Dahlgren", "Ekström", "Fjeldstad", "Grønvold", "Halvorsen",
            "Holmqvist", "Jørstad", "Kvist", "Lindqvist", "Lødemel", "Nordahl", "Nygård", "Øverland", "Rasmussen",
            "Sjöberg", "Skarsgaard", "Strandvik", "Thorvaldsen",
        ],
    },
    Culture {
        language: "en",
        share: 25,
        given: &[
            "Agnieszka", "Bohumil", "Bożena", "Dušan", "Elżbieta", "Grażyna", "Hedvika", "Ivana", "Jarosław", "Jiří",
            "Katarína", "Ljubica", "Łukasz", "Milada", "Mirela", "Radovan", "Stanisława", "Tomáš", "Vojtěch",
            "Zuzana",
        ],
        family: &[
            "Baránek", "Černý", "Dąbrowska", "Dvořák", "Gałązka", "Hájek", "Hrdlička", "Jabłoński", "Kovačić",
            "Krásnohorská", "Lisowska", "Małecki", "Novotný", "Petrović", "Růžička", "Ševčík", "Šimić", "Wiśniewska",
            "Wójcik", "Zelenka", "Żuławski",
        ],
    },
    Culture {
        language: "en",
        share: 40,
        given: &[
            "Aditi", "Amrita", "Arjun", "Deepa", "Farhan", "Indira", "Ishaan", "Jaya", "Kabir", "Kavita", "Leela",
            "Manjula", "Meera", "Nikhil", "Padma", "Rohan", "Sanjay", "Shanta", "Sunil", "Tara", "Vikram", "Yasmin",
        ],
        family: &[
            "Acharya", "Banerjee", "Bhattacharya", "Chaudhuri", "Deshpande", "Ganguly", "Iyengar", "Jayaraman",
            "Kapoor", "Krishnan", "Lahiri", "Malhotra", "Mukherjee", "Nambiar", "Pillai", "Qureshi", "Raghavan",
            "Sengupta", "Srinivasan", "Thakur", "Venkatesan", "Wadhwa",
        ],
    },
    Culture {
        language: "en",
        share: 45,
        given: &[
            "Akira", "Chiyo", "Haruki", "Hiroshi", "Kenji", "Mariko", "Naoko", "Ryō", "Sachiko", "Yūko", "Bo", "Hui",
            "Jian", "Lan", "Mei", "Qing", "Shu", "Wei", "Xia", "Yan", "Hyun", "Ji-woo", "Min-seo", "Seo-yeon", "Anh",
            "Linh", "Thảo",
        ],
        family: &[
            "Aoyama", "Fujimori", "Hayashida", "Ishiguro", "Kawabata", "Kurosawa", "Minamoto", "Ōnishi", "Shimizu",
            "Tachibana", "Yoshimura", "Chen", "Guo", "Huang", "Liang", "Ouyang", "Shen", "Xu", "Zhang", "Baek",
            "Choi", "Hwang", "Seong", "Nguyễn", "Phạm", "Trần",
        ],
    },
    Culture {
        language: "en",
        share: 45,
        given: &[
            "Abeni", "Adaeze", "Amara", "Ayodele", "Babajide", "Chidi", "Efua", "Femi", "Ifeoma", "Kofi", "Kwame",
            "Lerato", "Makena", "Ngozi", "Nomvula", "Olúfẹ́mi", "Sipho", "Tendai", "Wanjiru", "Zola", "Amina",
            "Farid", "Hanan", "Karim", "Layla", "Nadia", "Omar", "Rania", "Samir", "Zaynab",
        ],
        family: &[
            "Abiola", "Achieng", "Adeyemi", "Asante", "Balogun", "Chukwu", "Dlamini", "Eze", "Kamau", "Mbeki",
            "Mensah", "Mutasa", "Nkosi", "Nwosu", "Obi", "Okafor", "Olatunji", "Owusu", "Wambui", "al-Amin",
            "Bensaïd", "el-Khoury", "Haddad", "Mansour", "Nasser", "Rahmani", "Sabbagh", "Yılmaz", "Öztürk", "Çelik",
        ],
    },
];

/// The culture whose authors write in this language; the first one where there is none.
pub(super) fn culture_of(language: &str) -> &'static Culture {
    CULTURES.iter().find(|culture| culture.language == language).unwrap_or(&CULTURES[0])
}
