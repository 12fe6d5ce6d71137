import Testing

/// One module: where it lives and what it may import besides the standard library.
struct Layer: CustomTestStringConvertible {
    let module: String
    let folders: [String]
    /// Folders below that belong to other modules.
    var except: [String] = []
    /// Our own modules, all further down.
    let ours: Set<String>
    /// Third-party libraries whose door this module is.
    var doors: Set<String> = []

    var testDescription: String { module }
}

struct LayerTests {
    static let nio: Set<String> = [
        "NIOCore", "NIOPosix", "NIOHTTP1", "NIOTLS", "NIOSSL",
    ]

    /// The diagram of docs/ARCHITECTURE.md, bottom-up.
    static let layers = [
        Layer(module: "Model", folders: ["Sources/Model/"], ours: []),
        Layer(
            module: "Outside (protocols)", folders: ["Sources/Outside/"],
            except: ["Sources/Outside/Live/"], ours: ["Model"]),
        Layer(
            module: "Outside/Live", folders: ["Sources/Outside/Live/"], ours: ["Model"],
            doors: [
                "Subprocess", "SystemPackage", "CGlibc", "CSystemd", "NIOCore", "NIOPosix",
                "NIOHTTP1", "NIOSSL", "Logging", "_Concurrency",
            ]),
        Layer(module: "Tools", folders: ["Sources/Tools/"], ours: ["Model", "Outside"]),
        Layer(
            module: "Trust", folders: ["Sources/Trust/"], ours: ["Model", "Outside"],
            doors: ["Crypto", "X509", "SwiftASN1", "COpenSSL"]),
        Layer(
            module: "Wire", folders: ["Sources/Wire/"], ours: ["Model", "Outside"],
            doors: nio.union(["Logging"])),
        Layer(
            module: "Agent", folders: ["agent/"], except: ["agent/Main/"],
            ours: ["Model", "Outside", "Tools", "Trust", "Wire"],
            doors: ["Logging", "ServiceLifecycle"]),
        Layer(
            module: "Store", folders: ["coordinator/Store/"], ours: ["Model", "Outside"],
            doors: ["GRDB"]),
        Layer(
            module: "AWS", folders: ["coordinator/AWS/"], ours: ["Model", "Outside", "Trust"],
            doors: ["CCurl"]),
        Layer(
            module: "Coordinator", folders: ["coordinator/"],
            except: [
                "coordinator/AWS/", "coordinator/Commands/", "coordinator/Main/",
                "coordinator/Store/", "coordinator/Web/",
            ], ours: ["Model", "Outside", "Tools", "Trust", "Wire", "Store", "AWS"],
            doors: ["Logging", "ServiceLifecycle", "Yams"]),
        Layer(
            module: "Web", folders: ["coordinator/Web/"],
            ours: ["Model", "Outside", "Coordinator"], doors: ["Hummingbird", "Logging"]),
        Layer(
            module: "Commands", folders: ["coordinator/Commands/"],
            ours: ["Model", "Outside", "Trust", "Coordinator", "Web"],
            doors: ["ArgumentParser", "Logging", "UnixSignals"]),
        Layer(
            module: "AgentMain", folders: ["agent/Main/"],
            ours: ["Model", "Outside", "Trust", "Wire", "Agent"],
            doors: ["ArgumentParser", "Logging", "ServiceLifecycle"]),
        Layer(module: "CoordinatorMain", folders: ["coordinator/Main/"], ours: ["Commands"]),
    ]

    /// Parts of the toolchain that anybody may import.
    private static let toolchain: Set<String> = [
        "FoundationEssentials", "Glibc", "Synchronization", "Dispatch",
    ]

    private let files: [SourceFile]

    init() throws { files = try SourceTree.swift() }

    @Test("modules import only downwards, and a library only through its door", arguments: layers)
    func imports(layer: Layer) {
        let own = files.filter { file in
            layer.folders.contains { file.path.hasPrefix($0) }
                && !layer.except.contains { file.path.hasPrefix($0) }
        }
        #expect(!own.isEmpty)
        // Full Foundation adds 37 MB of ICU to the agent; the coordinator has it through GRDB.
        let foundation: Set<String> =
            layer.folders.contains { $0.hasPrefix("coordinator/") } ? ["Foundation"] : []
        let allowed = layer.ours.union(layer.doors).union(Self.toolchain).union(foundation)
        expect(
            own.flatMap { file in
                file.imports.filter { !allowed.contains($0.module) }.map {
                    Finding(
                        path: file.path, line: $0.line,
                        message: "\(layer.module) may not import \($0.module)")
                }
            })
    }

    @Test("every file of the programs belongs to one layer")
    func complete() {
        for file in files where !file.path.hasPrefix("Tests/") && !file.path.hasPrefix("bench/") {
            let owners = Self.layers.filter { layer in
                layer.folders.contains { file.path.hasPrefix($0) }
                    && !layer.except.contains { file.path.hasPrefix($0) }
            }
            #expect(owners.count == 1, "\(file.path) belongs to \(owners.map(\.module))")
        }
    }

    @Test("imports are read with their attributes and kinds")
    func importLines() {
        let file = SourceFile(
            path: "a.swift",
            text: """
                @testable import Wire
                public import struct NIOCore.ByteBuffer
                let important = 1
                """)
        #expect(file.imports.map(\.module) == ["Wire", "NIOCore"])
    }
}

extension SourceFile {
    /// What the file imports, by module.
    var imports: [(module: String, line: Int)] {
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "typealias"]
        return zip(1..., code).compactMap { number, line in
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "import"),
                words[..<at].allSatisfy({ $0.hasPrefix("@") || $0.hasSuffix("public") }),
                let name = words[(at + 1)...].first(where: { !kinds.contains($0) })
            else { return nil }
            return (String(name.prefix { $0 != "." }), number)
        }
    }
}
