import Model
import Testing

@testable import Tools

@Suite struct KubeconfigTests {
    @Test("the keys that a controller sent are used at our own port")
    func keys() throws {
        let sent = """
            apiVersion: v1
            clusters:
            - cluster:
                certificate-authority-data: Y2E=
                server: https://127.0.0.1:16443
              name: microk8s-cluster
            users:
            - name: admin
              user:
                client-certificate-data: Y2VydA==
                client-key-data: a2V5
            """
        #expect(
            try Kubeconfig(Secret(sent)).text(port: 40_001).reveal() == """
                apiVersion: v1
                kind: Config
                current-context: microk8s
                contexts:
                - name: microk8s
                  context:
                    cluster: microk8s
                    user: admin
                clusters:
                - name: microk8s
                  cluster:
                    server: "https://127.0.0.1:40001"
                    certificate-authority-data: "Y2E="
                users:
                - name: admin
                  user:
                    client-certificate-data: "Y2VydA=="
                    client-key-data: "a2V5"

                """)
    }

    @Test("a controller names no program, file, proxy or server to kubectl and Helm")
    func hostile() throws {
        let sent = """
            clusters:
            - cluster:
                certificate-authority-data: Y2E=
                server: https://evil.example:443
                proxy-url: http://evil.example
                insecure-skip-tls-verify: true
            users:
            - name: admin
              user:
                token: "abc.def"
                tokenFile: /etc/jeeves/mongodb.uri
                client-key: /var/lib/jeeves-coordinator/ca/intermediate.key.pem
                exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh}
            """
        let text = try Kubeconfig(Secret(sent)).text(port: 1).reveal()
        #expect(text.contains("    token: \"abc.def\"\n"))
        for word in ["evil", "insecure", "tokenFile", "client-key:", "exec", "/bin/sh"] {
            #expect(!text.contains(word), "\(word)")
        }
    }

    @Test(
        "a key that is none is refused, and so is a kubeconfig without keys",
        arguments: [
            "", "users:\n- user:\n    exec: {command: /bin/sh}", "token: abc",
            "certificate-authority-data: Y2E=",
            "certificate-authority-data: Y2E=\nclient-certificate-data: Y2U=",
            "certificate-authority-data: Y2E=\ntoken: a\\n    exec: {command: /bin/sh}",
            "certificate-authority-data: Y2E=\ntoken:",
        ])
    func refused(text: String) {
        let failure = #expect(throws: Failure.self) { try Kubeconfig(Secret(text)) }
        #expect(failure?.code == .invalid)
        #expect(failure?.message.contains("abc") == false)
    }
}
