output "instance_id" {
  description = "EC2 instance id."
  value       = aws_instance.this.id
}

output "private_ip" {
  description = "Fixed address inside the subnet."
  value       = var.private_ip
}

output "public_ip" {
  description = "Elastic address."
  value       = aws_eip.this.public_ip
}
