variable "cluster" {
  description = "Name of the cluster, one DNS label. Part of every tag."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.cluster))
    error_message = "cluster must be 1 to 63 of a-z, 0-9 and -, starting and ending with a letter or digit."
  }
}

variable "region" {
  description = "AWS region of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as eu-central-1."
  }
}

variable "cidr" {
  description = "IPv4 network of the VPC, /16 to /24. Its first subnet holds the nodes."
  type        = string

  validation {
    condition     = can(regex("/(1[6-9]|2[0-4])$", var.cidr)) && can(cidrhost(var.cidr, 0))
    error_message = "cidr must be an IPv4 network from /16 to /24, such as 10.42.0.0/16."
  }

  validation {
    condition     = try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "cidr must start at the first address of its network: 10.42.0.0/16, not 10.42.0.1/16."
  }
}

variable "controllers" {
  description = "Controllers by node name, controller-1 to controller-20. The number chooses the address."
  type = map(object({
    instance_type = string
    disk_gib      = number
    ami           = string # empty: the newest Ubuntu 24.04 of Canonical
  }))

  validation {
    condition     = length(var.controllers) > 0
    error_message = "controllers must name at least one node, such as controller-1."
  }

  validation {
    condition = alltrue([
      for name in keys(var.controllers) : can(regex("^controller-([1-9]|1[0-9]|20)$", name))
    ])
    error_message = "controllers must be named controller-1 to controller-20."
  }

  validation {
    condition = alltrue([
      for node in values(var.controllers) : can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", node.instance_type))
    ])
    error_message = "controllers: instance_type must be an EC2 instance type, such as t3.large."
  }

  validation {
    condition = alltrue([
      for node in values(var.controllers) : node.disk_gib >= 8 && node.disk_gib <= 16384
    ])
    error_message = "controllers: disk_gib must be from 8 to 16384 (gp3's largest)."
  }

  validation {
    condition = alltrue([
      for node in values(var.controllers) : can(regex("^(ami-[0-9a-f]{8,17})?$", node.ami))
    ])
    error_message = "controllers: ami must be an image id, such as ami-0c0ffee2404000001, or empty."
  }
}

variable "workers" {
  description = "Workers by node name, worker-1 and up."
  type = map(object({
    instance_type = string
    disk_gib      = number
    ami           = string # empty: the newest Ubuntu 24.04 of Canonical
  }))
  default = {}

  validation {
    condition = alltrue([
      for name in keys(var.workers) : can(regex("^worker-[1-9][0-9]{0,2}$", name))
    ])
    error_message = "workers must be named worker-1 to worker-999."
  }

  validation {
    condition = alltrue([
      for node in values(var.workers) : can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", node.instance_type))
    ])
    error_message = "workers: instance_type must be an EC2 instance type, such as t3.large."
  }

  validation {
    condition = alltrue([
      for node in values(var.workers) : node.disk_gib >= 8 && node.disk_gib <= 16384
    ])
    error_message = "workers: disk_gib must be from 8 to 16384 (gp3's largest)."
  }

  validation {
    condition = alltrue([
      for node in values(var.workers) : can(regex("^(ami-[0-9a-f]{8,17})?$", node.ami))
    ])
    error_message = "workers: ami must be an image id, such as ami-0c0ffee2404000001, or empty."
  }
}

variable "root_pin" {
  description = "SHA-256 of the cluster root certificate's DER, in hexadecimal. Agents trust nothing else."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.root_pin))
    error_message = "root_pin must be 64 lower-case hexadecimal digits."
  }
}

variable "coordinator_addresses" {
  description = "host:port under which agents reach the coordinator, tried in order."
  type        = list(string)

  validation {
    condition     = length(var.coordinator_addresses) >= 1 && length(var.coordinator_addresses) <= 16
    error_message = "coordinator_addresses must hold 1 to 16 addresses."
  }

  validation {
    condition = alltrue([
      for address in var.coordinator_addresses :
      can(regex("^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\]):[1-9][0-9]{0,4}$", address))
    ])
    error_message = "coordinator_addresses must be host:port, such as coordinator.example.org:7443."
  }
}

variable "agent_package_url" {
  description = "Where first boot fetches the Debian package of jeeves-agent. May be plain HTTP: its SHA-256 is checked."
  type        = string

  validation {
    # No quote, blank or $: the value is written to an environment file as it is.
    condition     = can(regex("^https?://[A-Za-z0-9._~:/?#@!&()*+,;=%\\[\\]-]+$", var.agent_package_url))
    error_message = "agent_package_url must be an http or https URL without quotes and blanks."
  }
}

variable "agent_package_sha256" {
  description = "SHA-256 of that package, in hexadecimal."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.agent_package_sha256))
    error_message = "agent_package_sha256 must be 64 lower-case hexadecimal digits."
  }
}

variable "coordinator_instance" {
  description = "Whether a small instance that runs `jeeves serve` is made in the same subnet."
  type        = bool
  default     = false
}

variable "coordinator" {
  description = "The coordinator's instance; read only if coordinator_instance is true."
  type = object({
    instance_type  = optional(string, "t3.medium") # Terraform and its provider need 2 GiB by themselves
    disk_gib       = optional(number, 20)
    ami            = optional(string, "")
    package_url    = optional(string, "")
    package_sha256 = optional(string, "")
    policy_arns    = optional(map(string), {}) # what the coordinator may do, by a name of your choice
  })
  default = {}

  validation {
    condition = !var.coordinator_instance || can(regex(
      "^https?://[A-Za-z0-9._~:/?#@!&()*+,;=%\\[\\]-]+$", var.coordinator.package_url
    ))
    error_message = "coordinator.package_url must be the http or https URL of the package of jeeves."
  }

  validation {
    condition     = !var.coordinator_instance || can(regex("^[0-9a-f]{64}$", var.coordinator.package_sha256))
    error_message = "coordinator.package_sha256 must be 64 lower-case hexadecimal digits."
  }

  validation {
    condition     = var.coordinator.disk_gib >= 8 && var.coordinator.disk_gib <= 16384
    error_message = "coordinator.disk_gib must be from 8 to 16384 (gp3's largest)."
  }
}
