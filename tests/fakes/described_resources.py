"""What SageMaker describes of the resources that requests name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit.guards.rules.request_model import NotDescribed

DAY = 86400
M5 = "ml.m5.xlarge"
CONFIG = {"ProductionVariants": [{"VariantName": "a", "InstanceType": M5, "InitialInstanceCount": 2}]}
DESCRIBED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("describe_endpoint_config", "one"): CONFIG,
    ("describe_endpoint_config", "shadow"): {
        **CONFIG,
        "ShadowProductionVariants": [{"VariantName": "b", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1}],
    },
    ("describe_endpoint_config", "pools"): {
        "ProductionVariants": [
            {
                "VariantName": "a",
                "InitialInstanceCount": 3,
                "InstancePools": [
                    {"InstanceType": M5, "Priority": 1},
                    {"InstanceType": "ml.c5.large", "Priority": 2},
                ],
            }
        ]
    },
    ("describe_endpoint_config", "scaling"): {
        "ProductionVariants": [
            {
                "VariantName": "a",
                "InstanceType": M5,
                "InitialInstanceCount": 1,
                "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4},
            }
        ]
    },
    ("describe_endpoint_config", "serverless"): {
        "ProductionVariants": [{"VariantName": "a", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5}}]
    },
    ("describe_endpoint_config", "provisioned"): {
        "ProductionVariants": [
            {
                "VariantName": "a",
                "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5, "ProvisionedConcurrency": 2},
            }
        ]
    },
    ("describe_endpoint", "e"): {
        "EndpointConfigName": "one",
        "ProductionVariants": [{"VariantName": "a", "CurrentInstanceCount": 2, "DesiredInstanceCount": 5}],
    },
    ("describe_endpoint", "grows"): {
        "EndpointConfigName": "scaling",
        "ProductionVariants": [{"VariantName": "a", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}],
    },
    ("describe_notebook_instance", "n"): {"InstanceType": "ml.t3.medium", "VolumeSizeInGB": 20},
    ("describe_training_job", "j"): {"ResourceConfig": {"InstanceType": M5, "InstanceCount": 2}},
    ("describe_cluster", "c"): {
        "InstanceGroups": [{"InstanceGroupName": "g", "InstanceType": M5, "CurrentCount": 2, "TargetCount": 3}]
    },
    ("describe_space", "d"): {
        "SpaceSettings": {"JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.t3.large"}}}
    },
    ("describe_monitoring_schedule", "s"): {
        "MonitoringScheduleConfig": {"MonitoringJobDefinitionName": "q", "MonitoringType": "DataQuality"}
    },
    ("describe_data_quality_job_definition", "q"): {
        "JobResources": {"ClusterConfig": {"InstanceType": M5, "InstanceCount": 1}},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    },
}


def describe(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    name = next(iter(params.values()))
    try:
        return DESCRIBED[operation, name]
    except KeyError:
        raise NotDescribed(f"Could not find {name}.") from None
