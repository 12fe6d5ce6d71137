output "instance_id" {
  description = "EC2 instance id."
  value       = aws_instance.this.id
}

output "private_ip" {
  description = "Address inside the subnet, kept for the instance's life."
  value       = aws_instance.this.private_ip
}

output "public_ip" {
  description = "Public address; changes when the instance is stopped and started."
  value       = aws_instance.this.public_ip
}
