"""SageMaker's quotas: their values, what counts against them, requests for more, and the APIs that tell of them."""
