variable "cluster" {
  description = "Name of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]{1,63}$", var.cluster))
    error_message = "cluster must be 1 to 63 of a-z, 0-9 and -."
  }
}

variable "name" {
  description = "Name of the node: its host name and its identity."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "name must be 1 to 63 of a-z, 0-9 and -, starting and ending with a letter or digit."
  }
}

variable "ami" {
  description = "Image that the instance is first made from; a later one never replaces it."
  type        = string

  validation {
    condition     = var.ami != ""
    error_message = "ami must be an image id."
  }
}

variable "instance_type" {
  description = "EC2 instance type."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type must be an EC2 instance type, such as t3.large."
  }
}

variable "disk_gib" {
  description = "Size of the encrypted root volume in GiB."
  type        = number

  validation {
    condition     = var.disk_gib >= 8 && var.disk_gib <= 16384
    error_message = "disk_gib must be from 8 to 16384 (gp3's largest)."
  }
}

variable "subnet_id" {
  description = "Subnet with a way out."
  type        = string

  validation {
    condition     = var.subnet_id != ""
    error_message = "subnet_id must not be empty."
  }
}

variable "private_ip" {
  description = "Fixed address inside the subnet."
  type        = string

  validation {
    condition     = can(cidrhost("${var.private_ip}/32", 0))
    error_message = "private_ip must be an IPv4 address."
  }
}

variable "security_groups" {
  description = "Ids of the instance's security groups."
  type        = list(string)

  validation {
    condition     = length(var.security_groups) > 0
    error_message = "security_groups must name a group: without one AWS takes the VPC's default."
  }
}

variable "instance_profile" {
  description = "Name of the instance profile that the node proves itself with."
  type        = string

  validation {
    condition     = var.instance_profile != ""
    error_message = "instance_profile must not be empty."
  }
}

variable "user_data" {
  description = "cloud-init's user data; anybody on the instance can read it, so it holds no secret."
  type        = string

  validation {
    condition     = length(var.user_data) < 16384
    error_message = "user_data must be smaller than 16 KiB, EC2's limit."
  }
}
