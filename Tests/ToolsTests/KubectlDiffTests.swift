import Model
import Testing
import Tools

@Suite struct KubectlDiffTests {
    private static let deployment = "apps.v1.Deployment.traefik.traefik"
    private static let map = "v1.ConfigMap.traefik.traefik"
    private static let kind =
        "apiextensions.k8s.io.v1.CustomResourceDefinition..middlewares.traefik.io"

    /// As kubectl 1.33 prints it, for a Deployment that changes, a ConfigMap that is new and a CRD.
    private static let output = """
        diff -u -N /tmp/LIVE-33/\(deployment) /tmp/MERGED-1/\(deployment)
        --- /tmp/LIVE-33/\(deployment)\t2026-11-24 08:00:00.000000000 +0000
        +++ /tmp/MERGED-1/\(deployment)\t2026-11-24 08:00:00.000000000 +0000
        @@ -40,7 +40,7 @@
             spec:
               containers:
               - name: traefik
        -        image: docker.io/traefik:v3.0.4
        +        image: docker.io/traefik:v3.5.0
                 ports:
        diff -u -N /tmp/LIVE-33/\(map) /tmp/MERGED-1/\(map)
        --- /tmp/LIVE-33/\(map)\t2026-11-24 08:00:00.000000000 +0000
        +++ /tmp/MERGED-1/\(map)\t2026-11-24 08:00:00.000000000 +0000
        @@ -0,0 +1,2 @@
        +apiVersion: v1
        +kind: ConfigMap
        diff -u -N /tmp/LIVE-33/\(kind) /tmp/MERGED-1/\(kind)
        --- /tmp/LIVE-33/x\t2026-11-24 08:00:00.000000000 +0000
        +++ /tmp/MERGED-1/x\t2026-11-24 08:00:00.000000000 +0000
        @@ -1,5 +1,5 @@
        -  generation: 1
        +  generation: 2
           name: middlewares.traefik.io
           resourceVersion: "417"
        @@ -9,2 +9,2 @@
        -  scope: Cluster
        +  scope: Namespaced
           resourceVersion: "417"

        """

    @Test("each object is a change, with its hunks and without names of temporary files")
    func objects() {
        let changes = KubectlDiff.changes(Self.output)
        #expect(
            changes.map(\.subject) == [
                "deployment/traefik", "configmap/traefik",
                "customresourcedefinition/middlewares.traefik.io",
            ])
        #expect(changes.map(\.action) == [.update, .create, .update])
        #expect(changes.map(\.effects) == [[.restart], [], []])
        #expect(changes[0].diff.hasPrefix("@@ -40,7 +40,7 @@\n"))
        #expect(changes[0].diff.contains("\n+        image: docker.io/traefik:v3.5.0\n"))
        #expect(!changes[0].diff.contains("/tmp/"))
        let scope = "@@ -9,2 +9,2 @@\n-  scope: Cluster\n+  scope: Namespaced"
        #expect(changes[2].diff == scope, "what the API server counts is not told")
        #expect(changes[1].diff.isEmpty, "what is new is not repeated line by line")
    }

    @Test("a Deployment whose number of pods changes restarts none")
    func replicas() {
        let name = "apps.v1.Deployment.x.y"
        let text = """
            diff -u -N /tmp/LIVE-1/\(name) /tmp/MERGED-2/\(name)
            @@ -1,1 +1,1 @@
            -  replicas: 2
            +  replicas: 3
            """
        #expect(KubectlDiff.changes(text).map(\.effects) == [[]])
    }

    @Test("what is no such output is no change")
    func other() {
        #expect(KubectlDiff.changes("").isEmpty)
        #expect(KubectlDiff.changes("error: something\n@@\n").isEmpty)
        #expect(KubectlDiff.changes("diff -u -N /a/b /c/lower\n@@ -1 +1 @@\n-x\n").isEmpty)
    }
}
