import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import System
import Testing

@testable import Admin

private let nowhere = "7b1c3c1e-1111-4222-8333-444455556666"

/// A route's template with something in its places.
private func address(_ route: AdminRoute) -> ByteString {
    let parts = route.template.split(separator: "/").map { part in
        switch part {
        case "{upstream}": "torii"
        case "{id}": nowhere
        default: String(part)
        }
    }
    return ByteString("/" + parts.joined(separator: "/"))
}

@Suite struct `The admin API` {
    @Test func `asks who it is before it does anything, at every address`() async throws {
        let house = try House()
        for route in AdminRoute.table {
            let exchange = await house.ask(route.method, address(route), as: nil, body: "{}")
            #expect(exchange.status == 401, "\(route.template)")
            #expect(exchange.fields["www-authenticate"] == #"Bearer realm="komainu admin""#)
            #expect(exchange.bodyReads == 0)
        }
        #expect(house.operations.performed.isEmpty)
        #expect(house.operations.refused == AdminRoute.table.map { _ in "credential_missing" })
    }

    @Test func `carries out what the role may, and records what it may not`() async throws {
        let house = try House()
        for route in AdminRoute.table where route.action != .describe {
            for role in AdminRole.allCases {
                let count = house.operations.performed.count
                let body = route.action.form.request == nil ? nil : "{}"
                let exchange = await house.ask(route.method, address(route), as: role, body: body)
                let may = role >= route.action.role
                #expect(exchange.status == (may ? route.action.status : 403), "\(role) \(route.template)")
                #expect(house.operations.performed.count == count + (may ? 1 : 0))
                if may {
                    let order = try #require(house.operations.performed.last)
                    #expect(order.action == route.action && order.caller.role == role)
                    #expect(order.upstream == (route.template.contains("{upstream}") ? "torii" : nil))
                    #expect(order.id == (route.template.contains("{id}") ? ByteString(nowhere) : nil))
                    #expect(order.isTruto == route.template.hasPrefix("/integrated-account/"))
                } else {
                    #expect(house.operations.refused.last == "\(role) \(route.action)")
                    #expect(exchange.bodyReads == 0)
                }
            }
        }
    }

    @Test func `tells a revoked, an ended and an unknown token alike`() async throws {
        let house = try House()
        var answers: Set<String> = []
        for token in ["kmn_a_x", "nonsense", house.secret(.admin).text + "x", ""] {
            let exchange = await house.ask(
                .get, "/v1/api-tokens", as: nil, fields: [("authorization", "Bearer \(token)")])
            #expect(exchange.status == 401)
            answers.insert(exchange.text)
        }
        #expect(answers.count == 1)
    }

    @Test func `knows a key only where something is made, and only one that can stand in a field`() async throws {
        let house = try House()
        let key = [("idempotency-key", "job-7")]
        _ = await house.ask(.post, "/v1/api-tokens", body: "{}", fields: key)
        let order = try #require(house.operations.performed.last)
        #expect(order.repeatable?.key == "job-7" && order.repeatable?.owner == order.caller.token)
        #expect(order.repeatable?.request == "POST\n/v1/api-tokens\n{}")
        _ = await house.ask(.post, "/v1/explain", body: "{}", fields: key)
        #expect(house.operations.performed.last?.repeatable == nil)
        for wrong in ["", "a b", "a\u{1}", String(repeating: "k", count: 201)] {
            let exchange = await house.ask(
                .post, "/v1/api-tokens", body: "{}", fields: [("idempotency-key", wrong)])
            #expect(exchange.status == 400)
        }
        let twice = await house.ask(.post, "/v1/api-tokens", body: "{}", fields: key + key)
        #expect(twice.status == 400)
    }

    @Test func `reads a page's query strictly`() async throws {
        let house = try House()
        _ = await house.ask(.get, "/v1/tools", query: "limit=7&cursor=%59Q&upstream=to%72ii")
        let query = try #require(house.operations.performed.last?.query)
        #expect(query.limit == 7 && query.position == "a" && query.upstream == "torii")
        for wrong: ByteString in [
            "", "limit", "limit=", "limit=-1", "limit=+1", "limit=1;cursor=YQ", "cursor=", "limit=%3", "a=b",
            "next_cursor=YQ",
        ] {
            #expect(await house.ask(.get, "/v1/tools", query: wrong).status == (wrong == "" ? 200 : 400), "\(wrong)")
        }
    }

    @Test func `limits a source's failures and nobody else's`() {
        let throttle = FailureThrottle()
        let start = MonotonicTime(nanoseconds: 1_000_000_000_000)
        for _ in 0..<20 { #expect(throttle.fail("192.0.2.1", at: start) == nil) }
        #expect(throttle.fail("192.0.2.1", at: start) == 3)
        #expect(throttle.fail("192.0.2.2", at: start) == nil)
        #expect(throttle.fail("192.0.2.1", at: start + .seconds(3)) == nil)
        #expect(throttle.fail("192.0.2.1", at: start + .seconds(3)) == 3)
        for number in 0..<20 { #expect(throttle.fail(ByteString("2001:db8:1:2::\(number)"), at: start) == nil) }
        #expect(throttle.fail("2001:db8:1:2:3::9", at: start) != nil)
        #expect(throttle.fail("2001:db8:1:3::9", at: start) == nil)
        // A flood from everywhere makes room by forgetting who failed least.
        for number in 0..<20_000 { _ = throttle.fail(ByteString("10.0.\(number / 256).\(number % 256)"), at: start) }
        #expect(throttle.fail("192.0.2.3", at: start) == nil)
    }
}

@Suite struct `The description of the admin listener` {
    @Test func `has every address that is served, and no other`() throws {
        let document = try JSONDocument(parsing: OpenAPI.document)
        let paths = try #require(document.member("paths", of: document.root))
        var described: Set<String> = []
        for path in document.members(of: paths) {
            for operation in document.members(of: path.value) {
                described.insert(
                    "\(document.string(operation.name)?.text ?? "") \(document.string(path.name)?.text ?? "")")
            }
        }
        let served =
            AdminRoute.table.map { "\($0.method.name.asciiLowercased.text) \($0.template)" }
            + AdminHandler.told.map { "get \($0)" }
        #expect(served.count == Set(served).count)
        #expect(described == Set(served))
    }

    @Test func `names each operation once, and refers to nothing that is not there`() throws {
        let document = try JSONDocument(parsing: OpenAPI.document)
        let text = String(decoding: OpenAPI.document, as: UTF8.self)
        let names = text.matches(of: #/"operationId":"(\w+)"/#).map { String($0.1) }
        #expect(names.count == Set(names).count && names.count == AdminRoute.table.count + 3)
        for reference in Set(text.matches(of: #/"\$ref": ?"#([^"]+)"/#).map { String($0.1) }) {
            #expect(document.pointer(try JSONPointer(ByteString(reference))) != nil, "\(reference)")
        }
        for action in AdminAction.allCases {
            if let form = action.form.request { #expect(OpenAPI.examples[form] != nil) }
        }
    }
}
