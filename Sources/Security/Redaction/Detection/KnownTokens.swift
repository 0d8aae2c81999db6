import Bytes

/// The form of one vendor's tokens: how they begin, what follows, and how much of it.
private struct TokenForm: Sendable {
    let prefix: [UInt8]
    let characters: Characters
    let least: Int
    let most: Int

    enum Characters: Sendable {
        /// Letters and digits.
        case letters
        /// Letters, digits, `_` and `-`.
        case url
        /// The same with `.`, `=`, `~`, `+`, `/`.
        case any
        /// Hexadecimal digits in either case.
        case hex
        /// Capitals and digits.
        case capitals

        @inline(__always)
        func contains(_ byte: UInt8) -> Bool {
            switch self {
            case .letters: isAlphanumeric(byte)
            case .url: isAlphanumeric(byte) || byte == 0x5f || byte == 0x2d
            case .any:
                isAlphanumeric(byte) || byte == 0x5f || byte == 0x2d || byte == 0x2e || byte == 0x3d || byte == 0x7e
                    || byte == 0x2b || byte == 0x2f
            case .hex: isHex(byte)
            case .capitals: isUpper(byte) || isDigit(byte)
            }
        }
    }
}

/// Finds tokens that vendors made recognisable.
func findKnownTokens(_ text: Span<UInt8>, _ found: inout [Finding]) {
    let forms = knownForms.byFirst
    var at = 0
    // Words shorter than any token are passed over at once.
    var longEnough = 0
    while at < text.count {
        guard isAlphanumeric(text[at]) else {
            at += 1
            continue
        }
        if at >= longEnough {
            longEnough = text.endOfRun(from: at, isInTokens)
            if longEnough - at < shortestToken {
                at = longEnough
                continue
            }
        }
        if let end = tokenEnd(text, at, forms[Int(text[at])]) ?? unprefixedEnd(text, at) {
            found.append(Finding(.secret, at, end))
            at = end
        } else {
            at = text.endOfRun(from: at, isAlphanumeric)
        }
    }
}

/// The fewest bytes of any token, its beginning included.
private let shortestToken = 16

@inline(__always)
private func isInTokens(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == 0x5f || byte == 0x2d || byte == 0x2e || byte == 0x3d || byte == 0x7e || byte == 0x2b
        || byte == 0x2f || byte == 0x3a || byte == 0x24
}

private func tokenEnd(_ text: Span<UInt8>, _ start: Int, _ forms: [TokenForm]) -> Int? {
    for form in forms where text.has(form.prefix, at: start) {
        let body = start + form.prefix.count
        let end = text.endOfRun(from: body, limit: form.most + 1, form.characters.contains)
        guard (form.least...form.most).contains(end - body), isTokenEnd(text, end) else { continue }
        // `sk-learn-and-other-words-with-hyphens` has no digit; a token nearly always has.
        guard hasDigit(text, body, end) || form.least < 10 else { continue }
        return end
    }
    return nil
}

@inline(__always)
private func isTokenEnd(_ text: Span<UInt8>, _ end: Int) -> Bool {
    !isAlphanumeric(text.at(end)) && text.at(end) < 0x80
}

private func hasDigit(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    for place in start..<end where isDigit(text[place]) { return true }
    return false
}

/// Tokens whose mark is not at their beginning.
private func unprefixedEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
    if let end = endOfTelegram(text, start) { return end }
    guard text.isWordStart(start), text.at(start - 1) != 0x2d else { return nil }
    let run = text.endOfRun(from: start, limit: 400) {
        isAlphanumeric($0) || $0 == 0x5f || $0 == 0x2d || $0 == 0x2e || $0 == 0x7e
    }
    let first = text.endOfRun(from: start, limit: 60, isAlphanumeric)
    guard run - start >= 34 else { return nil }
    // Terraform: 14 characters and `.atlasv1.`
    if let mark = text.first(terraformMark, from: start, before: run), mark - start == 14, run - mark >= 60 {
        return run
    }
    // Azure AD: three characters, a digit, `Q~`.
    if isDigit(text.at(start + 3)), text.has([0x51, 0x7e], at: start + 4), run - start >= 37, run - start <= 42 {
        return run
    }
    // Mailchimp: 32 hexadecimal digits and `-us1`.
    let hex = text.endOfRun(from: start, limit: 33, isHex)
    if hex - start == 32, text.has(mailchimpMark, at: hex), isDigit(text.at(hex + 3)) {
        return text.endOfRun(from: hex + 3, isDigit)
    }
    // Discord: three parts of 24 to 28, 6 and 27 to 40, the first an id in base 64.
    if first - start >= 23, first - start <= 28, text.at(first) == 0x2e, text.at(first + 7) == 0x2e,
        text[start] >= 0x4d,
        text[start] <= 0x4f, run - first - 8 >= 27, run - first - 8 <= 40
    {
        return run
    }
    // Airtable: `pat`, 14 characters, a full stop, 64 hexadecimal digits.
    if text.has([0x70, 0x61, 0x74], at: start), first - start == 17, text.at(first) == 0x2e,
        text.endOfRun(from: first + 1, limit: 65, isHex) == first + 65
    {
        return first + 65
    }
    return nil
}

/// Telegram: 8 to 10 digits, a colon, `AA` and 33 more; in URLs behind `bot`.
private func endOfTelegram(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let digits = text.has([0x62, 0x6f, 0x74], at: start) ? start + 3 : start
    let colon = text.endOfRun(from: digits, limit: 11, isDigit)
    guard (8...10).contains(colon - digits), text.has([0x3a, 0x41, 0x41], at: colon) else { return nil }
    let end = text.endOfRun(from: colon + 1, limit: 40) { isWord($0) || $0 == 0x2d }
    return end - colon - 1 >= 33 ? end : nil
}

/// The forms by their first byte.
private struct TokenForms: Sendable {
    var byFirst = [[TokenForm]](repeating: [], count: 256)

    init(_ lines: String) {
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ")
            let characters: TokenForm.Characters =
                switch words[0] {
                case "letters": .letters
                case "url": .url
                case "hex": .hex
                case "capitals": .capitals
                default: .any
                }
            let lengths = words[1].split(separator: "-").compactMap { Int($0) }
            for prefix in words.dropFirst(2) {
                let prefix = Array(prefix.utf8)
                let form = TokenForm(
                    prefix: prefix, characters: characters, least: lengths[0],
                    most: lengths.count > 1 ? lengths[1] : lengths[0])
                byFirst[Int(prefix[0])].append(form)
            }
        }
    }
}

/// Characters, how many of them, and the beginnings, gathered from what vendors document and secret scanners publish.
private let knownForms = TokenForms(
    """
    capitals 16 AKIA ASIA ABIA ACCA A3TA A3TX
    letters 36-255 ghp_ gho_ ghu_ ghs_ ghr_
    url 22-255 github_pat_
    url 18-300 glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- glffct- GR1348941
    url 40-100 gloas-
    url 20-400 xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe.xoxb- xoxe.xoxp- xoxc- xoxd-
    url 30-200 xapp-
    letters 10-250 sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_
    url 33-45 AIza
    url 24-40 GOCSPX-
    any 20-1000 ya29.
    url 35-200 1//0
    url 20-300 sk- sk-proj- sk-svcacct- sk-admin- sk-ant- sk-or-v1-
    letters 30-60 npm_
    url 50-1000 pypi-AgE
    any 60-80 SG.
    hex 32 SK
    hex 32 key- pubkey-
    hex 32 shpat_ shpca_ shppa_ shpss_
    url 24-400 hvs. hvb. hvr.
    letters 24 s.
    any 30-60 glsa_ glc_
    hex 32-34 dapi
    hex 64 dop_v1_ doo_v1_ dor_v1_
    hex 40 pul-
    url 59-64 PMAK-
    letters 40-60 ntn_
    letters 43 secret_
    url 40 lin_api_ lin_oauth_
    url 40-60 figd_ figo_
    letters 30-40 hf_ r8_ api_org_
    letters 40-60 gsk_ pplx- fc-
    letters 70-90 xai-
    any 30-1000 fm1_ fm2_ fo1_
    letters 40-50 dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.
    any 80-100 dt0c01. dt0s01.
    letters 54 EZAK EZTK
    url 43 duffel_test_ duffel_live_
    any 30-80 FLWSECK-  FLWSECK_TEST- FLWPUBK_TEST-
    url 64 fio-u-
    url 36-70 HRKU-
    url 36 pat-na1- pat-eu1- api- sdk-
    letters 32 ico-
    hex 64 s-s4t2ud- s-s4t2af-
    any 50-100 sk.eyJ pk.eyJ
    letters 27 NRAK-
    letters 19-40 NRJS- NRII- NRIQ-
    any 43 sha256~
    any 32-64 pscale_tkn_ pscale_oauth_ pscale_pw_
    letters 36 pnu_ pnb_
    letters 70 rdme_
    hex 48 rubygems_
    url 48 tk-us-
    url 64-100 xkeysib- xsmtpsib-
    any 60-400 sntrys_
    hex 64 sntryu_ sntrya_ sntryi_
    hex 40 shippo_live_ shippo_test_
    url 22-64 EAAA sq0atp- sq0csp- EAAl
    url 40-60 sgp_ sbp_
    url 59 tfp_
    url 20-80 tskey- tskey-auth- tskey-api- tskey-client-
    letters 30-50 nfp_ squ_ sqp_ sqa_ rnd_ bkua_ cio napi_ pcsk_ tgp_v1_ waka_ lip_
    hex 40-100 lsv2_pt_ lsv2_sk_ dckr_pat_ dckr_oat_
    url 20-60 dckr_pat_ dckr_oat_ CFPAT- CCIPAT_ CCIPRJ_ API- ATTA re_
    hex 32-48 sk_
    any 20-400 ATATT3 ATCTT3 ATBB AKCp cmVmd
    letters 20 LTAI
    letters 32 p8e-
    capitals 58 AGE-SECRET-KEY-1
    url 20-50 A3-
    any 250-2000 ops_eyJ
    letters 60 CLOJARS_
    url 100-300 EAAC EAAB EAAG EAAD
    any 20-200 AQVN t1. sl. FlyV1 mdb_sa_sk_ access_token$production$ access-sandbox- access-production-
    letters 20-40 rzp_live_ rzp_test_ rpa_ pk_prod_
    letters 43 oy2
    hex 24-200 v1.0-
    letters 16 sm_aat_ sm_pat_ sm_sat_
    any 60-400 eyJrIjoi
    """)

private let terraformMark = bytes(".atlasv1.")
private let mailchimpMark = bytes("-us")
