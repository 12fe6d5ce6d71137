import Model
import Outside
import Store

/// Runs `body` with a store in a folder that is gone afterwards.
func withStore<Value>(_ body: (Store) async throws -> Value) async throws -> Value {
    let world = World.live()
    let folder = "/tmp/coordinator-\(world.chance.runID())"
    try world.files.makeDirectory(folder, mode: 0o700, op: "test.folder")
    defer {
        for name in (try? world.files.list(folder)) ?? [] {
            try? world.files.remove("\(folder)/\(name)", op: "test.clean")
        }
        try? world.files.remove(folder, op: "test.clean")
    }
    return try await body(try Store.open(path: "\(folder)/jeeves.db"))
}
