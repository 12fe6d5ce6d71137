"""Stand-in for AWS' inside view: what the emulated account holds, asked of its public API."""

import boto3
from botocore.config import Config

CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 1})

ec2 = boto3.client("ec2", config=CONFIG)
route53 = boto3.client("route53", config=CONFIG)
sts = boto3.client("sts", config=CONFIG)


def pages(operation, key, **arguments):
    """Every item of a paged list."""
    for page in ec2.get_paginator(operation).paginate(**arguments):
        yield from page[key]


class Instance:
    """One instance, as the machine that plays it and its neighbours need to know it."""

    def __init__(self, found, reservation):
        self.found = found
        self.id = found["InstanceId"]
        self.state = found["State"]["Name"]
        self.reservation = reservation["ReservationId"]
        self.owner = reservation.get("OwnerId") or "123456789012"
        self.tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
        self.name = self.tags.get("Name", self.id)
        self.interfaces = sorted(
            found.get("NetworkInterfaces", []),
            key=lambda one: one.get("Attachment", {}).get("DeviceIndex", 0))
        self.address = found.get("PrivateIpAddress")
        self.subnet = found.get("SubnetId")
        self.vpc = found.get("VpcId")

    @property
    def short(self):
        """Names the machine's namespace and interface, which may have 15 characters."""
        return "jl-" + self.id[-8:]

    @property
    def mac(self):
        return self.interfaces[0]["MacAddress"] if self.interfaces else None

    @property
    def hostname(self):
        return "ip-" + self.address.replace(".", "-") + ".ec2.internal"

    @property
    def groups(self):
        listed = self.found.get("SecurityGroups", []) + [
            group for interface in self.interfaces for group in interface.get("Groups", [])]
        return {group["GroupId"]: group["GroupName"] for group in listed}

    @property
    def profile(self):
        """The name of the instance profile, or None."""
        arn = self.found.get("IamInstanceProfile", {}).get("Arn")
        return arn.rsplit("/", 1)[1] if arn else None

    @property
    def metadata_options(self):
        return self.found.get("MetadataOptions", {})


def instances():
    """All instances of the region, those already terminated included."""
    return [
        Instance(found, reservation)
        for reservation in pages("describe_instances", "Reservations")
        for found in reservation["Instances"]
    ]


def elastic_addresses(known):
    """The elastic address of each instance that has one."""
    owners = {face["NetworkInterfaceId"]: one.id for one in known for face in one.interfaces}
    elastic = {}
    for address in ec2.describe_addresses()["Addresses"]:
        owner = address.get("InstanceId") or owners.get(address.get("NetworkInterfaceId"))
        if owner:
            elastic[owner] = address["PublicIp"]
    return elastic


def public_addresses(known):
    """The public address of each instance that has one: an elastic one before an automatic one."""
    automatic = {
        one.id: one.found["PublicIpAddress"] for one in known if one.found.get("PublicIpAddress")}
    return automatic | elastic_addresses(known)


class Routes:
    """The VPCs' route tables: who has a way out, and from which public address."""

    def __init__(self):
        self.tables = list(pages("describe_route_tables", "RouteTables"))
        self.gateways = {
            gateway["NatGatewayId"]: gateway
            for gateway in pages("describe_nat_gateways", "NatGateways")
            if gateway["State"] == "available"
        }

    def table(self, subnet, vpc):
        main = None
        for table in self.tables:
            for association in table["Associations"]:
                if association.get("SubnetId") == subnet:
                    return table
                if association.get("Main") and table["VpcId"] == vpc:
                    main = table
        return main

    def way_out(self, instance, public):
        """The address that the internet sees, or None if nothing the instance sends gets there."""
        table = self.table(instance.subnet, instance.vpc) or {"Routes": []}
        for route in table["Routes"]:
            if route.get("DestinationCidrBlock") != "0.0.0.0/0":
                continue
            if route.get("GatewayId", "").startswith("igw-"):
                return public
            gateway = self.gateways.get(route.get("NatGatewayId"))
            if gateway:
                return gateway["NatGatewayAddresses"][0].get("PublicIp")
        return None
