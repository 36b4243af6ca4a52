terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}
provider "aws" {
  region = "us-east-1"
  access_key = "x"
  secret_key = "x"
  skip_credentials_validation = true
  skip_requesting_account_id = true
  skip_metadata_api_check = true
}
variable "type" { default = "ml.m4.xlarge" }
resource "aws_sagemaker_endpoint_configuration" "c" {
  production_variants {
    variant_name = "a"
    model_name = "m"
    instance_type = var.type
    initial_instance_count = 2
  }
}
resource "aws_sagemaker_endpoint" "e" {
  name = "e"
  endpoint_config_name = aws_sagemaker_endpoint_configuration.c.name
}
resource "aws_sagemaker_notebook_instance" "n" {
  count = 2
  name = "n${count.index}"
  role_arn = "arn:aws:iam::123456789012:role/x"
  instance_type = "ml.t2.medium"
}
resource "aws_sagemaker_endpoint" "other" {
  for_each = toset(["x"])
  name = each.key
  endpoint_config_name = "given-elsewhere"
}
resource "aws_sagemaker_mlflow_tracking_server" "t" {
  tracking_server_name = "t"
  role_arn = "arn:aws:iam::123456789012:role/x"
  artifact_store_uri = "s3://b/p"
}
resource "aws_sagemaker_user_profile" "u" {
  domain_id = "d-1"
  user_profile_name = "u"
}
resource "aws_s3_bucket" "b" {}
