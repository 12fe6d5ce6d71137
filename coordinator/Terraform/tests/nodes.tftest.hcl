# What a node is made of, and that nothing but a person replaces it.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  cluster               = "chat"
  region                = "eu-central-1"
  cidr                  = "10.42.0.0/16"
  root_pin              = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
  coordinator_addresses = ["coordinator.example.org:7443", "[2001:db8::1]:7443"]
  agent_package_url     = "http://coordinator.example.org:7480/jeeves-agent.deb"
  agent_package_sha256  = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
  controllers = {
    controller-1  = { instance_type = "t3.large", disk_gib = 40, ami = "ami-0c0ffee2404000001" }
    controller-2  = { instance_type = "t3.large", disk_gib = 40, ami = "ami-0c0ffee2404000001" }
    controller-10 = { instance_type = "t3.large", disk_gib = 40, ami = "ami-0c0ffee2404000001" }
  }
  workers = {
    worker-1 = { instance_type = "t3.large", disk_gib = 40, ami = "" }
  }

  # The same for the runs of single modules.
  name             = "worker-1"
  ami              = "ami-0c0ffee2404000001"
  instance_type    = "t3.large"
  disk_gib         = 40
  subnet_id        = "subnet-1"
  security_groups  = ["sg-1"]
  instance_profile = "profile"
  private_ip       = "10.42.0.10"
  user_data        = "#cloud-config\n"
  vpc_id           = "vpc-1"
  node_groups      = { controller = "sg-1", worker = "sg-2" }
  policy_arns      = {}
}

# Every condition here is known at plan time, or this run fails: user data that waits for another
# resource would replace nodes (terraform-provider-aws #35066).
run "user_data" {
  command = plan

  assert {
    condition = alltrue([
      for text in values(local.user_data) : startswith(text, "#cloud-config\n") && length(text) < 16384
    ])
    error_message = "user data is a cloud-config below EC2's 16 KiB"
  }

  assert {
    condition = {
      for file in yamldecode(local.user_data["controller-2"]).write_files : file.path => file.content
      }["/etc/jeeves/agent.json"] == jsonencode({
        cluster      = "chat"
        node         = "controller-2"
        region       = "eu-central-1"
        pin          = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
        coordinators = ["coordinator.example.org:7443", "[2001:db8::1]:7443"]
    })
    error_message = "agent.json holds who the node is, whom it trusts and where to dial, and nothing else"
  }

  assert {
    condition = [for file in yamldecode(local.user_data["worker-1"]).write_files : "${file.path} ${file.permissions}"] == [
      "/etc/jeeves/agent.json 0644",
      "/etc/jeeves/install.env 0644",
      "/usr/local/lib/jeeves/install 0755",
      "/etc/systemd/system/jeeves-install.service 0644",
    ]
    error_message = "first boot writes four files"
  }

  assert {
    condition = alltrue([
      for index, content in { 2 = file("cloud-init/install"), 3 = file("cloud-init/jeeves-install.service") } :
      yamldecode(local.user_data["worker-1"]).write_files[index].content == content
    ])
    error_message = "the script and the unit arrive byte for byte"
  }

  assert {
    condition     = yamldecode(local.user_data["worker-1"]).hostname == "worker-1"
    error_message = "the host name is the node's name"
  }

  assert {
    condition = { for name, node in output.nodes : name => node.private_ip if node.role == "controller" } == {
      controller-1 = "10.42.0.10", controller-2 = "10.42.0.11", controller-10 = "10.42.0.19"
    }
    error_message = "a controller's address follows from its number alone"
  }
}

run "cluster" {
  command = apply

  assert {
    condition = jsondecode(aws_iam_role.node.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
    error_message = "only EC2 may assume the nodes' role"
  }

  assert {
    condition     = aws_iam_instance_profile.node.role == aws_iam_role.node.name && output.role_name == aws_iam_role.node.name
    error_message = "the profile carries that role"
  }

  assert {
    condition     = length(output.nodes) == 4 && output.account_id == "123456789012" && length(module.coordinator) == 0
    error_message = "four nodes and no coordinator"
  }

  assert {
    condition     = length(data.aws_ami.ubuntu) == 1
    error_message = "Canonical's image is looked up for the node that names none"
  }
}

run "named_images" {
  command = plan
  variables {
    workers = { worker-1 = { instance_type = "t3.large", disk_gib = 40, ami = "ami-0c0ffee2404000001" } }
  }

  assert {
    condition     = length(data.aws_ami.ubuntu) == 0
    error_message = "no image is looked up if every node names one"
  }
}

run "controller" {
  command = apply
  module {
    source = "./modules/controller"
  }
  variables {
    name = "controller-1"
  }

  assert {
    condition = (
      aws_instance.this.metadata_options[0].http_tokens == "required"
      && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
      && aws_instance.this.metadata_options[0].http_endpoint == "enabled"
    )
    error_message = "IMDSv2 is required, one hop away"
  }

  assert {
    condition = (
      aws_instance.this.root_block_device[0].encrypted
      && aws_instance.this.root_block_device[0].volume_type == "gp3"
      && aws_instance.this.root_block_device[0].volume_size == 40
    )
    error_message = "the root volume is encrypted gp3"
  }

  assert {
    condition = aws_instance.this.tags == tomap({
      Name             = "jeeves-rocketchat"
      "jeeves:cluster" = "chat"
      "jeeves:node"    = "controller-1"
      "jeeves:role"    = "controller"
    })
    error_message = "a controller is found by its tags"
  }

  assert {
    condition = (
      toset(aws_network_interface.this.private_ips) == toset(["10.42.0.10"])
      && toset(aws_network_interface.this.security_groups) == toset(["sg-1"])
      && one(aws_instance.this.network_interface).network_interface_id == aws_network_interface.this.id
      && aws_eip_association.this.network_interface_id == aws_network_interface.this.id
      && aws_eip_association.this.allocation_id == aws_eip.this.id
    )
    error_message = "both addresses stay with the network interface"
  }
}

run "worker" {
  command = apply
  module {
    source = "./modules/worker"
  }

  assert {
    condition = (
      aws_instance.this.metadata_options[0].http_tokens == "required"
      && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
      && aws_instance.this.root_block_device[0].encrypted
      && aws_instance.this.root_block_device[0].volume_type == "gp3"
    )
    error_message = "a worker is as closed as a controller"
  }

  assert {
    condition = (
      aws_instance.this.subnet_id == "subnet-1"
      && toset(aws_instance.this.vpc_security_group_ids) == toset(["sg-1"])
    )
    error_message = "a worker is in the subnet with a way out, and in its own group only"
  }

  assert {
    condition = aws_instance.this.tags == tomap({
      Name             = "jeeves-rocketchat-worker-1"
      "jeeves:cluster" = "chat"
      "jeeves:node"    = "worker-1"
      "jeeves:role"    = "worker"
    })
    error_message = "a worker is found by its tags"
  }
}

run "worker_with_other_first_boot" {
  command = apply
  module {
    source = "./modules/worker"
  }
  variables {
    user_data = "#cloud-config\nhostname: other\n"
    ami       = "ami-0c0ffee2404000002"
  }

  assert {
    condition = (
      output.instance_id == run.worker.instance_id
      && aws_instance.this.ami == "ami-0c0ffee2404000001"
      && !strcontains(aws_instance.this.user_data, "other")
    )
    error_message = "neither a new image nor other user data replaces a node"
  }
}

run "controller_with_other_first_boot" {
  command = apply
  module {
    source = "./modules/controller"
  }
  variables {
    name      = "controller-1"
    user_data = "#cloud-config\nhostname: other\n"
    ami       = "ami-0c0ffee2404000002"
  }

  assert {
    condition = (
      output.instance_id == run.controller.instance_id && output.public_ip == run.controller.public_ip
      && aws_instance.this.ami == "ami-0c0ffee2404000001"
      && !strcontains(aws_instance.this.user_data, "other")
    )
    error_message = "neither a new image nor other user data replaces a controller or its address"
  }
}

run "coordinator" {
  command = apply
  module {
    source = "./modules/coordinator"
  }
  variables {
    private_ip = "10.42.0.9"
  }

  assert {
    condition = toset([
      for rule in aws_vpc_security_group_ingress_rule.from_nodes :
      "${rule.from_port}-${rule.to_port}/${rule.ip_protocol} ${rule.referenced_security_group_id}"
    ]) == toset(["7443-7443/tcp sg-1", "7443-7443/tcp sg-2", "7480-7480/tcp sg-1", "7480-7480/tcp sg-2"])
    error_message = "only nodes reach the coordinator"
  }

  assert {
    condition = (
      aws_instance.this.metadata_options[0].http_tokens == "required"
      && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
      && aws_instance.this.root_block_device[0].encrypted
      && toset(aws_network_interface.this.private_ips) == toset(["10.42.0.9"])
      && length(aws_iam_role_policy_attachment.this) == 0
    )
    error_message = "the coordinator's instance is as closed as a node"
  }
}
