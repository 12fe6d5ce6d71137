output "instance_id" {
  description = "EC2 instance id."
  value       = aws_instance.this.id
}

output "private_ip" {
  description = "Fixed address inside the subnet, for coordinator_addresses."
  value       = var.private_ip
}
