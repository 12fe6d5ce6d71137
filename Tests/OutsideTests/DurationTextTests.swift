import Model
import Outside
import Testing

@Suite struct DurationTextTests {
    @Test(
        "an age has at most two units, the larger ones alone",
        arguments: [
            (0, "0s"), (59, "59s"), (60, "1m"), (90, "1m30s"), (599, "9m59s"), (600, "10m"),
            (3599, "59m"), (3600, "1h"), (11_100, "3h5m"), (36_000, "10h"), (86_399, "23h"),
            (187_200, "2d4h"), (864_000, "10d"), (-5, "0s"),
        ])
    func age(seconds: Int, text: String) {
        #expect(Duration.seconds(seconds).ageText == text)
    }

    @Test(
        "a size has one decimal in the unit that fits",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1023.9 KiB"),
            (171_023_808, "163.1 MiB"), (1_289_000_000, "1.2 GiB"), (.max, "16777215.9 TiB"),
        ] as [(UInt64, String)])
    func size(bytes: UInt64, text: String) {
        #expect(bytes.sizeText == text)
    }
}
