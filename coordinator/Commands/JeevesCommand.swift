import ArgumentParser
import Model

/// `jeeves`: the coordinator and its command line in one program.
public struct JeevesCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "jeeves",
        abstract: "From a domain and an AWS account to a live, verified Rocket.Chat, and kept so.",
        discussion: """
            The first time:

              jeeves init                 write jeeves.yaml and the cluster's identity
              jeeves validate             check jeeves.yaml without network
              jeeves plan                 show what would change
              jeeves up                   make it so; run it again to resume or to change

            Later:

              jeeves status
              jeeves why
              jeeves doctor
              jeeves rollout status
              jeeves events --since 1h
              jeeves timeline --at 2h
              jeeves kubectl -- get pods --all-namespaces
              jeeves logs controller-1
              jeeves support
              jeeves destroy

            Exit status: 0 done, 1 error, 2 changes pending, 3 the gate failed or
            something does not fit, 5 timed out, 6 another coordinator drives, 7 a person
            must decide, 8 the plan is stale, 64 wrong use, 130 interrupted.
            """,
        version: Release.version,
        subcommands: [
            Initialize.self, Validate.self, PlanCommand.self, Up.self, StatusCommand.self,
            WhyCommand.self, DoctorCommand.self, KubectlVerb.self, HelmVerb.self,
            KubeconfigVerb.self, Logs.self, CertCommand.self, DNSCommand.self,
            EventsCommand.self, TimelineCommand.self, SupportCommand.self, RolloutCommand.self,
            Serve.self, TokenCommand.self, NodeCommand.self, BackupCommand.self,
            RestoreCommand.self, EpochCommand.self, Destroy.self,
        ])

    public init() {}
}
