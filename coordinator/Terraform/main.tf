# The cluster's machines and nothing above them: what runs on a node is the agent's business, DNS and
# Kubernetes are the coordinator's.

data "aws_caller_identity" "current" {}

# The newest Ubuntu 24.04 of Canonical, looked up only if some node names no image.
data "aws_ami" "ubuntu" {
  count       = anytrue([for node in local.machines : node.ami == ""]) ? 1 : 0
  owners      = ["099720109477"]
  most_recent = true

  filter {
    name   = "name"
    values = ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"]
  }

  filter {
    name   = "virtualization-type"
    values = ["hvm"]
  }
}

locals {
  nodes    = merge(var.controllers, var.workers)
  machines = concat(values(local.nodes), var.coordinator_instance ? [var.coordinator] : [])
  ubuntu   = one(data.aws_ami.ubuntu[*].id)

  # Known at plan time and the same at every plan: nothing in it comes from another resource.
  user_data = {
    for name in keys(local.nodes) : name => templatefile("${path.module}/cloud-init/user-data.yaml.tftpl", {
      hostname = name
      package  = "jeeves-agent"
      url      = var.agent_package_url
      sha256   = var.agent_package_sha256
      install  = file("${path.module}/cloud-init/install")
      unit     = file("${path.module}/cloud-init/jeeves-install.service")
      files = {
        "/etc/jeeves/agent.json" = jsonencode({
          cluster      = var.cluster
          node         = name
          region       = var.region
          pin          = var.root_pin
          coordinators = var.coordinator_addresses
        })
      }
    })
  }
}

module "network" {
  source = "./modules/network"

  cluster = var.cluster
  cidr    = var.cidr
}

module "controller" {
  source   = "./modules/controller"
  for_each = var.controllers

  cluster          = var.cluster
  name             = each.key
  ami              = each.value.ami == "" ? local.ubuntu : each.value.ami
  instance_type    = each.value.instance_type
  disk_gib         = each.value.disk_gib
  subnet_id        = module.network.subnet_id
  private_ip       = cidrhost(module.network.subnet_cidr, 9 + tonumber(trimprefix(each.key, "controller-")))
  security_groups  = [module.network.security_groups.controller]
  instance_profile = aws_iam_instance_profile.node.name
  user_data        = local.user_data[each.key]
}

module "worker" {
  source   = "./modules/worker"
  for_each = var.workers

  cluster          = var.cluster
  name             = each.key
  ami              = each.value.ami == "" ? local.ubuntu : each.value.ami
  instance_type    = each.value.instance_type
  disk_gib         = each.value.disk_gib
  subnet_id        = module.network.subnet_id
  security_groups  = [module.network.security_groups.worker]
  instance_profile = aws_iam_instance_profile.node.name
  user_data        = local.user_data[each.key]
}

module "coordinator" {
  source = "./modules/coordinator"
  count  = var.coordinator_instance ? 1 : 0

  cluster       = var.cluster
  ami           = var.coordinator.ami == "" ? local.ubuntu : var.coordinator.ami
  instance_type = var.coordinator.instance_type
  disk_gib      = var.coordinator.disk_gib
  vpc_id        = module.network.vpc_id
  subnet_id     = module.network.subnet_id
  private_ip    = cidrhost(module.network.subnet_cidr, 9)
  node_groups   = module.network.security_groups
  policy_arns   = var.coordinator.policy_arns
  user_data = templatefile("${path.module}/cloud-init/user-data.yaml.tftpl", {
    hostname = "coordinator"
    package  = "jeeves"
    url      = var.coordinator.package_url
    sha256   = var.coordinator.package_sha256
    install  = file("${path.module}/cloud-init/install")
    unit     = file("${path.module}/cloud-init/jeeves-install.service")
    files    = {}
  })
}
