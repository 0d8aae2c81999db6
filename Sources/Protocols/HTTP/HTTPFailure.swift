/// Why bytes are not an HTTP message that we accept, and where. Nothing of the bytes themselves is in it.
public struct HTTPFailure: Error, Equatable, Sendable {
    /// What is wrong. Every check has its own case, so that a record of a refusal says which one it was.
    public enum Reason: String, Sendable, CaseIterable {
        // The start line.
        case badStartLine, badMethod, methodTooLong, connectRefused
        case badTarget, targetTooLong, fragmentInTarget, badEscape, needlessEscape, ambiguousEscape, notUTF8
        case dotSegment, emptySegment, targetContradictsHost
        case badVersion, unsupportedVersion, badStatus, badReason
        // Fields.
        case bareCarriageReturn, bareLineFeed, foldedField, missingColon, badFieldName, badFieldValue
        case headTooLarge, fieldTooLarge, tooManyFields, repeatedField
        case missingHost, badHost, badConnection, badExpectation, codedBody
        // Framing.
        case badContentLength, badTransferEncoding, lengthAndTransferEncoding, transferEncodingInOldVersion
        case bodyTooLarge, badChunkSize, badChunkExtension, chunkExtensionTooLarge, badChunkEnd
        case badTrailer, forbiddenTrailer, trailerTooLarge
        // HTTP/2 alone.
        case badPseudoField, connectionField, lengthMismatch
        // The connection.
        case truncated, unexpectedUpgrade
    }

    /// What is wrong.
    public let reason: Reason
    /// Bytes from the beginning of the head or body to about where it was noticed.
    public let offset: Int

    /// A failure noticed at `offset`.
    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// What a server answers to a request that fails so. A client that meets it in a response treats it as a bad gateway.
    public var status: Int {
        switch reason {
        case .bodyTooLarge: 413
        case .targetTooLong: 414
        case .codedBody: 415
        case .badExpectation: 417
        case .headTooLarge, .fieldTooLarge, .tooManyFields: 431
        case .connectRefused, .methodTooLong: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }

    /// The reason as a stable code for records.
    public var code: String { reason.rawValue }
}
