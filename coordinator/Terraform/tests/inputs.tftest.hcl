# Bad input is refused before anything is asked of AWS.

mock_provider "aws" {}

variables {
  cluster               = "chat"
  region                = "eu-central-1"
  cidr                  = "10.42.0.0/16"
  root_pin              = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
  coordinator_addresses = ["coordinator.example.org:7443"]
  agent_package_url     = "http://coordinator.example.org:7480/jeeves-agent.deb"
  agent_package_sha256  = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
  controllers = {
    controller-1 = { instance_type = "t3.large", disk_gib = 40, ami = "ami-0c0ffee2404000001" }
  }
}

run "names_and_networks" {
  command = plan
  variables {
    cluster  = "-chat"
    region   = "Frankfurt"
    cidr     = "10.42.0.0/25"
    root_pin = "00"
  }
  expect_failures = [var.cluster, var.region, var.cidr, var.root_pin]
}

run "network_with_host_bits" {
  command = plan
  variables {
    cidr = "10.42.0.1/16"
  }
  expect_failures = [var.cidr]
}

run "quotes_in_addresses" {
  command = plan
  variables {
    coordinator_addresses = ["coordinator.example.org:7443", "$(reboot):7443"]
    agent_package_url     = "http://coordinator.example.org/\" && reboot"
    agent_package_sha256  = "FFEE"
  }
  expect_failures = [var.coordinator_addresses, var.agent_package_url, var.agent_package_sha256]
}

run "no_coordinator_address" {
  command = plan
  variables {
    coordinator_addresses = []
  }
  expect_failures = [var.coordinator_addresses]
}

run "no_controller" {
  command = plan
  variables {
    controllers = {}
  }
  expect_failures = [var.controllers]
}

run "node_names" {
  command = plan
  variables {
    controllers = { controller-21 = { instance_type = "t3.large", disk_gib = 40, ami = "ami-0c0ffee2404000001" } }
    workers     = { controller-2 = { instance_type = "t3.large", disk_gib = 40, ami = "ami-0c0ffee2404000001" } }
  }
  expect_failures = [var.controllers, var.workers]
}

run "node_sizes" {
  command = plan
  variables {
    controllers = { controller-1 = { instance_type = "large", disk_gib = 40, ami = "ami-0c0ffee2404000001" } }
    workers     = { worker-1 = { instance_type = "t3.large", disk_gib = 4, ami = "ami-0c0ffee2404000001" } }
  }
  expect_failures = [var.controllers, var.workers]
}

run "images" {
  command = plan
  variables {
    controllers = { controller-1 = { instance_type = "t3.large", disk_gib = 40, ami = "ubuntu" } }
  }
  expect_failures = [var.controllers]
}

run "coordinator_without_package" {
  command = plan
  variables {
    coordinator_instance = true
  }
  expect_failures = [var.coordinator]
}
