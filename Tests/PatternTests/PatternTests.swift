import Testing

@testable import Pattern
