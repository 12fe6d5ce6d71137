import Model

/// The public hosted zone that the account has from the start, as a person's would.
struct Zone {
    let host: Host

    private static let program = """
        import boto3, sys
        zones = boto3.client("route53")
        names = [one["Name"] for one in zones.list_hosted_zones()["HostedZones"]]
        if sys.argv[1] + "." not in names:
            zones.create_hosted_zone(Name=sys.argv[1], CallerReference="lab")
        """

    func make() async throws {
        try await Python.inAccount(Zone.program, [Layout.zone], host: host)
    }
}
