/// A number that a state gives to persons.
private struct NationalID: Sendable {
    /// The form: `9` a digit, `A` a letter, `X` either, anything else itself. Separators in it are needed.
    let form: [UInt8]
    /// Words of which one must stand shortly before it; none when the form and its check are enough.
    let words: [[UInt8]]
    /// How its check digits are made.
    let check: NationalCheck
    /// How many digits, or letters, it begins with.
    let lead: Int
    /// Whether what comes after those can't be one more.
    let endsLead: Bool

    init(form: [UInt8], words: [[UInt8]], check: NationalCheck) {
        self.form = form
        self.words = words
        self.check = check
        lead = form.prefix { $0 == form[0] }.count
        endsLead = lead == form.count || form[lead] != 0x58
    }

    /// Reads `check|form form …|word word …`; in forms `_` stands for a blank.
    static func read(_ line: Substring) -> [NationalID] {
        let parts = line.split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count == 3, let check = NationalCheck(rawValue: String(parts[0])) else { return [] }
        let words = parts[2].split(separator: " ").map { Array($0.utf8) }
        return parts[1].split(separator: " ").map { form in
            NationalID(form: form.utf8.map { $0 == 0x5f ? 0x20 : $0 }, words: words, check: check)
        }
    }
}

/// Finds national identity numbers.
func findNationalIDs(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while at < text.count {
        guard isAlphanumeric(text[at]) else {
            at += 1
            continue
        }
        let before = text.at(at - 1)
        let next = text.endOfRun(from: at, isAlphanumeric)
        if text.isWordStart(at), before != 0x2d, before != 0x2e, before != 0x2b, let end = idEnd(text, at) {
            found.append(Finding(.nationalID, at, end))
            at = max(end, next)
        } else {
            at = next
        }
    }
}

private func idEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let kind = isDigit(text[start]) ? 0 : 1
    let lead = text.endOfRun(from: start, limit: 20) { kind == 0 ? isDigit($0) : isLetter($0) } - start
    var words: (start: Int, end: Int)?
    for id in nationalIDs[kind] where lead == id.lead || !id.endsLead && lead > id.lead {
        guard let (end, characters) = match(text, start, id.form), id.check.isRight(characters) else { continue }
        guard !id.words.isEmpty else { return end }
        let range = words ?? wordsBefore(text, start)
        words = range
        if id.words.contains(where: { isWordWithin(text, range.start, range.end, $0) }) { return end }
    }
    return nil
}

private func match(_ text: Span<UInt8>, _ start: Int, _ form: [UInt8]) -> (end: Int, characters: [UInt8])? {
    var characters: [UInt8] = []
    guard start + form.count <= text.count else { return nil }
    for (offset, wanted) in form.enumerated() {
        let byte = text[start + offset]
        switch wanted {
        case 0x39: guard isDigit(byte) else { return nil }
        case 0x41: guard isLetter(byte) else { return nil }
        case 0x58: guard isAlphanumeric(byte) else { return nil }
        default:
            guard byte == wanted else { return nil }
            continue
        }
        characters.append(isLower(byte) ? byte & 0xdf : byte)
    }
    let end = start + form.count
    let next = text.at(end)
    guard text.isWordEnd(end), next != 0x2d, !(next == 0x2e && isAlphanumeric(text.at(end + 1))) else { return nil }
    return (end, characters)
}

/// The 40 bytes before a place.
private func wordsBefore(_ text: Span<UInt8>, _ place: Int) -> (start: Int, end: Int) {
    (max(0, place - 40), place)
}

private func isWordWithin(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ word: [UInt8]) -> Bool {
    var at = start
    while at + word.count <= end {
        if text.hasIgnoringCase(word, at: at), !isAlphanumeric(text.at(at - 1)), !isLetter(text.at(at + word.count)),
            // `BSN-like` is not a BSN.
            !(text.at(at + word.count) == 0x2d && isLower(text.at(at + word.count + 1))
                && !text.hasIgnoringCase(numberEnding, at: at + word.count)
                && !text.hasIgnoringCase(numberBeginning, at: at + word.count))
        {
            return true
        }
        at += 1
    }
    return false
}

/// Those that begin with a digit, then those that begin with a letter; the more particular form first.
private let nationalIDs: [[NationalID]] = {
    let all = nationalForms.split(separator: "\n").flatMap(NationalID.read)
    return [all.filter { $0.form[0] == 0x39 }, all.filter { $0.form[0] != 0x39 }]
}()

private let nationalForms = """
    ssn|999-99-9999|
    itin|999-99-9999|itin taxpayer tin tax
    ssn|999999999 999_99_9999|ssn social
    itin|999999999|itin taxpayer
    dni|99999999A 99999999-A|
    bsn|999999999 9999.99.999|bsn burgerservicenummer sofinummer sofi
    swedish|99999999-9999 999999+9999|
    swedish|999999-9999 999999999999 9999999999|personnummer personal samordningsnummer pnr
    cpf|999.999.999-99|
    cpf|99999999999|cpf
    cnpj|99.999.999/9999-99|
    cnpj|99999999999999|cnpj
    aadhaar|9999_9999_9999 9999-9999-9999 999999999999|aadhaar aadhar uid uidai
    ahv|999.9999.9999.99|
    ahv|9999999999999|ahv avs oasi sozialversicherung
    belgian|99.99.99-999.99|
    belgian|99999999999|rijksregisternummer rrn nrn registre national
    french|9_99_99_99_999_999_99|
    french|999999999999999|nir insee securite sécurité sociale
    pesel|99999999999|pesel
    finnish|999999-999X 999999A999X|
    germanTax|99_999_999_999 99999999999|steuer steuerid steueridentifikationsnummer idnr identifikationsnummer tin
    norwegian|99999999999 999999_99999|fødselsnummer fodselsnummer personnummer fnr
    danish|999999-9999 9999999999|cpr personnummer
    portuguese|999999999 999_999_999|nif contribuinte nipc
    irish|9999999A 9999999AA|pps ppsn
    nhs|999_999_9999 999-999-9999 9999999999|nhs
    chinese|99999999999999999X|
    korean|999999-9999999|
    turkish|99999999999|tckn tc kimlik
    tfn|999_999_999 999999999|tfn tax
    medicare|9999_99999_9 9999999999|medicare
    luhn|999_999_999 999-999-999 999999999|sin social insurance teudat zehut israeli
    southAfrican|9999999999999|id identity rsa sa
    rut|99.999.999-X|
    rut|99999999-X|rut run
    cuit|99-99999999-9|
    cuit|99999999999|cuit cuil
    myNumber|9999_9999_9999 999999999999|mynumber マイナンバー individual
    nino|AA999999A AA_99_99_99_A AA_999999_A|
    nie|A9999999A A-9999999-A|
    singaporean|A9999999A|
    codiceFiscale|AAAAAA99A99A999A|
    pan|AAAAA9999A|
    curp|AAAA999999AAAAAAX9|
    """

private let numberEnding = bytes("-nr")
private let numberBeginning = bytes("-nu")
