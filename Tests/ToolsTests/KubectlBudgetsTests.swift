import Model
import Testing

@testable import Tools

@Suite struct KubectlBudgetsTests {
    @Test("a Deployment's pods are read with what finds them and what they are labelled with")
    func podTemplates() throws {
        let text = """
            {"items":[
              {"metadata":{"name":"chat","labels":{"x":"of the Deployment"}},"spec":{
               "selector":{"matchLabels":{"app":"chat"}},
               "template":{"metadata":{"labels":{"app":"chat","tier":"front"}}}}},
              {"metadata":{"name":"bare"},"spec":{"selector":{},"template":{"metadata":{}}}}]}
            """
        let found = try Kubectl.podTemplates(text)
        #expect(found.map(\.name) == ["chat", "bare"])
        #expect(found.first?.selector == LabelSelector(["app": "chat"]))
        #expect(found.map(\.labels) == [["app": "chat", "tier": "front"], [:]])
        #expect(throws: Failure.self) { try Kubectl.podTemplates("Error") }
    }

    @Test("budgets are read with their own labels and with whom they select")
    func budgets() throws {
        let text = """
            {"items":[
              {"metadata":{"name":"nats","labels":{"by":"Helm"}},
               "spec":{"maxUnavailable":1,"selector":{"matchLabels":{"app":"nats"}}}},
              {"metadata":{"name":"none"},"spec":{"minAvailable":"50%"}}]}
            """
        #expect(
            try Kubectl.budgets(text) == [
                .init(
                    name: "nats", labels: ["by": "Helm"], selector: LabelSelector(["app": "nats"])),
                .init(name: "none", labels: [:], selector: nil),
            ])
        #expect(throws: Failure.self) { try Kubectl.budgets("No resources found") }
    }

    @Test("a selector means what Kubernetes means by it")
    func selectors() throws {
        func selects(_ selector: String, _ labels: [String: String]) throws -> Bool {
            try JSON.decode(LabelSelector.self, from: selector.utf8, what: "selector")
                .matches(labels)
        }
        #expect(try selects(#"{"matchLabels":{"a":"1"}}"#, ["a": "1", "b": "2"]))
        #expect(try !selects(#"{"matchLabels":{"a":"1","b":"3"}}"#, ["a": "1", "b": "2"]))
        #expect(try selects("{}", ["a": "1"]))
        func expression(_ sign: String, _ values: String = "") -> String {
            #"{"matchExpressions":[{"key":"a","operator":"\#(sign)"\#(values)}]}"#
        }
        let listed = #","values":["1","2"]"#
        #expect(try selects(expression("In", listed), ["a": "2"]))
        #expect(try !selects(expression("In", listed), ["a": "3"]))
        #expect(try !selects(expression("In", listed), [:]))
        #expect(try !selects(expression("NotIn", listed), ["a": "2"]))
        #expect(try selects(expression("NotIn", listed), [:]))
        #expect(try selects(expression("Exists"), ["a": "3"]))
        #expect(try !selects(expression("Exists"), [:]))
        #expect(try selects(expression("DoesNotExist"), [:]))
        #expect(try !selects(expression("DoesNotExist"), ["a": "3"]))
        #expect(throws: Failure.self) { try selects(expression("Near"), [:]) }
    }
}
