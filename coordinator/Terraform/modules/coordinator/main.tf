# An optional small instance for `jeeves serve`, for whoever has no host that nodes can reach. Agents
# dial it from inside the VPC; nothing from outside can.

data "aws_partition" "current" {}

resource "aws_security_group" "this" {
  vpc_id      = var.vpc_id
  name        = "${var.cluster}-coordinator"
  description = "Coordinator of ${var.cluster}"
  tags        = { Name = "${var.cluster}-coordinator" }
}

resource "aws_vpc_security_group_ingress_rule" "from_nodes" {
  for_each = {
    for pair in setproduct([7443, 7480], keys(var.node_groups)) :
    "${pair[0]}-from-${pair[1]}" => { port = pair[0], group = var.node_groups[pair[1]] }
  }

  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  tags                         = { Name = each.value.port == 7443 ? "links" : "package" }
}

resource "aws_vpc_security_group_egress_rule" "all" {
  for_each = toset(["0.0.0.0/0", "::/0"])

  security_group_id = aws_security_group.this.id
  cidr_ipv4         = each.key == "::/0" ? null : each.key
  cidr_ipv6         = each.key == "::/0" ? each.key : null
  ip_protocol       = "-1"
  description       = "Way out"
}

resource "aws_iam_role" "this" {
  name_prefix = "jeeves-${substr(var.cluster, 0, 24)}-"
  description = "Coordinator of ${var.cluster}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.${data.aws_partition.current.dns_suffix}" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = var.policy_arns

  role       = aws_iam_role.this.name
  policy_arn = each.value
}

resource "aws_iam_instance_profile" "this" {
  name_prefix = "jeeves-${substr(var.cluster, 0, 24)}-"
  role        = aws_iam_role.this.name
}

# As with a controller, the addresses outlive the instance: agents have been told them.
resource "aws_network_interface" "this" {
  subnet_id       = var.subnet_id
  private_ips     = [var.private_ip]
  security_groups = [aws_security_group.this.id]
  tags            = { Name = "${var.cluster}-coordinator" }
}

resource "aws_eip" "this" {
  domain = "vpc"
  tags   = { Name = "${var.cluster}-coordinator" }
}

resource "aws_eip_association" "this" {
  network_interface_id = aws_network_interface.this.id
  allocation_id        = aws_eip.this.id
}

resource "aws_instance" "this" {
  ami                  = var.ami
  instance_type        = var.instance_type
  iam_instance_profile = aws_iam_instance_profile.this.name
  user_data            = var.user_data

  network_interface {
    device_index         = 0
    network_interface_id = aws_network_interface.this.id
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.disk_gib
    encrypted   = true
  }

  tags = {
    Name             = "jeeves-coordinator"
    "jeeves:cluster" = var.cluster
    "jeeves:role"    = "coordinator"
  }

  lifecycle {
    ignore_changes = [ami, user_data, user_data_base64]
  }

  depends_on = [aws_eip_association.this, aws_vpc_security_group_egress_rule.all]
}
