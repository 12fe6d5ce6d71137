# From outside only 80 and 443, to controllers only. Between nodes exactly what MicroK8s needs, by
# group and not by address. There is no port for a shell.

locals {
  both = ["controller", "worker"]

  # port to whom, from whom: one line a port of MicroK8s
  between_nodes = {
    api     = { protocol = "tcp", port = 16443, to = ["controller"], from = local.both }
    join    = { protocol = "tcp", port = 25000, to = ["controller"], from = local.both }
    kubelet = { protocol = "tcp", port = 10250, to = local.both, from = local.both }
    dqlite  = { protocol = "tcp", port = 19001, to = ["controller"], from = ["controller"] }
    vxlan   = { protocol = "udp", port = 4789, to = local.both, from = local.both }
    http    = { protocol = "tcp", port = 30080, to = local.both, from = ["controller"] }
    https   = { protocol = "tcp", port = 30443, to = local.both, from = ["controller"] }
  }

  # The same, one entry a rule: "api-to-controller-from-worker".
  rules = merge([
    for name, rule in local.between_nodes : {
      for pair in setproduct(rule.to, rule.from) :
      "${name}-to-${pair[0]}-from-${pair[1]}" => {
        protocol = rule.protocol
        port     = rule.port
        to       = pair[0]
        from     = pair[1]
      }
    }
  ]...)

  from_outside = {
    for pair in setproduct([80, 443], ["0.0.0.0/0", "::/0"]) :
    "${pair[0]}-from-${pair[1]}" => { port = pair[0], cidr = pair[1] }
  }
}

resource "aws_security_group" "this" {
  for_each = toset(local.both)

  vpc_id      = aws_vpc.this.id
  name        = "${var.cluster}-${each.key}"
  description = "Every ${each.key} of ${var.cluster}"
  tags        = { Name = "${var.cluster}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "between_nodes" {
  for_each = local.rules

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port
  tags                         = { Name = each.key }
}

resource "aws_vpc_security_group_ingress_rule" "from_outside" {
  for_each = local.from_outside

  security_group_id = aws_security_group.this["controller"].id
  cidr_ipv4         = each.value.cidr == "::/0" ? null : each.value.cidr
  cidr_ipv6         = each.value.cidr == "::/0" ? each.value.cidr : null
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  description       = "Edge: HAProxy"
}

resource "aws_vpc_security_group_egress_rule" "all" {
  for_each = {
    for pair in setproduct(local.both, ["0.0.0.0/0", "::/0"]) :
    "${pair[0]}-to-${pair[1]}" => { group = pair[0], cidr = pair[1] }
  }

  security_group_id = aws_security_group.this[each.value.group].id
  cidr_ipv4         = each.value.cidr == "::/0" ? null : each.value.cidr
  cidr_ipv6         = each.value.cidr == "::/0" ? each.value.cidr : null
  ip_protocol       = "-1"
  description       = "Way out"
}
