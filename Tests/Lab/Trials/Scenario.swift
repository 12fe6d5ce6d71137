import ArgumentParser

/// What may happen to a cluster that serves. Each begins by making the cluster what it needs, and
/// leaves it live and as its file says.
enum Scenario: String, CaseIterable, ExpressibleByArgument {
    case upgrade, batches
    case canaryFails = "canary-fails"
    case canaryCrashes = "canary-crashes"
    case poweroff, killed, workers, lost, steer, undo, two, doctor, drift, house
    case remoteState = "remote-state"
    case why, metrics, service
    case initFrom = "init-from"
    case guide
    case pipeline

    var abstract: String {
        switch self {
        case .upgrade: "Rocket.Chat, Traefik and MicroK8s change under load; losses are counted"
        case .batches: "after the canary two workers change at once, under load"
        case .canaryFails: "a change fails on the first worker and reaches no other"
        case .canaryCrashes: "the first worker dies a minute after it became right"
        case .poweroff: "a worker goes off in its batch, and comes back to another wish"
        case .killed: "the coordinator is killed every 20 s while all stages have work"
        case .workers: "a worker joins and leaves under load, a dead one is made anew"
        case .lost: "EC2 ends the only controller; it is made anew, and its workers"
        case .steer: "pause, resume, abort, promote and retry from a second process"
        case .undo: "upgrades of Rocket.Chat and MicroK8s are taken back"
        case .two: "two coordinators at once, and two copies of one state folder"
        case .doctor: "stale members, closed workers and drift are found and mended"
        case .drift: "what a person changes on a node is told only, or mended, as the file says"
        case .house:
            "a backup drives from another folder; an old one only after its epoch is raised"
        case .remoteState: "Terraform's state moves into a bucket and back, and is locked there"
        case .why: "four causes are made, named by jeeves why, and mended"
        case .metrics: "a real Prometheus reads jeeves serve; faults raise their alerts"
        case .service: "jeeves.service drives from a machine of its own, in its sandbox"
        case .initFrom: "the files of the older pipeline become a cluster file"
        case .guide: "docs/lab.md is typed as it stands"
        case .pipeline: "the pipelines of packaging/ci plan on change and apply on merge"
        }
    }

    func play(_ cluster: LiveCluster, _ verdicts: inout Verdicts) async {
        switch self {
        case .upgrade: await Upgrade(cluster: cluster).play(&verdicts)
        case .batches: await WholeBatches(cluster: cluster).play(&verdicts)
        case .canaryFails: await CanaryFails(cluster: cluster).play(&verdicts)
        case .canaryCrashes: await CanaryCrashes(cluster: cluster).play(&verdicts)
        case .poweroff: await PoweredOff(cluster: cluster).play(&verdicts)
        case .killed: await Killed(cluster: cluster).play(&verdicts)
        case .workers: await WorkersComeAndGo(cluster: cluster).play(&verdicts)
        case .lost: await ControllerLost(cluster: cluster).play(&verdicts)
        case .steer: await Steer(cluster: cluster).play(&verdicts)
        case .undo: await Undone(cluster: cluster).play(&verdicts)
        case .two: await TwoCoordinators(cluster: cluster).play(&verdicts)
        case .doctor: await DoctorFinds(cluster: cluster).play(&verdicts)
        case .drift: await ChangedByHand(cluster: cluster).play(&verdicts)
        case .house: await MovingHouse(cluster: cluster).play(&verdicts)
        case .remoteState: await RemoteState(cluster: cluster).play(&verdicts)
        case .why: await CausesFound(cluster: cluster).play(&verdicts)
        case .metrics: await MetricsScraped(cluster: cluster).play(&verdicts)
        case .service: await AsService(cluster: cluster).play(&verdicts)
        case .initFrom: await OldFiles(cluster: cluster).play(&verdicts)
        case .guide: await Guide(cluster: cluster).play(&verdicts)
        case .pipeline: await PlannedAndMerged(cluster: cluster).play(&verdicts)
        }
    }
}
