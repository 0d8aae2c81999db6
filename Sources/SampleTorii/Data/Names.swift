/// Who works at Northquay Instruments. All invented: no such people, no such domain, no such telephone numbers.
enum Names {
    /// Given name as people write it, and as their address does.
    static let given: [(written: String, handle: String)] = [
        ("Anouk", "anouk"), ("Dag", "dag"), ("Yusra", "yusra"), ("Pekka", "pekka"), ("Lindiwe", "lindiwe"),
        ("Bram", "bram"), ("Soraya", "soraya"), ("Søren", "soren"), ("Zoë", "zoe"), ("Tomasz", "tomasz"),
        ("Keiko", "keiko"), ("Rafaela", "rafaela"), ("Idris", "idris"), ("Marguerite", "marguerite"),
        ("Oluwaseun", "oluwaseun"), ("Petra", "petra"), ("Kwabena", "kwabena"), ("Ingrid", "ingrid"),
        ("Farouk", "farouk"), ("Nadezhda", "nadezhda"), ("José", "jose"), ("Wilhelmina", "wilhelmina"),
    ]

    /// Family name as people write it, and as their address does.
    static let family: [(written: String, handle: String)] = [
        ("Vantaa", "vantaa"), ("Quillfeather", "quillfeather"), ("Osei-Bonsu", "osei"), ("Marchetti", "marchetti"),
        ("Rautio", "rautio"), ("O'Hallorain", "ohallorain"), ("Łukaszczyk", "lukaszczyk"), ("Brandvold", "brandvold"),
        ("de Waard", "dewaard"), ("Nkemelu", "nkemelu"), ("Tsukamori", "tsukamori"), ("Ferreirinha", "ferreirinha"),
        ("Halvorsson", "halvorsson"), ("Müllenhoff", "muellenhoff"), ("Achterberg", "achterberg"),
        ("Ben-Zaken", "benzaken"), ("Ivanchuk", "ivanchuk"), ("Delacroix-Roy", "delacroix"), ("Sandoval", "sandoval"),
    ]

    /// Where they work.
    static let departments = [
        "Finance", "Field Engineering", "People", "Legal", "Optics", "Metrology", "Customer Care", "IT",
    ]

    /// What the organisation pays for: a name, a host under `.example`, a category.
    static let apps: [(name: String, host: String, category: String)] = [
        ("Figtree", "figtree", "Design"), ("Foxglove CRM", "foxglove", "CRM"),
        ("Palimpsest Docs", "palimpsest", "Wiki"),
        ("Barometer", "barometer", "Monitoring"), ("Quayside HR", "quaysidehr", "HR"),
        ("Tallystick", "tallystick", "Finance"),
        ("Semaphore Chat", "semaphorechat", "Communication"), ("Loomwork", "loomwork", "Project Management"),
        ("Driftnet", "driftnet", "Security"), ("Cartographer BI", "cartographer", "Analytics"),
        ("Signalbox", "signalbox", "DevOps"), ("Hearthside", "hearthside", "Facilities"),
        ("Parchment Sign", "parchmentsign", "Legal"), ("Beekeeper Forms", "beekeeperforms", "Surveys"),
        ("Gantrylift", "gantrylift", "Cloud"), ("Mothlight", "mothlight", "Video"),
    ]
}
