import Outside
import Support

extension FakeWorld {
    /// tar(1) as far as it matters to what gets into an archive: the text of every file after its
    /// name, in plain.
    func playTar() {
        processes.on("tar") { [files] command in
            func value(_ option: String) -> String {
                let found = command.arguments.first { $0.hasPrefix(option) } ?? ""
                return String(found.dropFirst(option.count))
            }
            let folder = value("--directory=") + "/" + (command.arguments.last ?? "")
            files[value("--file=")] = files.paths.filter { $0.hasPrefix(folder) }.map {
                "\($0)\n\(files[$0] ?? "")\n"
            }.joined()
            return Finished(ending: .exited(0))
        }
    }
}
