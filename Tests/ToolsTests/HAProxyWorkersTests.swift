import Model
import Testing

@testable import Tools

@Suite struct HAProxyWorkersTests {
    @Test("the workers are read as 2.6 prints them, and since when they end")
    func recorded() throws {
        let workers = try HAProxyRuntime.Workers(
            """
            #<PID>          <type>          <reloads>       <uptime>        <version>
            3256            master          3 [failed: 0]   0d00h00m58s     2.6.12-1+deb12u4
            # workers
            3694            worker          0               0d00h00m24s     2.6.12-1+deb12u4
            # old workers
            3659            worker          1               0d00h00m27s     2.6.12-1+deb12u4
            3619            worker          2               0d00h00m29s     2.6.12-1+deb12u4
            3259            worker          3               1d02h03m04s     2.6.12-1+deb12u4
            # programs

            """)
        #expect(workers.current.map(\.pid) == [3694])
        #expect(workers.old.map(\.pid) == [3659, 3619, 3259])
        #expect(workers.old.last?.uptime == .seconds(93_784))
        #expect(workers.longestEnding == .seconds(29))
    }

    @Test("2.4's further column changes nothing")
    func older() throws {
        let workers = try HAProxyRuntime.Workers(
            """
            #<PID>      <type>    <relative PID>  <reloads>  <uptime>      <version>
            1162        master    0               5          0d00h02m07s   2.4.24
            # workers
            1271        worker    1               0          0d00h00m07s   2.4.24
            # old workers
            1233        worker    [was: 1]        3          0d00h00m43s   2.4.24
            # programs
            """)
        #expect(workers.old.map(\.pid) == [1233])
        #expect(workers.longestEnding == .seconds(7))
    }

    @Test("no old worker ends since never, and an answer without a worker is none")
    func none() throws {
        let workers = try HAProxyRuntime.Workers(
            "# workers\n1 worker 0 0d00h00m07s 3.0.11\n# programs\n")
        #expect(workers.longestEnding == nil)
        #expect(throws: Failure.self) { try HAProxyRuntime.Workers("Permission denied\n") }
    }

    @Test("another's open transaction is named in HAProxy's refusal")
    func transaction() {
        // Recorded from 2.6.12.
        let refusal = """
            The ongoing transaction is about '/c/haproxy-rsa.pem' but you are trying to abort a \
            transaction for '/c/haproxy.pem'

            """
        #expect(HAProxyRuntime.otherTransaction(in: refusal) == "/c/haproxy-rsa.pem")
        #expect(HAProxyRuntime.otherTransaction(in: "No ongoing transaction!\n") == nil)
    }
}
