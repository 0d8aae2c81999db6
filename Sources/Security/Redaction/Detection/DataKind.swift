/// A kind of personal data or secret that is recognised by its form. The raw value is what policies and reports call it.
enum DataKind: String, CaseIterable, Sendable {
    /// E-mail addresses (RFC 5321, RFC 6531), also percent-encoded or in base 64.
    case email
    /// Telephone numbers: international, North American, or any when a word before says so.
    case phone
    /// International bank account numbers with right check digits (ISO 13616).
    case iban
    /// Payment card numbers with an issuer's beginning and a right check digit (ISO/IEC 7812).
    case card
    /// JSON Web Tokens, signed, unsigned and encrypted (RFC 7519).
    case jwt
    /// Keys, tokens and passwords: by their form, or by what is written before them.
    case secret
    /// IPv4 and IPv6 addresses, except loopback and unspecified ones.
    case ip
    /// Ethernet addresses.
    case mac
    /// Numbers that states give to persons, with right check digits where there are any.
    case nationalID = "national_id"
    /// Addresses and keys of crypto currencies.
    case wallet
}

/// Some kinds.
struct DataKinds: OptionSet, Sendable, Hashable {
    let rawValue: UInt16

    init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The set of one kind.
    init(_ kind: DataKind) {
        rawValue = 1 << UInt16(DataKind.allCases.firstIndex(of: kind) ?? 0)
    }

    /// Every kind.
    static let all = DataKinds(rawValue: 1 << UInt16(DataKind.allCases.count) - 1)

    static let email = DataKinds(.email)
    static let phone = DataKinds(.phone)
    static let iban = DataKinds(.iban)
    static let card = DataKinds(.card)
    static let jwt = DataKinds(.jwt)
    static let secret = DataKinds(.secret)
    static let ip = DataKinds(.ip)
    static let mac = DataKinds(.mac)
    static let nationalID = DataKinds(.nationalID)
    static let wallet = DataKinds(.wallet)
}

/// Something that a detector recognised: a range of bytes in the text it was given.
struct Finding: Equatable, Sendable {
    var start: Int
    var end: Int
    let kind: DataKind

    init(_ kind: DataKind, _ start: Int, _ end: Int) {
        self.kind = kind
        self.start = start
        self.end = end
    }
}
