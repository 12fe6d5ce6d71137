import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves node`: which machines may speak for the cluster's nodes.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Shut a machine out of the cluster's control, or let it in again.",
        discussion: """
              jeeves node revoke worker-1
              jeeves node allow worker-1
            """,
        subcommands: [Revoke.self, Allow.self])

    /// `jeeves node revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse a node: no link, no new certificate, no enrolment under its name.",
            discussion: """
                For a machine whose key may be in other hands. It goes on serving what it
                serves. A coordinator that runs ends its link within seconds. Asks first,
                unless --yes is given; exit status 7 if that was not confirmed.

                  jeeves node revoke worker-1
                  jeeves node revoke worker-1 --yes
                """)

        @OptionGroup var named: NamedNode

        func run() async throws {
            do {
                let node = named.node
                try named.confirm(
                    "revoking",
                    "\(node) will get no orders and no certificates any more, until "
                        + "`jeeves node allow \(node)`.")
                let isNew = try named.beside().revoke(node, by: Working.actor)
                Terminal.write(
                    isNew
                        ? "revoked \(node); a running coordinator ends its link within seconds"
                        : "nothing to do: \(node) was revoked already")
            } catch { throw Ending.report(error) }
        }
    }

    /// `jeeves node allow`.
    struct Allow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a revoked node in again.",
            discussion: """
                It comes back by itself. So does anybody who holds a copy of its key: if that
                may be, replace the machine instead. Asks first, unless --yes is given; exit
                status 7 if that was not confirmed.

                  jeeves node allow worker-1
                  jeeves node allow worker-1 --yes
                """)

        @OptionGroup var named: NamedNode

        func run() async throws {
            do {
                let node = named.node
                try named.confirm(
                    "allowing",
                    "\(node), and whoever holds a copy of its key, will be let in again.")
                let isNew = try named.beside().allow(node, by: Working.actor)
                Terminal.write(
                    isNew
                        ? "allowed \(node); it comes back by itself within a minute"
                        : "nothing to do: \(node) is not revoked")
            } catch { throw Ending.report(error) }
        }
    }
}

/// The node of a verb that asks first.
struct NamedNode: ParsableArguments {
    @OptionGroup var target: ProjectOptions

    @Argument(help: "The node.", transform: NodeName.typed)
    var node: NodeName

    @Flag(help: "Do not ask.")
    var yes = false

    /// Throws `notFound` for a node that the cluster does not know, `conflict` if the person does
    /// not type its name.
    func confirm(_ tried: String, _ question: String) throws {
        try beside().require(node, trying: "\(tried) \(node)")
        if !yes { try Terminal.require(node.rawValue, question, trying: "\(tried) \(node)") }
    }

    func beside() throws -> Beside { Beside(try target.project(), world: World.live()) }
}
