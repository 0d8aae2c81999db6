import Testing

@testable import SampleTorii
