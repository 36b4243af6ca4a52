"""What runs in SageMaker and bills, its price and its owner."""
