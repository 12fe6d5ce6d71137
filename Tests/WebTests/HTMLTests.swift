import Testing

@testable import Web

@Suite struct HTMLTests {
    @Test("what is interpolated is text, whatever it says")
    func escapes() {
        let said = "\"><script>alert('1')</script>&amp;\u{202e}\u{7}"
        let page: HTML = "<p title=\"\(said)\">\(said)</p>"
        let shown =
            "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\\u202e\\u0007"
        #expect(page.text == "<p title=\"\(shown)\">\(shown)</p>")
    }

    @Test("a sign that is joined to another one does not slip through")
    func combined() {
        let page: HTML = "\("<\u{301}b>")"
        #expect(!page.text.unicodeScalars.contains("<"))
    }

    @Test("pieces go into pieces as they are, also many at once")
    func pieces() {
        let item: HTML = "<li>\("a & b")</li>"
        let list: HTML = "<ul>\([item, item])</ul>"
        #expect(list.text == "<ul><li>a &amp; b</li>\n<li>a &amp; b</li></ul>")
        #expect(("\(3) of \(4)" as HTML).text == "3 of 4")
    }
}
