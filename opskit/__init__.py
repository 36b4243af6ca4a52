"""opskit looks before it leaps into Amazon SageMaker: quotas first, then the run, then the lights off."""

__version__ = "0.1.0"
