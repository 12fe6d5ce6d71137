import Model
import Outside

extension Founding {
    /// What a person typed beside `jeeves init`, as far as they did. The rules of the cluster file
    /// hold for it before there is one.
    public struct Options: Sendable {
        /// One option that was typed.
        private struct Word {
            let option: String
            let text: String
            let setting: OldPipeline.Setting
            /// What a cluster file says in its place.
            let kept: @Sendable (ClusterSpec) -> String
        }

        private let words: [Word]

        /// The keys of the cluster file that are decided by it.
        var settings: Set<OldPipeline.Setting> { Set(words.map(\.setting)) }

        /// Throws `invalid`, with the option, for what no cluster file may say.
        public init(
            cluster: ClusterID? = nil, domain: DomainName? = nil, email: String? = nil,
            region: String? = nil
        ) throws {
            func word(
                _ option: String, _ text: String?, _ setting: OldPipeline.Setting,
                kept: @Sendable @escaping (ClusterSpec) -> String
            ) -> [Word] {
                text.map { [Word(option: option, text: $0, setting: setting, kept: kept)] } ?? []
            }
            words =
                word("--cluster", cluster?.rawValue, .cluster) { $0.cluster.rawValue }
                + word("--domain", domain?.rawValue, .domain) { $0.domain.rawValue }
                + word("--email", email, .email) { $0.certificate.email }
                + word("--region", region, .region) { $0.aws.region }
            let spec = ClusterFile.read(Example.render(try values()), path: "the new file").spec
            let problems = spec?.problems() ?? []
            for word in words {
                guard let problem = problems.first(where: { $0.path == word.setting.rawValue })
                else { continue }
                throw Failure(
                    .invalid, "reading \(word.option): \(problem.message)", fix: problem.fix)
            }
        }

        /// With an example for what was not typed.
        func values() throws -> Values {
            var values = Values(
                cluster: try ClusterID("chat"), domain: try DomainName("chat.example.org"),
                email: "ops@example.org", region: "eu-central-1")
            for word in words {
                do { try values.set(word.setting, to: word.text) } catch {
                    throw Failure(error, trying: "reading \(word.option)")
                }
            }
            return values
        }

        /// Throws `conflict` if a cluster file is there that says otherwise: it is kept, and what
        /// was typed would not get in.
        public func requireAgreement(with project: Project, _ files: any Files) throws {
            guard !words.isEmpty, try files.info(project.clusterFile) != nil else { return }
            let spec = try project.spec(files)
            let other = words.filter { $0.kept(spec) != $0.text }
            guard !other.isEmpty else { return }
            let options = other.map(\.option).joined(separator: ", ")
            throw Failure(
                .conflict,
                "beginning the cluster: \(project.clusterFile) exists already and says "
                    + other.map { "\($0.setting.rawValue): \($0.kept(spec)), not \($0.text)" }
                    .joined(separator: "; "),
                fix: "leave out \(options) to keep the file, edit it, or begin another cluster in "
                    + "a folder of its own with --file")
        }
    }
}
