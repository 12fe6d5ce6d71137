# The role of every node. It grants nothing: a node uses it to prove, with a signed
# GetCallerIdentity that needs no permission, which instance it is. Only EC2 may assume it, so the
# session name of such a call is always an instance id.

data "aws_partition" "current" {}

resource "aws_iam_role" "node" {
  name_prefix = "jeeves-${substr(var.cluster, 0, 24)}-" # 38 bytes at most; AWS adds 26
  description = "Identity of the nodes of ${var.cluster}; grants nothing"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.${data.aws_partition.current.dns_suffix}" }
    }]
  })
}

resource "aws_iam_instance_profile" "node" {
  name_prefix = "jeeves-${substr(var.cluster, 0, 24)}-"
  role        = aws_iam_role.node.name
}
