"""Checks SageMaker quotas, asks for increases, trains and deploys within them, and stops what is idle."""

DISTRIBUTION = "sagemaker-opskit"
"""What pip calls opskit. The distribution `opskit` is another project's, with the same command and package folder."""

__version__ = "0.1.0"
