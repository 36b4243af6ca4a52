"""opskit looks before it leaps into Amazon SageMaker: quotas first, then the run, then the lights off."""

DISTRIBUTION = "sagemaker-opskit"
"""What pip calls opskit. The distribution `opskit` is another project's, with the same command and package folder."""

__version__ = "0.1.0"
