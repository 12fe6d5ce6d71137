import Coordinator
import Model
import Outside
import Store
import Support
import Testing

/// Runs `body` with a folder that is gone afterwards; `inMemory`, if this machine has such a place,
/// for stores that are written to so often that waiting for a disk would be most of the test.
func withFolder<Value>(
    inMemory: Bool = false, _ body: (String) async throws -> Value
) async throws -> Value {
    let world = World.live()
    let memory = "/dev/shm"
    let hasMemory = (try? world.files.info(memory))??.kind == .directory
    let folder =
        "\(inMemory && hasMemory ? memory : "/tmp")/coordinator-\(world.chance.runID())"
    try world.files.makeDirectory(folder, mode: 0o700, op: "test.folder")
    defer { world.files.clear(folder) }
    return try await body(folder)
}

/// Runs `body` with a store in a folder of its own.
func withStore<Value>(_ body: (Store) async throws -> Value) async throws -> Value {
    try await withFolder(inMemory: true) { try await body(Store.open(path: "\($0)/jeeves.db")) }
}

/// Runs `body` with what `jeeves init` leaves.
func withFounded(
    inMemory: Bool = false, _ body: (Project, World) async throws -> Void
) async throws {
    try await withFolder(inMemory: inMemory) { folder in
        let (project, world) = (Project(folder: folder), World.live())
        _ = try Founding.make(
            project,
            values: .init(
                cluster: ClusterID("chat"), domain: DomainName("chat.example.org"),
                email: "ops@example.org", region: "eu-central-1"), world: world)
        try await body(project, world)
    }
}
