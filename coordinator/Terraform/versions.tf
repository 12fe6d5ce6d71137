terraform {
  required_version = ">= 1.9.0, < 2.0.0" # 1.9: a validation may refer to another variable

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {
  region = var.region

  # Whatever carries this tag and is not in the state was left behind by an interrupted apply.
  default_tags {
    tags = { "jeeves:cluster" = var.cluster }
  }
}
