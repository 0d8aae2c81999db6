import Testing

@testable import OpenSSL
