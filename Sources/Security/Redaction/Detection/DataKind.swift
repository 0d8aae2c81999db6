/// A kind of personal data or secret that is recognised by its form. The raw value is its place among all kinds.
enum DataKind: Int, CaseIterable, Sendable {
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
    case nationalID
    /// Addresses and keys of crypto currencies.
    case wallet

    /// What policies and reports call it.
    var name: String {
        switch self {
        case .email: "email"
        case .phone: "phone"
        case .iban: "iban"
        case .card: "card"
        case .jwt: "jwt"
        case .secret: "secret"
        case .ip: "ip"
        case .mac: "mac"
        case .nationalID: "national_id"
        case .wallet: "wallet"
        }
    }
}

/// Some kinds.
struct DataKinds: OptionSet, Sendable, Hashable {
    let rawValue: UInt16

    init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The set of one kind.
    init(_ kind: DataKind) {
        rawValue = 1 << UInt16(kind.rawValue)
    }

    /// Every kind.
    static var all: DataKinds { DataKinds(rawValue: 1 << UInt16(DataKind.allCases.count) - 1) }

    static var email: DataKinds { DataKinds(.email) }
    static var phone: DataKinds { DataKinds(.phone) }
    static var iban: DataKinds { DataKinds(.iban) }
    static var card: DataKinds { DataKinds(.card) }
    static var jwt: DataKinds { DataKinds(.jwt) }
    static var secret: DataKinds { DataKinds(.secret) }
    static var ip: DataKinds { DataKinds(.ip) }
    static var mac: DataKinds { DataKinds(.mac) }
    static var nationalID: DataKinds { DataKinds(.nationalID) }
    static var wallet: DataKinds { DataKinds(.wallet) }
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
