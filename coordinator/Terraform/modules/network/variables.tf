variable "cluster" {
  description = "Name of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]{1,63}$", var.cluster))
    error_message = "cluster must be 1 to 63 of a-z, 0-9 and -."
  }
}

variable "cidr" {
  description = "IPv4 network of the VPC, /16 to /24."
  type        = string

  validation {
    condition     = can(regex("/(1[6-9]|2[0-4])$", var.cidr)) && can(cidrhost(var.cidr, 0))
    error_message = "cidr must be an IPv4 network from /16 to /24, such as 10.42.0.0/16."
  }
}
