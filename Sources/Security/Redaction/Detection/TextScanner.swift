/// Finds personal data and secrets in a text.
///
/// Every detector is written by hand over bytes and reads each byte a bounded number of times, so that no text, however it
/// is made, takes more than linear time: there is no backtracking to exploit.
struct TextScanner {
    let kinds: DataKinds

    /// What was found, in order, without overlaps: where two detectors found overlapping things, one finding covers both.
    func findings(in text: Span<UInt8>) -> [Finding] {
        findings(in: text, TextTraits(text))
    }

    /// The same for a text whose traits are known.
    func findings(in text: Span<UInt8>, _ traits: TextTraits) -> [Finding] {
        guard text.count >= 6, !isTimestamp(text) else { return [] }
        var found: [Finding] = []
        if kinds.contains(.email) { findEmails(text, traits, &found) }
        if kinds.contains(.jwt), traits.longestToken >= 20, traits.dots >= 2 { findTokensOfJOSE(text, &found) }
        if kinds.contains(.secret) { findSecrets(text, traits, &found) }
        if traits.digits >= 7 {
            if kinds.contains(.phone) { findPhones(text, traits, &found) }
        }
        if kinds.contains(.nationalID), traits.digits >= 4 { findNationalIDs(text, &found) }
        if kinds.contains(.card), traits.digits >= 12 { findCards(text, &found) }
        if kinds.contains(.iban), traits.digits >= 5, traits.uppers >= 2 { findAccounts(text, &found) }
        if kinds.contains(.ip) { findAddresses(text, traits, &found) }
        if kinds.contains(.mac) { findEthernetAddresses(text, traits, &found) }
        if kinds.contains(.wallet), traits.longestToken >= 26 { findWallets(text, &found) }
        return merged(found)
    }

    private func findSecrets(_ text: Span<UInt8>, _ traits: TextTraits, _ found: inout [Finding]) {
        if traits.longestToken >= 12 { findKnownTokens(text, &found) }
        if traits.dashes >= 10 { findPrivateKeys(text, &found) }
        if traits.colons > 0, traits.hasAt { findCredentialsInURLs(text, &found) }
        if traits.colons + traits.equals > 0 || traits.dashes > 1 || traits.longestToken >= 12 {
            findByContext(text, &found)
        }
    }

    private func merged(_ found: [Finding]) -> [Finding] {
        guard found.count > 1 else { return found }
        var merged: [Finding] = []
        for finding in found.sorted(by: { ($0.start, -$0.end) < ($1.start, -$1.end) }) {
            if let last = merged.last, finding.start < last.end {
                merged[merged.count - 1].end = max(last.end, finding.end)
            } else {
                merged.append(finding)
            }
        }
        return merged
    }
}
