output "nodes" {
  description = "Every node by name; the public address of a controller is its elastic one."
  value = merge(
    {
      for name, node in module.controller : name => {
        role        = "controller"
        instance_id = node.instance_id
        private_ip  = node.private_ip
        public_ip   = node.public_ip
      }
    },
    {
      for name, node in module.worker : name => {
        role        = "worker"
        instance_id = node.instance_id
        private_ip  = node.private_ip
        public_ip   = node.public_ip
      }
    },
  )
}

output "account_id" {
  description = "AWS account that the cluster lives in."
  value       = data.aws_caller_identity.current.account_id
}

output "role_name" {
  description = "Name of the role that nodes prove themselves with."
  value       = aws_iam_role.node.name
}

output "vpc_id" {
  description = "VPC of the cluster."
  value       = module.network.vpc_id
}

output "coordinator_private_ip" {
  description = "Address of the coordinator's instance inside the VPC; null without one."
  value       = one(module.coordinator[*].private_ip)
}
