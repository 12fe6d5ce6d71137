# One public subnet in a VPC of its own. Who may talk to whom is in security.tf.

locals {
  prefix = tonumber(split("/", var.cidr)[1])
  # A sixteenth of the VPC, but never less than a /24: a /24 gives all of itself.
  subnet_cidr = cidrsubnet(var.cidr, min(4, 24 - local.prefix), 0)
  subnet_bits = tonumber(split("/", local.subnet_cidr)[1])
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.cluster }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = var.cluster }
}

# The way out of a worker is its own public address, given here and not at the instance: there, a
# stopped instance, which has none, would be replaced.
resource "aws_subnet" "public" {
  vpc_id                  = aws_vpc.this.id
  cidr_block              = local.subnet_cidr
  map_public_ip_on_launch = true
  tags                    = { Name = "${var.cluster}-public" }
}

# Addresses .8 to .31 go only to whoever asks for one by name (the coordinator .9, controllers from
# .10), so a worker never holds the address of a controller that is added later.
resource "aws_ec2_subnet_cidr_reservation" "fixed" {
  for_each = toset([
    cidrsubnet(local.subnet_cidr, 29 - local.subnet_bits, 1),
    cidrsubnet(local.subnet_cidr, 28 - local.subnet_bits, 1),
  ])

  subnet_id        = aws_subnet.public.id
  cidr_block       = each.key
  reservation_type = "explicit"
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.cluster}-public" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  subnet_id      = aws_subnet.public.id
  route_table_id = aws_route_table.public.id
}
