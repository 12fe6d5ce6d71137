import Model

/// The public hosted zone that the account has from the start, as a person's would.
struct Zone {
    /// An address that the account gives to nobody (Standins/aws/api.py).
    static let elsewhere = "203.0.113.250"

    let host: Host

    private static let program = """
        import boto3, sys
        zones = boto3.client("route53")
        names = [one["Name"] for one in zones.list_hosted_zones()["HostedZones"]]
        if sys.argv[1] + "." not in names:
            zones.create_hosted_zone(Name=sys.argv[1], CallerReference="lab")
        """

    /// What a person does in the account by hand.
    private static let pointing = """
        import boto3, sys
        name, address, zone = sys.argv[1:]
        route53 = boto3.client("route53")
        zones = route53.list_hosted_zones()["HostedZones"]
        record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}]}
        route53.change_resource_record_sets(
            HostedZoneId=next(one["Id"] for one in zones if one["Name"] == zone + "."),
            ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]})
        """

    func make() async throws {
        try await Python.inAccount(Zone.program, [Layout.zone], host: host)
    }

    /// Has the A record of `name` lead to another address.
    func point(_ name: String, at address: String) async throws {
        try await Python.inAccount(Zone.pointing, [name, address, Layout.zone], host: host)
    }
}
