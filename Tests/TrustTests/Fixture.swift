import Model
import Outside

/// A committed file beside the tests.
func fixture(_ name: String, from file: String = #filePath) throws -> [UInt8] {
    let folder = file.split(separator: "/").dropLast().joined(separator: "/")
    return try World.live().files.read("/\(folder)/Fixtures/\(name)", bytesMax: 1 << 20)
}

/// The failure that `body` throws. Throws a failure of its own if it throws none.
func failure(of body: () async throws -> Void) async throws -> Failure {
    do { try await body() } catch let failure as Failure { return failure }
    throw Failure(.failed, "waiting for a failure: none came")
}
