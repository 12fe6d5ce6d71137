import Model
import Support
import Testing

@testable import AWS

@Suite struct XMLTests {
    private func parse(_ text: String) throws -> XML { try XML.parse(Array(text.utf8)) }

    @Test("elements, text, attributes, comments and empty elements are read as they stand")
    func shapes() throws {
        let root = try parse(
            """
            \u{FEFF}<?xml version="1.0"?>
            <!-- > --><a x="1>" y='/'><b> one </b><b/><c k="v"/><b>two<!-- no --> more</b></a >

            """)
        #expect(root.name == "a")
        #expect(root.all("b").map(\.text) == [" one ", "", "two more"])
        #expect(root.text("b") == "one")
        #expect(root.text("c", "d") == nil)
    }

    @Test("the five entities and character references are resolved, no others")
    func entities() throws {
        #expect(try parse("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;;</a>").text == "<>&\"'AB;")
        for text in ["<a>&nbsp;</a>", "<a>&amp</a>", "<a>&#xD800;</a>", "<a>&#;</a>"] {
            #expect(throws: Failure.self) { try parse(text) }
        }
    }

    @Test(
        "what is no XML, or more than AWS sends, is refused",
        arguments: [
            "", "x", "<", "<a", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a/>x", "<>x</>", "<a><!--",
            "<?xml", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "<a><![CDATA[x]]></a>",
            "<a b='></a>",
        ])
    func garbage(text: String) {
        #expect(throws: Failure.self) { try parse(text) }
    }

    @Test("depth and size are bounded")
    func bounds() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(try parse(nested(XML.depthMax)).name == "a")
        #expect(throws: Failure.self) { try parse(nested(XML.depthMax + 1)) }
        #expect(throws: Failure.self) {
            try XML.parse([UInt8](repeating: 32, count: XML.bytesMax + 1))
        }
        #expect(throws: Failure.self) {
            try XML.parse(Array("<a>".utf8) + [0xFF] + Array("</a>".utf8))
        }
    }

    @Test("a recorded answer cut off at any byte is refused, never misread")
    func truncation() throws {
        let bytes = Array(Samples.change.trimmed.utf8)
        for count in 0..<bytes.count {
            #expect(throws: Failure.self) { try XML.parse(Array(bytes[..<count])) }
        }
        #expect(try XML.parse(bytes).text("ChangeInfo", "Status") == "INSYNC")
    }
}
