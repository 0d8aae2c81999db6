import Bytes
import JSON

extension Pass {
    /// Looks for what was removed in all that remains, and replaces it there too.
    mutating func cleanResidue() throws(Withheld) {
        guard !removed.isEmpty else { return }
        for layer in layers.indices {
            let document = layers[layer].document
            for (node, place) in layers[layer].plain {
                guard let text = cleaned(node, document) else { continue }
                self.place = place
                noteResidue()
                layers[layer].edits.replace(node, withText: text)
            }
            for index in layers[layer].composed.indices { cleanComposed(layer, index) }
            for (node, place) in layers[layer].numbers where removed.holds(document.writtenText(node)) {
                self.place = place
                noteResidue()
                layers[layer].edits.replace(node, with: [0x30])
            }
            // What can't be changed, must not be.
            for node in layers[layer].fixed {
                if cleaned(node, document) != nil { throw Withheld(.residue) }
            }
        }
        cleanNames()
        if removed.isExhausted { throw Withheld(.tooMuch) }
    }

    private mutating func cleaned(_ node: JSONDocument.Node, _ document: JSONDocument) -> [UInt8]? {
        guard document.stringContainsEscapes(node) else { return removed.cleaned(document.writtenText(node)) }
        let text = document.string(node)?.bytes ?? []
        return removed.cleaned(text.span)
    }

    private mutating func cleanComposed(_ layer: Int, _ index: Int) {
        for part in layers[layer].composed[index].parts.indices {
            guard case .text(let text) = layers[layer].composed[index].parts[part],
                let cleaned = removed.cleaned(text.span)
            else {
                continue
            }
            place = layers[layer].composed[index].place
            noteResidue()
            layers[layer].composed[index].parts[part] = .text(cleaned)
            layers[layer].composed[index].isChanged = true
        }
    }

    /// Names of members that hold a removed value.
    private mutating func cleanNames() {
        var replacements: [ByteString: [UInt8]] = [:]
        for (turn, index) in names.met.enumerated() where !names.traits(index).contains(.replaced) {
            guard let text = names.cleaned(index, of: &removed) else { continue }
            names.taint(index)
            // Two names may hold the same value; they must stay different.
            replacements[ByteString(names[index].name)] = JSONValue.encodedString(text + bytes(" \(turn)"))
        }
        guard !replacements.isEmpty else { return }
        place = .other
        for layer in layers.indices {
            let document = layers[layer].document
            renameMembers(of: layers[layer].root, document, layer, replacements)
        }
    }

    private mutating func renameMembers(
        of node: JSONDocument.Node, _ document: JSONDocument, _ layer: Int, _ replacements: [ByteString: [UInt8]]
    ) {
        for element in document.elements(of: node) { renameMembers(of: element, document, layer, replacements) }
        for member in document.members(of: node) {
            if let name = document.string(member.name), let replacement = replacements[name] {
                noteResidue()
                layers[layer].edits.replace(member.name, with: replacement)
            }
            renameMembers(of: member.value, document, layer, replacements)
        }
    }

    /// Writes the message: the innermost layers first, because the outer ones hold their texts.
    mutating func write() -> [UInt8] {
        for layer in layers.indices.reversed() {
            for composed in layers[layer].composed { take(composed, into: layer) }
        }
        return encoded(0)
    }

    private func encoded(_ layer: Int) -> [UInt8] {
        layers[layer].document.encoded(layers[layer].root, editing: layers[layer].edits)
    }

    /// Takes a composed text into its layer, once all layers within it are complete.
    private mutating func take(_ composed: ComposedText, into layer: Int) {
        var isChanged = composed.isChanged
        for case .layer(let inner, _) in composed.parts where !layers[inner].edits.isEmpty { isChanged = true }
        guard isChanged else { return }
        // What is nothing but JSON is written into the text as it stands, without escaping again what stays.
        if let written = composed.written, composed.parts.count == 1, case .layer(let inner, _) = composed.parts[0],
            let string = layers[inner].document.encodedString(within: written, editing: layers[inner].edits)
        {
            layers[layer].edits.replace(composed.node, with: string)
            return
        }
        var text: [UInt8] = []
        for part in composed.parts {
            switch part {
            case .text(let bytes): text += bytes
            case .layer(let inner, let range) where layers[inner].edits.isEmpty: text += composed.original[range]
            case .layer(let inner, _): text += encoded(inner)
            }
        }
        layers[layer].edits.replace(composed.node, withText: composed.isBase64 ? bytes(Base64.encode(text)) : text)
    }
}
