import Model
import Testing

@testable import Trust

@Suite struct PassphraseBoxTests {
    private let passphrase = Secret("correct horse battery")
    private let salt = Array("0123456789abcdef0123456789abcdef".utf8)
    private let context = Array("header".utf8)

    private func sealed(_ text: String) throws -> [UInt8] {
        try PassphraseBox.seal(
            Array(text.utf8), passphrase: passphrase, salt: salt, context: context)
    }

    @Test("what was sealed opens with the same passphrase, and its text is nowhere in it")
    func roundTrip() throws {
        let box = try sealed("a canary in the mine")
        #expect(box.count == "a canary in the mine".utf8.count + PassphraseBox.overhead)
        #expect(!String(decoding: box, as: UTF8.self).contains("canary"))
        let opened = try PassphraseBox.open(
            box, passphrase: passphrase, salt: salt, context: context)
        #expect(String(decoding: opened, as: UTF8.self) == "a canary in the mine")
    }

    @Test("another passphrase, salt or context, a changed byte and a cut end do not open it")
    func refused() throws {
        let box = try sealed("x")
        func check(
            _ box: [UInt8], _ passphrase: Secret? = nil, salt: [UInt8]? = nil,
            context: [UInt8]? = nil
        ) {
            let failure = #expect(throws: Failure.self) {
                try PassphraseBox.open(
                    box, passphrase: passphrase ?? self.passphrase, salt: salt ?? self.salt,
                    context: context ?? self.context)
            }
            #expect(failure?.code == .unauthorized)
        }
        check(box, Secret("correct horse batterY"))
        check(box, salt: salt.reversed())
        check(box, context: [])
        for index in [0, box.count / 2, box.count - 1] {
            var changed = box
            changed[index] ^= 1
            check(changed)
        }
        check(Array(box.dropLast()))
        check([])
    }
}
