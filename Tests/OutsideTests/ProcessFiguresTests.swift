import Model
import Outside
import Support
import Testing

@Suite struct ProcessFiguresTests {
    @Test("processor time, memory and descriptors are read past a name that holds anything")
    func read() throws {
        let fake = FakeWorld()
        fake.files["/proc/self/stat"] =
            "7 (a) S 1 2) S 1 7 7 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 4 0 99 1 2"
        fake.files["/proc/self/status"] = "Name:\tjeeves\nVmPeak:\t  9000 kB\nVmRSS:\t  4096 kB\n"
        for number in 0..<3 { fake.files["/proc/self/fd/\(number)"] = "" }
        #expect(
            ProcessFigures.read(fake.world.files)
                == ProcessFigures(cpuSeconds: 2, residentBytes: 4 << 20, openFiles: 3))
    }

    @Test("without /proc there is nothing to tell, and of this process there is")
    func live() throws {
        #expect(ProcessFigures.read(FakeWorld().world.files) == nil)
        let own = try #require(ProcessFigures.read(World.live().files))
        #expect(own.residentBytes > 1 << 20)
        #expect(own.openFiles >= 3)
    }
}
