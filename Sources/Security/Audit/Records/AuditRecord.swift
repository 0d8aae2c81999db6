public import Bytes

/// One thing that happened, as plain fields: what becomes one line of the trail.
///
/// The log adds the sequence number, the times and the chain; whoever fills a record adds what it knows and leaves the rest
/// nil, which writes nothing. No field ever holds a secret or an unredacted value: the leaves of the log are never edited.
///
/// A record is never too big to be written. Values beyond their limit stand in the line as `{"…":n}`, where n is the number
/// of bytes the value had; a line has at most 60,000 bytes.
public struct AuditRecord: Sendable {
    /// What happened.
    public var kind: AuditKind
    /// The call this belongs to; one per request that was proxied.
    public var call: CallID?
    /// The logical action this belongs to, when it spans several requests (MCP's `input_required` results, retries).
    public var chain: CallID?
    /// The sequence number of the intent that this outcome (or `call.orphaned`) closes.
    public var of: UInt64?
    /// On whose behalf, through what and about what, in place of the next three.
    public var parties: Parties?
    /// On whose behalf.
    public var who: Who?
    /// Through what.
    public var via: Via?
    /// What of MCP it was about.
    public var message: Message?
    /// How it was decided, and why.
    public var decision: Decision?
    /// With which arguments.
    public var arguments: Arguments?
    /// Who agreed to it.
    public var approval: Approval?
    /// What came back.
    public var outcome: Outcome?
    /// What was taken out. At most 64 are written one by one; the rest are counted.
    public var redactions: [Redaction] = []
    /// What detectors found. At most 64 are written one by one; the rest are counted.
    public var findings: [Finding] = []
    /// The W3C trace it belongs to.
    public var trace: Trace?
    /// Whatever else this kind of record has to say, under names in lower_snake_case. A name said twice counts once.
    public var facts: [(name: String, value: Value)] = []

    /// A record of this kind with nothing said yet.
    public init(_ kind: AuditKind, call: CallID? = nil, facts: [(name: String, value: Value)] = []) {
        self.kind = kind
        self.call = call
        self.facts = facts
    }
}

extension AuditRecord {
    /// What all records of one call have in common. They share one object, so that it is encoded once.
    public final class Parties: Sendable {
        /// On whose behalf.
        public let who: Who?
        /// Through what.
        public let via: Via?
        /// What of MCP it is about.
        public let message: Message?
        /// As a line shows them where nothing has to be shortened.
        let encoded: [UInt8]

        /// Encodes them.
        public init(who: Who?, via: Via?, message: Message?) {
            self.who = who
            self.via = via
            self.message = message
            encoded = AuditRecord.encoded(who, via, message)
        }
    }

    /// On whose behalf something was asked. Who asserts a fact stands beside it where it is not the verified credential.
    public struct Who: Sendable {
        /// The pseudonym of the subject (`AuditKeys.pseudonym`), or its name where the operator chose names. JSON `sub`.
        public var subject: ByteString?
        /// The issuer of the credential. JSON `iss`.
        public var issuer: ByteString?
        /// How it was proved: `endpoint`, `endpoint+token`, `api_token`, `jwt`, `mtls`, `none`. JSON `auth`.
        public var method: ByteString?
        /// The keyed fingerprint of the credential (`AuditKeys.fingerprint`), never the credential. JSON `tok`.
        public var token: ByteString?
        /// The identifier of the endpoint (not its token). JSON `ep`.
        public var endpoint: ByteString?
        /// The identifier of the API token (not the token). JSON `key`.
        public var apiToken: ByteString?
        /// The scopes or groups that counted. JSON `scopes`.
        public var scopes: [ByteString] = []
        /// Who acts for whom, outermost first (RFC 8693 section 4.1). JSON `act`.
        public var actors: [ByteString] = []
        /// The agent. JSON `agent`.
        public var agent: ByteString?
        /// Who says so: `verified`, `configured` or `self`. JSON `agent_src`.
        public var agentSource: ByteString?

        /// Nothing known yet.
        public init(subject: ByteString? = nil) {
            self.subject = subject
        }
    }

    /// Through what something was asked.
    public struct Via: Sendable {
        /// The client program's name, as it says itself (MCP `clientInfo`). JSON `client`, with `src` = `self`.
        public var client: ByteString?
        /// The client program's version, as it says itself. JSON `ver`.
        public var version: ByteString?
        /// The address it came from, without the port. JSON `addr`.
        public var address: ByteString?
        /// `http` or `stdio`. JSON `transport`.
        public var transport: ByteString?
        /// A fingerprint of the connection or session, never the session's identifier. JSON `sess`.
        public var session: ByteString?

        /// Nothing known yet.
        public init(address: ByteString? = nil) {
            self.address = address
        }
    }

    /// What of MCP a record is about. JSON `mcp`.
    public struct Message: Sendable {
        /// The JSON-RPC method. JSON `m`.
        public var method: ByteString?
        /// The upstream's name. JSON `srv`.
        public var server: ByteString?
        /// The tool: for a dispatching tool, the tool inside. JSON `tool`.
        public var tool: ByteString?
        /// The tool that the call came through, when that is another one. JSON `through`.
        public var through: ByteString?
        /// `read`, `write` or `destructive`. JSON `eff`.
        public var effect: ByteString?
        /// The resource, redacted. JSON `uri`.
        public var resource: ByteString?
        /// The JSON-RPC identifier as JSON text: `1` and `"1"` differ. JSON `id`, a string.
        public var requestID: ByteString?
        /// The protocol version in force. JSON `pv`.
        public var version: ByteString?
        /// SHA-256 in hex of the tool's definition as the agent saw it. JSON `tdef`.
        public var definition: ByteString?

        /// Nothing known yet.
        public init(method: ByteString? = nil, server: ByteString? = nil, tool: ByteString? = nil) {
            self.method = method
            self.server = server
            self.tool = tool
        }
    }

    /// How it was decided. JSON `dec`.
    public struct Decision: Sendable {
        /// The decision itself.
        public enum Verdict: String, Sendable, CaseIterable {
            case allow, deny, hold, modify
        }

        /// JSON `d`.
        public var verdict: Verdict
        /// The rule that decided. JSON `rule`.
        public var rule: ByteString?
        /// `sha256:` and the hex hash of the policy. JSON `pol`.
        public var policy: ByteString?
        /// The policy's name or version for people. JSON `polv`.
        public var policyName: ByteString?
        /// The stable code of the reason. JSON `why`.
        public var reason: ByteString?
        /// How long deciding took. JSON `us`.
        public var microseconds: Int?
        /// What the decision asked for besides, such as redaction groups. JSON `obl`.
        public var obligations: [ByteString] = []
        /// The rules in shadow mode that would have denied. JSON `shadow`.
        public var shadow: [ByteString] = []

        /// A decision with nothing more known yet.
        public init(_ verdict: Verdict, rule: ByteString? = nil, reason: ByteString? = nil) {
            self.verdict = verdict
            self.rule = rule
            self.reason = reason
        }
    }

    /// With which arguments. JSON `args`.
    public struct Arguments: Sendable {
        /// The arguments after redaction, as JSON. Beyond 16 KiB, or when they are not JSON, only their length is written.
        /// JSON `a`.
        public var redacted: [UInt8]?
        /// How many bytes the original had. JSON `n`.
        public var byteCount: Int
        /// The commitment to the original bytes (`AuditKeys.commitment`). JSON `c`.
        public var commitment: ByteString?
        /// SHA-256 in hex over the RFC 8785 form, where the operator asked for it: it can be guessed. JSON `j`.
        public var digest: ByteString?

        /// Arguments of which at least the original's length is known.
        public init(redacted: [UInt8]?, byteCount: Int, commitment: ByteString? = nil) {
            self.redacted = redacted
            self.byteCount = byteCount
            self.commitment = commitment
        }
    }

    /// Who agreed. JSON `apr`.
    public struct Approval: Sendable {
        /// JSON `id`.
        public var identifier: ByteString
        /// The pseudonym of whoever agreed. JSON `by`.
        public var approver: ByteString?
        /// How they were asked. JSON `how`.
        public var method: ByteString?
        /// JSON `nonce`.
        public var nonce: ByteString?
        /// Until when it holds, RFC 3339. JSON `exp`.
        public var expires: ByteString?
        /// What exactly was agreed to. JSON `bound`.
        public var digest: ByteString?

        /// An approval by its identifier.
        public init(identifier: ByteString) {
            self.identifier = identifier
        }
    }

    /// What came back. JSON `out`.
    public struct Outcome: Sendable {
        /// How it ended.
        public enum Status: String, Sendable, CaseIterable {
            case ok, timeout, cancelled, blocked, unknown
            case toolError = "tool_error"
            case rpcError = "rpc_error"
            case upstreamError = "upstream_error"
        }

        /// JSON `st`.
        public var status: Status
        /// The stable code of what went wrong, or the JSON-RPC error's number as text. JSON `code`.
        public var code: ByteString?
        /// The upstream's HTTP status. JSON `http`.
        public var http: Int?
        /// From the intent to the outcome. JSON `ms`.
        public var milliseconds: Int?
        /// How many bytes the original result had. JSON `n`.
        public var byteCount: Int?
        /// The commitment to the original result. JSON `c`.
        public var commitment: ByteString?
        /// MCP `resultType`. JSON `rt`.
        public var resultType: ByteString?

        /// An ending with nothing more known.
        public init(_ status: Status) {
            self.status = status
        }
    }

    /// One thing that was taken out. JSON `red`, an array.
    public struct Redaction: Sendable {
        /// `args`, `result`, `error`, `list`, `notify`. JSON `w`.
        public var place: ByteString
        /// The redaction group or detector. JSON `r`.
        public var rule: ByteString
        /// How many values. JSON `k`.
        public var count: Int
        /// The way: `mask`, `zero`, `pseudonym` … JSON `as`.
        public var way: ByteString?
        /// The keyed fingerprint of the secret. JSON `fp`.
        public var fingerprint: ByteString?
        /// The path, as a JSON pointer or as the rule names it. JSON `at`.
        public var path: ByteString?

        /// What was taken out, where and by which rule.
        public init(place: ByteString, rule: ByteString, count: Int, way: ByteString? = nil, path: ByteString? = nil) {
            self.place = place
            self.rule = rule
            self.count = count
            self.way = way
            self.path = path
        }
    }

    /// One thing that a detector found. JSON `fnd`, an array.
    public struct Finding: Sendable {
        /// The detector. JSON `r`.
        public var rule: ByteString
        /// JSON `sev`.
        public var severity: ByteString
        /// What was done about it. JSON `act`.
        public var action: ByteString

        /// A finding.
        public init(rule: ByteString, severity: ByteString, action: ByteString) {
            self.rule = rule
            self.severity = severity
            self.action = action
        }
    }

    /// The W3C trace context. JSON `tr`, `sp`, `trs`.
    public struct Trace: Sendable {
        /// 32 hex digits.
        public var trace: ByteString
        /// 16 hex digits.
        public var span: ByteString?
        /// `meta`, `http` or `made`.
        public var source: ByteString

        /// A trace and where it was learned.
        public init(trace: ByteString, span: ByteString?, source: ByteString) {
            self.trace = trace
            self.span = span
            self.source = source
        }
    }

    /// A value among `facts`. Floating point has no place in the trail.
    public enum Value: Sendable {
        /// Written as a number when it is below 2^53 in magnitude, else as a string.
        case int(Int)
        case text(ByteString)
        case bool(Bool)
        /// At most 64 are written one by one.
        case texts([ByteString])
    }
}
