# A worker: the public address that the subnet gives it is its way out; no rule lets anything from
# outside in.

resource "aws_instance" "this" {
  ami                    = var.ami
  instance_type          = var.instance_type
  iam_instance_profile   = var.instance_profile
  subnet_id              = var.subnet_id
  vpc_security_group_ids = var.security_groups
  user_data              = var.user_data

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
    Name             = "jeeves-rocketchat-${var.name}"
    "jeeves:cluster" = var.cluster
    "jeeves:node"    = var.name
    "jeeves:role"    = "worker"
  }

  # A new Ubuntu image or other first-boot data is for new nodes; this one is kept right by its agent.
  lifecycle {
    ignore_changes = [ami, user_data, user_data_base64]
  }
}
