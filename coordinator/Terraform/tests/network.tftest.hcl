# Who may reach whom, and where addresses lie. No account and no network: the provider is a mock.

mock_provider "aws" {}

variables {
  cluster = "chat"
  cidr    = "10.42.0.0/16"
}

run "groups" {
  command = apply
  module {
    source = "./modules/network"
  }

  assert {
    condition = toset([
      for rule in aws_vpc_security_group_ingress_rule.from_outside :
      "${rule.ip_protocol} ${rule.from_port}-${rule.to_port} ${coalesce(rule.cidr_ipv4, rule.cidr_ipv6)}"
      ]) == toset([
      "tcp 80-80 0.0.0.0/0", "tcp 80-80 ::/0", "tcp 443-443 0.0.0.0/0", "tcp 443-443 ::/0",
    ])
    error_message = "from outside only 80 and 443 may be open"
  }

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_ingress_rule.from_outside :
      rule.security_group_id == output.security_groups.controller
    ])
    error_message = "only controllers may be reached from outside"
  }

  assert {
    condition = toset([
      for rule in aws_vpc_security_group_ingress_rule.between_nodes : join(" ", [
        rule.referenced_security_group_id == output.security_groups.controller ? "controller" : "worker",
        rule.security_group_id == output.security_groups.controller ? "controller" : "worker",
        "${rule.from_port}-${rule.to_port}/${rule.ip_protocol}",
      ])
      ]) == toset([
      "controller controller 16443-16443/tcp", "worker controller 16443-16443/tcp",
      "controller controller 25000-25000/tcp", "worker controller 25000-25000/tcp",
      "controller controller 10250-10250/tcp", "worker controller 10250-10250/tcp",
      "controller worker 10250-10250/tcp", "worker worker 10250-10250/tcp",
      "controller controller 19001-19001/tcp",
      "controller controller 4789-4789/udp", "worker controller 4789-4789/udp",
      "controller worker 4789-4789/udp", "worker worker 4789-4789/udp",
      "controller controller 30080-30080/tcp", "controller worker 30080-30080/tcp",
      "controller controller 30443-30443/tcp", "controller worker 30443-30443/tcp",
    ])
    error_message = "between nodes exactly the ports of MicroK8s may be open, each in its direction"
  }

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_ingress_rule.between_nodes :
      contains(values(output.security_groups), rule.referenced_security_group_id)
      && rule.cidr_ipv4 == null && rule.cidr_ipv6 == null
    ])
    error_message = "nodes are let in by group, never by address"
  }

  assert {
    condition = (
      aws_route.internet.destination_cidr_block == "0.0.0.0/0"
      && aws_route.internet.gateway_id == aws_internet_gateway.this.id
      && aws_route_table_association.public.subnet_id == aws_subnet.public.id
      && aws_route_table_association.public.route_table_id == aws_route.internet.route_table_id
      && aws_subnet.public.map_public_ip_on_launch
      && toset([
        for rule in aws_vpc_security_group_egress_rule.all :
        "${rule.security_group_id} ${rule.ip_protocol} ${coalesce(rule.cidr_ipv4, rule.cidr_ipv6)}"
        ]) == toset([
        for pair in setproduct(values(output.security_groups), ["0.0.0.0/0", "::/0"]) : "${pair[0]} -1 ${pair[1]}"
      ])
    )
    error_message = "workers, whose address the subnet gives, and controllers have a way out"
  }
}

run "large" {
  command = plan
  module {
    source = "./modules/network"
  }

  assert {
    condition     = output.subnet_cidr == "10.42.0.0/20"
    error_message = "a /16 gives a /20"
  }

  assert {
    condition = toset([for block in aws_ec2_subnet_cidr_reservation.fixed : block.cidr_block]) == toset([
      "10.42.0.8/29", "10.42.0.16/28",
    ])
    error_message = "addresses of controllers are kept from workers"
  }
}

run "middle" {
  command = plan
  module {
    source = "./modules/network"
  }
  variables {
    cidr = "10.1.16.0/22"
  }

  assert {
    condition     = output.subnet_cidr == "10.1.16.0/24"
    error_message = "a /22 gives a /24"
  }
}

run "small" {
  command = plan
  module {
    source = "./modules/network"
  }
  variables {
    cidr = "192.168.7.0/24"
  }

  assert {
    condition     = output.subnet_cidr == "192.168.7.0/24"
    error_message = "a /24 gives all of itself"
  }
}
