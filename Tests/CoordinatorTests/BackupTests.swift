import FoundationEssentials
import Glibc
import Model
import Outside
import Store
import Support
import Testing
import Trust

@testable import Coordinator

/// A backup on a real disk, and what is made of it elsewhere.
@Suite struct BackupTests {
    private let passphrase = Secret("correct horse battery")

    /// A cluster that has remembered something, and a person's files.
    private func withCluster(_ body: (Project, World) async throws -> Void) async throws {
        try await withFounded { project, world in
            try Store.open(path: project.store).put(.settings, "canary", "canary in the store")
            for (path, text) in [
                ("mongodb.uri", "mongodb://canary:secret@db"),
                (".env", "AWS_SECRET_ACCESS_KEY=canary"),
                (".jeeves/terraform/terraform.tfstate", #"{"version":4,"serial":7}"#),
                (".jeeves/terraform/.terraform/providers/aws", "a large binary"),
                (".jeeves/kube/mongodb.json", "{}"), (".jeeves/kube/config", "token: canary"),
            ] {
                let full = "\(project.folder)/\(path)"
                let parent = String(full.prefix(upTo: full.lastIndex(of: "/") ?? full.endIndex))
                try world.files.makeDirectory(parent, mode: 0o700, op: "test")
                try world.files.replace(full, with: Array(text.utf8), mode: 0o600, op: "test")
            }
            try await body(project, world)
        }
    }

    private func text(_ path: String, _ world: World) throws -> String? {
        try world.files.text(path)
    }

    @Test("what is restored is what was backed up, and nothing else")
    func roundTrip() async throws {
        try await withCluster { project, world in
            let path = "\(project.folder)/chat.backup"
            // Somebody writes meanwhile: it is in their log, and in no file of its own yet.
            let writer = try Store.open(path: project.store)
            try writer.put(.settings, "late", "written while open")
            let made = try Backup(project, world: world).make(to: path, passphrase: passphrase)
            #expect(try world.files.info(path)?.mode == 0o600)
            #expect(try world.files.info(path)?.bytes == made.bytes)
            #expect(
                Set(made.files) == [
                    "jeeves.db", "ca/root.pem", "ca/intermediate.pem", "ca/intermediate.key.pem",
                    "terraform/terraform.tfstate", "kube/mongodb.json", "jeeves.yaml",
                    "mongodb.uri",
                ])
            #expect(made.leftOut.count == 1, "the root's key")
            let bytes = try world.files.read(path, bytesMax: BackupFile.bytesMax)
            #expect(!String(decoding: bytes, as: UTF8.self).contains("canary"))
            #expect(try world.files.list(project.state).allSatisfy { !$0.hasPrefix("backup-") })

            let into = "\(project.folder)/moved"
            let report = try Restoration(path, world: world).make(
                in: into, state: nil, passphrase: passphrase, by: "ann@desk")
            #expect(report.cluster.rawValue == "chat")
            let copy = Project(folder: into)
            for entry in made.files where entry != "jeeves.db" {
                let place = ["jeeves.yaml", "mongodb.uri"].contains(entry) ? "" : ".jeeves/"
                let (old, new) = ("\(project.folder)/\(place)\(entry)", "\(into)/\(place)\(entry)")
                #expect(try text(old, world) == text(new, world), "\(entry)")
                #expect(try world.files.info(new)?.mode == 0o600)
            }
            #expect(try world.files.info(copy.state)?.mode == 0o700)
            let store = try Store.open(path: copy.store)
            #expect(try store.get(String.self, .settings, "canary") == "canary in the store")
            #expect(try store.get(String.self, .settings, "late") == "written while open")
            let event = try store.events(last: 1).first
            #expect(event?.actor == "ann@desk")
            #expect(event?.detail.hasPrefix("restored from a backup of ") == true)
            #expect(
                try Authority.open(copy, files: world.files).pin
                    == Authority.open(project, files: world.files).pin)
        }
    }

    @Test("nothing is overwritten: neither by a backup, nor by what comes out of one")
    func noOverwriting() async throws {
        try await withCluster { project, world in
            let path = "\(project.folder)/chat.backup"
            let backup = Backup(project, world: world)
            _ = try backup.make(to: path, passphrase: passphrase)
            await Sentence(.conflict, "there is something of that name", fix: "--out").check {
                try backup.make(to: path, passphrase: passphrase)
            }
            func restore(_ into: String) throws {
                _ = try Restoration(path, world: world).make(
                    in: into, state: nil, passphrase: passphrase, by: "ann@desk")
            }
            await Sentence(.conflict, "it holds a cluster already", fix: "--into").check {
                try restore(project.folder)
            }
            let other = "\(project.folder)/other"
            try world.files.makeDirectory(other, mode: 0o700, op: "test")
            try world.files.replace(
                "\(other)/jeeves.yaml", with: Array("mine".utf8), mode: 0o600, op: "test")
            await Sentence(.conflict, "\(other)/jeeves.yaml", fix: "move them away").check {
                try restore(other)
            }
            #expect(try world.files.list(other) == ["jeeves.yaml"], "nothing else was begun")
            #expect(try text("\(other)/jeeves.yaml", world) == "mine")
        }
    }

    @Test("nobody is asked for a passphrase while anything else is known to be wrong")
    func asksLast() async throws {
        try await withCluster { project, world in
            func unasked() -> Secret {
                Issue.record("it was asked for")
                return passphrase
            }
            let (folder, path) = (project.folder, "\(project.folder)/chat.backup")
            let backup = Backup(project, world: world)
            await Sentence(.notFound, "it holds no cluster", fix: "jeeves init").check {
                try Backup(Project(folder: "\(folder)/none"), world: world)
                    .make(to: path, passphrase: unasked())
            }
            await Sentence(.notFound, "there is no folder \(folder)/none", fix: "--out").check {
                try backup.make(to: "\(folder)/none/chat.backup", passphrase: unasked())
            }
            _ = try backup.make(to: path, passphrase: passphrase)
            await Sentence(.conflict, "there is something of that name", fix: "--out").check {
                try backup.make(to: path, passphrase: unasked())
            }
            let left = "\(folder)/left/.jeeves"
            try world.files.makeDirectory(left, mode: 0o700, op: "test")
            try world.files.replace("\(left)/jeeves.db-wal", with: [], mode: 0o600, op: "test")
            let restoration = try Restoration(path, world: world)
            for (into, said) in [
                (folder, "it holds a cluster already"), (path, "it is a file"),
                ("\(folder)/left", "\(left)/jeeves.db-wal"),
            ] {
                await Sentence(.conflict, said, fix: "--into").check {
                    try restoration.make(
                        in: into, state: nil, passphrase: unasked(), by: "ann@desk")
                }
            }
        }
    }

    @Test("a restoration that was cut off is repeated, for its last file says that all are there")
    func cutOff() async throws {
        try await withCluster { project, world in
            let path = "\(project.folder)/chat.backup"
            _ = try Backup(project, world: world).make(to: path, passphrase: passphrase)
            let into = "\(project.folder)/moved"
            func restore() throws {
                _ = try Restoration(path, world: world).make(
                    in: into, state: nil, passphrase: passphrase, by: "ann@desk")
            }
            try restore()
            let copy = Project(folder: into)
            let store = try BackupFile(
                world.files.read(path, bytesMax: BackupFile.bytesMax), passphrase: passphrase
            ).entry(.state, "jeeves.db")
            try world.files.remove(copy.root, op: "test")
            for suffix in ["-wal", "-shm"] {
                try world.files.remove(copy.store + suffix, op: "test")
            }
            try world.files.replace(
                copy.store, with: try #require(store).bytes, mode: 0o600, op: "test")
            try restore()
            #expect(try world.files.info(copy.root) != nil)
        }
    }

    @Test(
        "a backup with a file that no backup holds is refused, and nothing is written",
        arguments: [
            (BackupFile.Entry.Place.state, "terraform/evil.tf"),
            (.state, "kube/helm/plugins/x/plugin.yaml"), (.folder, ".jeeves/terraform/evil.tf"),
            (.folder, ".env"),
        ])
    func strange(place: BackupFile.Entry.Place, name: String) async throws {
        try await withCluster { project, world in
            let path = "\(project.folder)/chat.backup"
            _ = try Backup(project, world: world).make(to: path, passphrase: passphrase)
            let own = try BackupFile(
                world.files.read(path, bytesMax: BackupFile.bytesMax), passphrase: passphrase)
            let entry = BackupFile.Entry(place: place, path: name, bytes: [1])
            let forged = try BackupFile(header: own.header, entries: own.entries + [entry])
                .sealed(with: passphrase)
            try world.files.replace(path, with: forged, mode: 0o600, op: "test")
            let into = "\(project.folder)/moved"
            await Sentence(.invalid, name, fix: "one of your own").check {
                _ = try Restoration(path, world: world).make(
                    in: into, state: nil, passphrase: passphrase, by: "ann@desk")
            }
            #expect(try world.files.info(into) == nil)
        }
    }

    @Test("a wrong passphrase, a changed file and one of a newer Jeeves are refused, each by name")
    func refused() async throws {
        try await withCluster { project, world in
            let path = "\(project.folder)/chat.backup"
            _ = try Backup(project, world: world).make(to: path, passphrase: passphrase)
            let into = "\(project.folder)/moved"
            func restore(_ passphrase: Secret) throws {
                _ = try Restoration(path, world: world).make(
                    in: into, state: nil, passphrase: passphrase, by: "ann@desk")
            }
            func place(_ bytes: [UInt8]) throws {
                try world.files.replace(path, with: bytes, mode: 0o600, op: "test")
            }
            await Sentence(.unauthorized, "the passphrase is another one", fix: "made with").check {
                try restore(Secret("correct horse batterY"))
            }
            let whole = try world.files.read(path, bytesMax: BackupFile.bytesMax)
            try place(whole.dropLast(1) + [whole.last.map { $0 ^ 1 } ?? 0])
            await Sentence(.unauthorized, "or it was changed", fix: "another copy").check {
                try restore(passphrase)
            }
            for bytes in [[], Array("not a backup".utf8), Array(whole.prefix(20))] {
                try place(bytes)
                await Sentence(.invalid, "the file is none, or it is damaged", fix: "jeeves backup")
                    .check { try restore(passphrase) }
            }
            for newer in [
                #"{"format":2,"jeeves":"0.1.0"}"#, #"{"format":1,"jeeves":"99.0.0"}"#,
                #"{"format":1,"jeeves":"\u001b]0;x"}"#,
            ] {
                let header = Array(newer.utf8)
                try place(
                    Array("JEEVES BACKUP\n".utf8) + [0, 0, 0, UInt8(header.count)] + header)
                await Sentence(
                    .unsupported, "and this is \(Release.version)", fix: "a newer one"
                ).check {
                    do { try restore(passphrase) } catch {
                        #expect(!"\(error)".contains("\u{1b}"), "nobody has proven that header")
                        throw error
                    }
                }
            }
            #expect(try world.files.info(into) == nil, "nothing was written")
        }
    }

    @Test("a short passphrase, a state that is being written and a path outside stop or are said")
    func limits() async throws {
        try await withCluster { project, world in
            let path = "\(project.folder)/chat.backup"
            let backup = Backup(project, world: world)
            await Sentence(.invalid, "fewer than 12 characters", fix: "a longer one").check {
                try backup.make(to: path, passphrase: Secret("short"))
            }
            let yaml = try #require(try text(project.clusterFile, world)).replacing(
                "uriFile: mongodb.uri", with: "uriFile: ../mongodb.uri")
            try world.files.replace(
                project.clusterFile, with: Array(yaml.utf8), mode: 0o644, op: "test")
            let made = try backup.make(to: path, passphrase: passphrase)
            #expect(!made.files.contains { $0.hasSuffix("mongodb.uri") })
            #expect(made.leftOut.contains { $0.contains("mongodb.uri") })
            try world.files.replace(
                "\(project.terraform)/terraform.tfstate", with: Array(#"{"vers"#.utf8), mode: 0o600,
                op: "test")
            await Sentence(.unavailable, "Terraform's state cannot be read", fix: "try again")
                .check { try backup.make(to: "\(path)2", passphrase: passphrase) }
        }
    }

    /// The cluster file with other names of files in it.
    private func edit(_ project: Project, _ world: World, _ edits: [(String, String)]) throws {
        var yaml = try #require(try text(project.clusterFile, world))
        for (old, new) in edits {
            #expect(yaml.contains(old), "\(old)")
            yaml = yaml.replacing(old, with: new)
        }
        try world.files.replace(
            project.clusterFile, with: Array(yaml.utf8), mode: 0o644, op: "test")
    }

    @Test("names are taken as what they mean, and a link is left out and said")
    func names() async throws {
        try await withCluster { project, world in
            let folder = project.folder
            try world.files.replace(
                "\(folder)/license.txt", with: Array("x".utf8), mode: 0o600, op: "test")
            try edit(
                project, world,
                [
                    ("licenseFile: \"\"", "licenseFile: ./license.txt"),
                    ("uriFile: mongodb.uri", "uriFile: \(folder)//mongodb.uri"),
                ])
            let backup = Backup(project, world: world)
            let made = try backup.make(to: "\(folder)/1", passphrase: passphrase)
            #expect(made.files.contains("license.txt") && made.files.contains("mongodb.uri"))
            #expect(made.leftOut.count == 1, "the root's key")

            try world.files.remove("\(folder)/license.txt", op: "test")
            #expect(symlink("/etc", "\(folder)/license.txt") == 0)
            let linked = try backup.make(to: "\(folder)/2", passphrase: passphrase)
            #expect(!linked.files.contains("license.txt"))
            #expect(
                linked.leftOut.contains { $0.hasSuffix("license.txt: it is a link to /etc") })
        }
    }

    @Test("more files than a backup may have are refused, not cut off")
    func many() async throws {
        try await withFounded(inMemory: true) { project, world in
            let folder = "\(project.folder)/license"
            try world.files.makeDirectory(folder, mode: 0o700, op: "test")
            for number in 0..<BackupFile.entriesMax {
                try world.files.replace("\(folder)/\(number)", with: [], mode: 0o600, op: "test")
            }
            try edit(project, world, [("licenseFile: \"\"", "licenseFile: license")])
            await Sentence(.invalid, "or 5000 files", fix: "folders with many").check {
                try Backup(project, world: world).make(
                    to: "\(project.folder)/1", passphrase: passphrase)
            }
        }
    }

    @Test(
        "no path of a backup leads out of its folder",
        arguments: [
            "", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "./a", "a/", "a\0b",
            String(repeating: "a", count: 1025),
        ])
    func paths(_ path: String) {
        #expect(!BackupFile.isInside(path))
        #expect(BackupFile.isInside("ca/root.pem"))
    }
}
