import Bytes
import JSON
import System

/// When something happened: by the wall clock, and by the clock that nobody can set, counted from `log.opened`.
struct Moment: Sendable {
    let wall: WallTime
    let monotonic: Int64
}

/// The bytes of a line between `dur` and `prev`: everything that the caller can encode before the writer gives the record its
/// place in the chain.
extension AuditRecord {
    /// The most bytes a line may have, its end not counted. Fits a C2SP entry bundle, whose entries have 16-bit lengths.
    static let lineLimit = 60_000
    /// What the writer adds: `{"v":1,"seq":…,"dur":…,` in front and `,"prev":"…"}` behind, with the longest numbers.
    static let chainBytes = 128

    /// Encodes the record. When its values together are too long for a line, all of them get tighter limits until they fit.
    func encoded(at moment: Moment) -> [UInt8] {
        var writer = LineWriter()
        // At least what the C library hands out quickest: with Swift's own 32 bytes just below the 1,032 that it keeps ready.
        let lists = 96 * (redactions.count + findings.count)
        writer.bytes.reserveCapacity(max(1_000, 640 + lists + (arguments?.redacted?.count ?? 0)))
        for (textLimit, listLimit, argumentsLimit) in [(1_024, 64, 16_384), (256, 32, 16_384), (64, 16, 0)] {
            (writer.textLimit, writer.listLimit, writer.argumentsLimit) = (textLimit, listLimit, argumentsLimit)
            write(at: moment, into: &writer)
            if writer.bytes.count <= AuditRecord.lineLimit - AuditRecord.chainBytes { return writer.bytes }
            writer.bytes.removeAll(keepingCapacity: true)
        }
        (writer.textLimit, writer.listLimit, writer.argumentsLimit) = (16, 4, 0)
        write(at: moment, into: &writer)
        return writer.bytes
    }

    private func write(at moment: Moment, into writer: inout LineWriter) {
        writer.bytes.append(contentsOf: "\"ts\":\"".utf8)
        moment.wall.appendRFC3339(fractionDigits: 9, to: &writer.bytes)
        writer.bytes.append(UInt8(ascii: "\""))
        writer.int(.mono, Int(moment.monotonic))
        writer.word(.kind, kind.rawValue)
        writer.fixed(.cid, call?.text)
        writer.fixed(.chain, chain?.text)
        writer.int(.of, of.map(Int.init(clamping:)))
        if let parties {
            if writer.isOrdinary {
                writer.bytes.append(contentsOf: parties.encoded)
            } else {
                writer.write(parties.who, parties.via, parties.message)
            }
        } else {
            writer.write(who, via, message)
        }
        decision?.write(into: &writer)
        arguments?.write(into: &writer)
        approval?.write(into: &writer)
        outcome?.write(into: &writer)
        writer.objects(.red, redactions) { writer, redaction in redaction.write(into: &writer) }
        writer.objects(.fnd, findings) { writer, finding in finding.write(into: &writer) }
        if let trace {
            writer.fixed(.tr, trace.trace)
            writer.fixed(.sp, trace.span)
            writer.fixed(.trs, trace.source)
        }
        writeFacts(into: &writer)
    }

    static func encoded(_ who: Who?, _ via: Via?, _ message: Message?) -> [UInt8] {
        var writer = LineWriter()
        writer.bytes.reserveCapacity(600)
        writer.write(who, via, message)
        return writer.bytes
    }

    /// A name given twice would make a line that no reader accepts: the first stands.
    private func writeFacts(into writer: inout LineWriter) {
        if facts.isEmpty { return }
        writer.object(.info) { writer in
            for (index, fact) in facts.prefix(writer.listLimit).enumerated() {
                if facts[..<index].contains(where: { $0.name.utf8.elementsEqual(fact.name.utf8) }) { continue }
                let name = MemberName(fact.name)
                switch fact.value {
                case .int(let value): writer.int(name, value)
                case .bool(let value): writer.bool(name, value)
                case .text(let value): writer.text(name, value)
                case .texts(let values): writer.texts(name, values)
                }
            }
        }
    }
}

extension AuditRecord.Message {
    fileprivate func write(into writer: inout LineWriter) {
        writer.object(.mcp) { writer in
            writer.text(.method, method)
            writer.text(.srv, server)
            writer.text(.tool, tool)
            writer.text(.through, through)
            writer.text(.eff, effect)
            writer.text(.uri, resource)
            writer.text(.id, requestID)
            writer.text(.pv, version)
            writer.fixed(.tdef, definition)
        }
    }
}

extension AuditRecord.Decision {
    fileprivate func write(into writer: inout LineWriter) {
        writer.object(.dec) { writer in
            writer.word(.verdict, verdict.rawValue)
            writer.text(.rule, rule)
            writer.fixed(.pol, policy)
            writer.text(.polv, policyName)
            writer.text(.why, reason)
            writer.int(.us, microseconds)
            writer.texts(.obl, obligations)
            writer.texts(.shadow, shadow)
        }
    }
}

extension AuditRecord.Arguments {
    fileprivate func write(into writer: inout LineWriter) {
        writer.object(.args) { writer in
            if let redacted {
                writer.quoted(.arguments, redacted)
            }
            writer.int(.count, byteCount)
            writer.fixed(.commitment, commitment)
            writer.fixed(.digest, digest)
        }
    }
}

extension AuditRecord.Approval {
    fileprivate func write(into writer: inout LineWriter) {
        writer.object(.apr) { writer in
            writer.text(.id, identifier)
            writer.text(.by, approver)
            writer.text(.how, method)
            writer.text(.nonce, nonce)
            writer.text(.exp, expires)
            writer.fixed(.bound, digest)
        }
    }
}

extension AuditRecord.Outcome {
    fileprivate func write(into writer: inout LineWriter) {
        writer.object(.out) { writer in
            writer.word(.st, status.rawValue)
            writer.text(.code, code)
            writer.int(.http, http)
            writer.int(.ms, milliseconds)
            writer.int(.count, byteCount)
            writer.fixed(.commitment, commitment)
            writer.text(.rt, resultType)
        }
    }
}

extension AuditRecord.Redaction {
    fileprivate func write(into writer: inout LineWriter) {
        writer.text(.place, place)
        writer.text(.byRule, rule)
        writer.int(.occurrences, count)
        writer.text(.as, way)
        writer.fixed(.fp, fingerprint)
        writer.text(.at, path)
    }
}

extension AuditRecord.Finding {
    fileprivate func write(into writer: inout LineWriter) {
        writer.text(.byRule, rule)
        writer.text(.sev, severity)
        writer.text(.act, action)
    }
}

extension LineWriter {
    fileprivate mutating func write(
        _ who: AuditRecord.Who?, _ via: AuditRecord.Via?, _ message: AuditRecord.Message?
    ) {
        if let who {
            object(.who) { writer in
                writer.text(.sub, who.subject)
                writer.text(.iss, who.issuer)
                writer.text(.auth, who.method)
                writer.fixed(.tok, who.token)
                writer.text(.ep, who.endpoint)
                writer.text(.key, who.apiToken)
                writer.texts(.scopes, who.scopes)
                writer.texts(.act, who.actors)
                writer.text(.agent, who.agent)
                writer.text(.agentSrc, who.agentSource)
            }
        }
        if let via {
            object(.via) { writer in
                writer.text(.client, via.client)
                writer.text(.ver, via.version)
                if via.client != nil { writer.word(.src, "self") }
                writer.text(.addr, via.address)
                writer.text(.transport, via.transport)
                writer.text(.sess, via.session)
            }
        }
        message?.write(into: &self)
    }

    /// Writes somebody else's JSON: parsed and re-encoded, for a line that is not JSON would end the trail here. Readers of
    /// the trail refuse documents nested deeper than 64, and this one stands two levels down.
    fileprivate mutating func quoted(_ name: MemberName, _ json: [UInt8]) {
        bytes.append(contentsOf: name.bytes)
        var limits = JSONLimits.standard
        limits.bytes = argumentsLimit
        limits.depth = 60
        do throws(JSONFailure) {
            let document = try JSONDocument(parsing: json, limits: limits)
            let start = bytes.count
            document.write(document.root, into: &bytes)
            if bytes.count - start <= argumentsLimit { return }
            bytes.removeLast(bytes.count - start)
            omitted(json.count)
        } catch {
            omitted(json.count)
        }
    }
}
