"""Service quotas of SageMaker: is there room?"""
