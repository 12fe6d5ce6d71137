import Model
import Testing

@Suite struct SecretTests {
    @Test("a secret prints as [redacted] wherever it is interpolated, described or dumped")
    func redacted() {
        struct Holder { let key = Secret("hunter2") }
        var dumped = ""
        dump(Holder(), to: &dumped)
        let all = "\(Secret("hunter2")) \(String(reflecting: Holder())) \(dumped)"
        #expect(!all.contains("hunter2"))
        #expect(all.contains("[redacted]"))
    }
}
