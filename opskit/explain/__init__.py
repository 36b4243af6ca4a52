"""What an error of SageMaker's means, and what helps."""
