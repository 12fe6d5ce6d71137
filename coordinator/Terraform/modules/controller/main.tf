# A controller: both addresses belong to the network interface and not to the instance, so a
# replaced controller comes back under the same ones.

resource "aws_network_interface" "this" {
  subnet_id       = var.subnet_id
  private_ips     = [var.private_ip]
  security_groups = var.security_groups
  tags            = { Name = "${var.cluster}-${var.name}" }
}

resource "aws_eip" "this" {
  domain = "vpc"
  tags   = { Name = "${var.cluster}-${var.name}" }
}

resource "aws_eip_association" "this" {
  network_interface_id = aws_network_interface.this.id
  allocation_id        = aws_eip.this.id
}

resource "aws_instance" "this" {
  ami                  = var.ami
  instance_type        = var.instance_type
  iam_instance_profile = var.instance_profile
  user_data            = var.user_data

  network_interface {
    device_index         = 0
    network_interface_id = aws_network_interface.this.id
  }

  # Version 2 only and one hop: no container reaches the node's credentials.
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
    Name             = "jeeves-rocketchat"
    "jeeves:cluster" = var.cluster
    "jeeves:node"    = var.name
    "jeeves:role"    = "controller"
  }

  # A new Ubuntu image or other first-boot data is for new nodes; this one is kept right by its agent.
  lifecycle {
    ignore_changes = [ami, user_data, user_data_base64]
  }

  # First boot fetches the agent: the way out must be there.
  depends_on = [aws_eip_association.this]
}
