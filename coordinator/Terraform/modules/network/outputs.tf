output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "subnet_id" {
  description = "The public subnet; known only once it has a way out, so no node boots without one."
  value       = aws_subnet.public.id
  depends_on = [
    aws_route.internet,
    aws_route_table_association.public,
    aws_ec2_subnet_cidr_reservation.fixed,
    aws_vpc_security_group_egress_rule.all,
  ]
}

output "subnet_cidr" {
  description = "Network of the public subnet, known at plan time."
  value       = local.subnet_cidr
}

output "security_groups" {
  description = "Ids of the security groups by role: controller, worker."
  value       = { for role, group in aws_security_group.this : role => group.id }
}
