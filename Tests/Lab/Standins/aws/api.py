"""Stand-in for AWS: moto's server (5.2.1) with what a lab of real machines needs of it.

- Public addresses come from TEST-NET-3 (RFC 5737). moto draws elastic ones from 127.0.0.0/8 and the
  others from a real network; neither can be played by 1:1 NAT: a node's own loopback would answer
  for the first, a stranger for the second.
- A terminated instance lets go of its network interfaces, as on EC2. Otherwise
  DetachNetworkInterface answers OperationNotPermitted, and addresses of the dead stay taken.
- Tags of what is gone are gone: moto keeps them for ever, and DescribeTags tells of dead resources.
- One request at a time: moto's models are not thread-safe (revoking two rules of one security group
  at once loses one of the two changes, and a retry then finds no rule).

Usage: api.py ADDRESS PORT
"""

import itertools
import os
import sys
import threading
from pathlib import Path

# Read by moto when it is imported. In amis.json a creation_date must not be given: moto parses it
# in place, and fails at the second region.
os.environ["MOTO_AMIS_PATH"] = str(Path(__file__).with_name("amis.json"))
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces  # noqa: E402
from moto.ec2.models.instances import Instance  # noqa: E402
from moto.ec2.responses.tags import TagResponse  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication  # noqa: E402
from moto.server import main  # noqa: E402

PUBLIC = itertools.cycle(f"203.0.113.{last}" for last in range(10, 250))
ONE_REQUEST = threading.Lock()

answer = DomainDispatcherApplication.__call__
describe_tags = TagResponse.describe_tags
terminate = Instance.terminate


def public_address():
    """The next address; after 240 of them the first again."""
    return next(PUBLIC)


def answer_alone(self, environ, start_response):
    with ONE_REQUEST:
        return answer(self, environ, start_response)


def terminate_and_let_go(self):
    if self._state.name == "terminated":
        return terminate(self)
    state = terminate(self)
    # They stay in self.nics: a terminated instance is still described for a while.
    for interface in self.nics.values():
        if interface.description == "Primary network interface":
            interface.delete()  # made with the instance, gone with it
        else:
            interface.instance = None
            interface.attachment_id = None
            interface.attach_time = None
            interface.device_index = None
            interface.status = "available"
    return state


def existing(backend):
    """Ids of all resources of the kinds that a cluster is made of."""
    groups = [group for vpc in backend.groups.values() for group in vpc.values()]
    for by_id in (
        backend.vpcs, backend.enis, backend.volumes, backend.internet_gateways,
        backend.route_tables, *backend.subnets.values(),
    ):
        yield from by_id
    for address in backend.addresses:
        yield address.allocation_id
    for group in groups:
        yield group.id
        for rule in itertools.chain(group.ingress_rules, group.egress_rules):
            yield rule.id
    for reservation in backend.reservations.values():
        for instance in reservation.instances:
            yield instance.id


KINDS = ("vpc-", "eni-", "vol-", "igw-", "rtb-", "subnet-", "eipalloc-", "sg-", "sgr-", "i-")


def describe_tags_of_the_living(self):
    alive = set(existing(self.ec2_backend))
    for resource in list(self.ec2_backend.tags):
        if resource.startswith(KINDS) and resource not in alive:
            del self.ec2_backend.tags[resource]
    return describe_tags(self)


elastic_ip_addresses.random_ip = public_address
elastic_network_interfaces.random_public_ip = public_address
DomainDispatcherApplication.__call__ = answer_alone
Instance.terminate = terminate_and_let_go
TagResponse.describe_tags = describe_tags_of_the_living

if __name__ == "__main__":
    main(["-H", sys.argv[1], "-p", sys.argv[2]])
