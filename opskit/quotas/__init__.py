"""SageMaker's service quotas: check them against requirements, and list all of them."""
