import Model
import Outside
import Support
import Testing

@testable import Coordinator

@Suite struct OldPipelineTests {
    private static let variables = """
        # Rocket.Chat on MicroK8s
        controller_ami = "ami-0c0ffee2404000001" // Ubuntu 24.04
        worker_ami     = "ami-0c0ffee2404000002"
        domain         = "chat.old.example.org"
        cert_email     = "admin@old.example.org"
        ssh_key_path   = "~/.ssh/sparrow.pem"

        /* sizes,
           as they were */
        controller_instance_type = "t3.xlarge"
        worker_count             = 3
        worker_volume_size       = 80
        allowed_cidrs = [
          "203.0.113.0/24", # office ]
          "198.51.100.7/32",
        ]
        tags = { team = "chat", nested = { deep = ["}"] } }
        motd = <<-EOT
          domain = "not.this.example.org"
          EOT
        jenkins_url = "https://sparrow:hunter2@jenkins"
        """
    private static let environment = """
        # keys of the pipeline
        export AWS_ACCESS_KEY_ID=AKIASPARROW
        AWS_SECRET_ACCESS_KEY="sparrow/secret"
        AWS_DEFAULT_REGION=eu-west-1
        DOMAIN='other.example.org'
        MONGO_URL=mongodb://root:sparrow@db
        sparrow without a sign
        """

    private func read(_ variables: String?, _ environment: String? = nil) throws -> OldPipeline {
        let files = FakeWorld().files
        files["/old/terraform.tfvars"] = variables
        files["/old/.env"] = environment
        return try OldPipeline.read(
            variables: variables.map { _ in "/old/terraform.tfvars" },
            environment: environment.map { _ in "/old/.env" }, files: files)
    }

    private func make(
        _ variables: String?, _ environment: String? = nil, domain: String? = nil
    ) throws -> (values: Founding.Values, rows: [OldPipeline.Row]) {
        try Founding.Values.make(
            Founding.Options(domain: domain.map { try DomainName($0) }),
            old: read(variables, environment))
    }

    @Test("the old files become a right cluster file, and every key is accounted for")
    func whole() throws {
        let (values, rows) = try make(Self.variables, Self.environment)
        let spec = try ClusterFile.decode(Example.render(values), path: "jeeves.yaml")
        #expect(spec.domain.rawValue == "chat.old.example.org")
        #expect(spec.certificate.email == "admin@old.example.org")
        #expect(spec.aws.region == "eu-west-1")
        #expect(spec.nodes.controllers.ami == "ami-0c0ffee2404000001")
        #expect(spec.nodes.controllers.instanceType == "t3.xlarge")
        #expect(spec.nodes.controllers.count == 1)
        #expect(spec.nodes.workers.ami == "ami-0c0ffee2404000002")
        #expect(spec.nodes.workers.count == 3 && spec.nodes.workers.diskGiB == 80)
        let became = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, $0.became) })
        #expect(became["ssh_key_path"] == "not needed: there is no SSH")
        #expect(became["AWS_SECRET_ACCESS_KEY"]?.hasPrefix("stays in the environment") == true)
        #expect(became["AWS_ACCESS_KEY_ID"] == became["AWS_SECRET_ACCESS_KEY"])
        #expect(became["MONGO_URL"]?.contains("app.mongodb.external.uriFile") == true)
        #expect(became["DOMAIN"] == "not taken: terraform.tfvars:4 says otherwise")
        #expect(became["worker_count"] == "nodes.workers.count: 3")
        for key in ["allowed_cidrs", "tags", "motd", "jenkins_url", "(no assignment)"] {
            #expect(became[key]?.hasPrefix("not known") == true, "\(key)")
        }
        #expect(rows.first?.place == "terraform.tfvars:2")
        #expect(rows.last?.place == ".env:7")
        let everything = Example.render(values) + "\(rows)"
        #expect(!everything.contains("sparrow") && !everything.contains("SPARROW"))
    }

    @Test("what is typed decides over the old files, and those say so")
    func typed() throws {
        let (values, rows) = try make(Self.variables, domain: "new.example.org")
        #expect(values.domain.rawValue == "new.example.org")
        #expect(
            rows.first { $0.key == "domain" }?.became == "not taken: the command line decides")
    }

    @Test("a byte-order mark, line ends of Windows and escapes are read as what they mean")
    func forms() throws {
        let text =
            "\u{FEFF}domain = \"chat\\u002eexample.org\"\r\nregion = \"us-east-1\" # here\r\n"
        let values = try make(text).values
        #expect(values.domain.rawValue == "chat.example.org")
        #expect(values.region == "us-east-1")
        let environment = try make(nil, "\u{FEFF}DOMAIN=a.example.org\r\nAWS_REGION=us-east-2\r\n")
        #expect(environment.values.domain.rawValue == "a.example.org")
        #expect(environment.rows.map(\.place) == [".env:1", ".env:2"])
    }

    @Test("an expression is no value, and its dollar escaped is one")
    func expressions() throws {
        let found = try TerraformAssignments.read(
            #"""
            a = "${var.x}.org"
            b = "$${not}.org"
            c = var.domain
            d = -1.5
            e = true
            """#, path: "x")
        #expect(found.map(\.value) == [nil, "${not}.org", nil, "-1.5", "true"])
        #expect(found.map(\.line) == [1, 2, 3, 4, 5])
    }

    @Test(
        "what cannot be read is named with its line",
        arguments: [
            ("a = 1\ndomain = \"x", "2: the quotes"), ("a = 1\n\na = 2", "3: `a` is set already"),
            ("resource \"x\" \"y\" {}", "1: `name = value`"), ("a = [\n1,\n", "1: the bracket"),
            ("a = [}", "1: this bracket closes none"), ("a = 1\n/* x\n\n", "2: the comment"),
            ("a = <<EOT\nx\n", "1: the text that begins here"),
            ("a =\n", "1: the value is missing"),
            ("a = \"\\q\"", "1: a backslash"), ("a = \"\\ud800\"", "1: there is no such character"),
            ("a = \"x\" \"y\"", "1: more follows"), ("= 1", "1: `name = value`"),
            ("a = " + String(repeating: "[", count: 100), "1: more than 64 brackets"),
        ])
    func unreadable(text: String, says: String) {
        let failure = #expect(throws: Failure.self) {
            try TerraformAssignments.read(text, path: "old.tfvars")
        }
        #expect(failure?.code == .invalid)
        #expect(failure?.message.hasPrefix("reading old.tfvars:\(says)") == true, "\(says)")
        #expect(failure?.fix.isEmpty == false)
    }

    @Test("a value that cannot be what it says is refused with its place")
    func wrongValues() throws {
        for (text, says) in [
            ("domain = \"no domain\"", "terraform.tfvars:1, domain"),
            ("worker_count = \"many\"", "no whole number"),
            ("controller_ami = \"ami\\n  evil: true\"", "may have only letters"),
        ] {
            let failure = #expect(throws: Failure.self) { try make(text) }
            #expect(failure?.code == .invalid)
            #expect(failure?.message.contains(says) == true)
        }
        let failure = #expect(throws: Failure.self) { try make("controller_count = 2") }
        #expect(failure?.message.contains("nodes.controllers.count") == true)
    }

    @Test("a mebibyte of brackets, names or backslashes ends soon, and more is not read")
    func large() throws {
        let size = OldPipeline.bytesMax
        let lines = (0..<20_000).map { "key_\($0) = \"\(String(repeating: "x", count: 30))\"" }
        #expect(try make(lines.joined(separator: "\n")).rows.count == 20_000)
        for text in ["a = [" + String(repeating: "1,", count: size / 2 - 8), "a = \"\\\\"] {
            #expect(throws: Failure.self) { try make(text) }
        }
        let failure = #expect(throws: Failure.self) {
            try make(String(repeating: "#", count: size + 1))
        }
        #expect(failure?.message.contains("larger than") == true)
    }
}
