"""Stand-in for EC2's instance metadata service: IMDSv2, told apart by the caller's address.

Usage: metadata.py ADDRESS PORT
"""

import base64
import http.server
import json
import secrets
import socket
import sys
import threading
import time

import account

TOKEN_SECONDS_MAX = 21600
CREDENTIAL_SECONDS = 3600
TREE_SECONDS = 2
VERSIONS = ["1.0", "2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"]


class Refused(Exception):
    """An answer other than 200."""


class Service:
    """Tokens and credentials that were handed out."""

    def __init__(self):
        self.lock = threading.Lock()
        self.tokens = {}
        self.credentials = {}
        self.trees = {}

    def instance(self, address):
        for one in account.instances():
            if one.address == address and one.state in ("pending", "running"):
                return one
        raise Refused(404)

    def tree(self, instance):
        """`meta-data/` of the instance; cloud-init walks all of it, so it is kept for a moment."""
        with self.lock:
            made, leaves = self.trees.get(instance.id, (0, None))
        if leaves is None or time.monotonic() - made > TREE_SECONDS:
            leaves = tree(instance)
            with self.lock:
                self.trees[instance.id] = (time.monotonic(), leaves)
        return leaves

    def token(self, instance, seconds):
        if not 1 <= seconds <= TOKEN_SECONDS_MAX:
            raise Refused(400)
        token = secrets.token_urlsafe(40)
        now = time.monotonic()
        with self.lock:
            self.tokens = {key: one for key, one in self.tokens.items() if one[1] > now}
            self.tokens[token] = (instance.id, now + seconds)
        return token

    def check(self, instance, token):
        """A token is good for the instance that asked for it, until it expires."""
        if token is None:
            if instance.metadata_options.get("HttpTokens") == "optional":
                return
            raise Refused(401)
        with self.lock:
            owner, until = self.tokens.get(token, (None, 0))
        if owner != instance.id or until < time.monotonic():
            raise Refused(401)

    def role_credentials(self, instance, role):
        """Keys of the instance's role; EC2 makes the instance's id the session's name."""
        with self.lock:
            known = self.credentials.get(instance.id)
            if known and known["role"] == role and known["until"] > time.time() + 600:
                return known["text"]
            answer = account.sts.assume_role(
                RoleArn=f"arn:aws:iam::{instance.owner}:role/{role}",
                RoleSessionName=instance.id, DurationSeconds=CREDENTIAL_SECONDS)["Credentials"]
            text = json.dumps({
                "Code": "Success",
                "LastUpdated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "Type": "AWS-HMAC",
                "AccessKeyId": answer["AccessKeyId"],
                "SecretAccessKey": answer["SecretAccessKey"],
                "Token": answer["SessionToken"],
                "Expiration": answer["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            }, indent=2)
            self.credentials[instance.id] = {
                "role": role, "until": answer["Expiration"].timestamp(), "text": text}
            return text


SERVICE = Service()


def roles(instance):
    """Names of the roles in the instance's profile."""
    if not instance.profile:
        return []
    iam = account.boto3.client("iam", config=account.CONFIG)
    profile = iam.get_instance_profile(InstanceProfileName=instance.profile)["InstanceProfile"]
    return [role["RoleName"] for role in profile["Roles"]]


def interface(instance, face):
    subnet = account.ec2.describe_subnets(SubnetIds=[face["SubnetId"]])["Subnets"][0]
    vpc = account.ec2.describe_vpcs(VpcIds=[face["VpcId"]])["Vpcs"][0]
    return {
        "device-number": str(face.get("Attachment", {}).get("DeviceIndex", 0)),
        "interface-id": face["NetworkInterfaceId"],
        "local-hostname": instance.hostname,
        "local-ipv4s": "\n".join(one["PrivateIpAddress"] for one in face["PrivateIpAddresses"]),
        "mac": face["MacAddress"],
        "owner-id": instance.owner,
        "security-group-ids": "\n".join(group["GroupId"] for group in face["Groups"]),
        "subnet-id": face["SubnetId"],
        "subnet-ipv4-cidr-block": subnet["CidrBlock"],
        "vpc-id": face["VpcId"],
        "vpc-ipv4-cidr-block": vpc["CidrBlock"],
    }


def tree(instance):
    """`meta-data/` as nested folders; a leaf is text, or a function that makes it."""
    zone = instance.found["Placement"]["AvailabilityZone"]
    leaves = {
        "ami-id": instance.found["ImageId"],
        "ami-launch-index": str(instance.found.get("AmiLaunchIndex", 0)),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": {"ami": "/dev/sda1", "root": "/dev/sda1"},
        "hostname": instance.hostname,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.found["InstanceType"],
        "local-hostname": instance.hostname,
        "local-ipv4": instance.address,
        "mac": instance.mac,
        "network": {"interfaces": {"macs": {
            face["MacAddress"]: interface(instance, face) for face in instance.interfaces}}},
        "placement": {"availability-zone": zone, "region": zone[:-1]},
        "profile": "default-hvm",
        "reservation-id": instance.reservation,
        "security-groups": "\n".join(instance.groups.values()),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    public = account.public_addresses([instance]).get(instance.id)
    if public:
        leaves["public-ipv4"] = public
        leaves["public-hostname"] = "ec2-" + public.replace(".", "-") + ".compute-1.amazonaws.com"
    if instance.metadata_options.get("InstanceMetadataTags") == "enabled":
        leaves["tags"] = {"instance": instance.tags}
    if named := roles(instance):
        leaves["iam"] = {
            "info": json.dumps({
                "Code": "Success",
                "InstanceProfileArn": instance.found["IamInstanceProfile"]["Arn"],
                "InstanceProfileId": instance.found["IamInstanceProfile"]["Id"],
            }),
            "security-credentials": {
                role: lambda role=role: SERVICE.role_credentials(instance, role)
                for role in named},
        }
    return leaves


def walk(leaves, path):
    """The leaf or the listing at `path`."""
    here = leaves
    for part in filter(None, path.split("/")):
        if not isinstance(here, dict) or part not in here:
            raise Refused(404)
        here = here[part]
    if isinstance(here, dict):
        return "\n".join(
            name + ("/" if isinstance(one, dict) else "") for name, one in sorted(here.items()))
    return here() if callable(here) else here


def user_data(instance):
    """Byte for byte what RunInstances was given."""
    value = account.ec2.describe_instance_attribute(
        InstanceId=instance.id, Attribute="userData")["UserData"].get("Value")
    if not value:
        raise Refused(404)
    return base64.b64decode(value)


def identity(instance):
    zone = instance.found["Placement"]["AvailabilityZone"]
    return json.dumps({
        "accountId": instance.owner,
        "architecture": instance.found["Architecture"],
        "availabilityZone": zone,
        "imageId": instance.found["ImageId"],
        "instanceId": instance.id,
        "instanceType": instance.found["InstanceType"],
        "pendingTime": instance.found["LaunchTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "privateIp": instance.address,
        "region": zone[:-1],
        "version": "2017-09-30",
    }, indent=2)


def answer(instance, path):
    if path == "/":
        return "\n".join(VERSIONS)
    version, _, rest = path.lstrip("/").partition("/")
    if version not in VERSIONS:
        raise Refused(404)
    if rest == "":
        return "dynamic\nmeta-data\nuser-data"
    if rest == "user-data":
        return user_data(instance)
    if rest.rstrip("/") == "dynamic":
        return "instance-identity/"
    if rest.rstrip("/") == "dynamic/instance-identity":
        return "document"
    if rest == "dynamic/instance-identity/document":
        return identity(instance)
    top, _, inner = rest.partition("/")
    if top != "meta-data":
        raise Refused(404)
    return walk(SERVICE.tree(instance), inner)


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"

    def do_PUT(self):
        self.respond(self.put)

    def do_GET(self):
        self.respond(self.get)

    def put(self, instance):
        if self.path != "/latest/api/token":
            raise Refused(404)
        # As on EC2: what came through a proxy gets no token.
        if self.headers.get("X-Forwarded-For"):
            raise Refused(403)
        seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        return SERVICE.token(instance, int(seconds) if seconds.isdigit() else 0)

    def get(self, instance):
        SERVICE.check(instance, self.headers.get("X-aws-ec2-metadata-token"))
        return answer(instance, self.path)

    def respond(self, make):
        status, body = 200, b""
        try:
            instance = SERVICE.instance(self.client_address[0])
            # The hop limit: with 1, no container behind a bridge sees the answer.
            hops = int(instance.metadata_options.get("HttpPutResponseHopLimit", 1))
            self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
            made = make(instance)
            body = made if isinstance(made, bytes) else made.encode()
        except Refused as refused:
            status = refused.args[0]
        except Exception as error:  # the account's API failed: say it, as EC2 does, with a 5xx
            self.log_message("%s: %r", self.path, error)
            status = 503
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Request).serve_forever()
