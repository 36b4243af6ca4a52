"""Templates, plans and definitions as public examples have them: their types, numbers and shapes, each with the verdict
that was found by hand, in an account with room for four of everything.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.public_requests import ROLE, Needs, job, one, tuning, variant


def parameter(name: str, default: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Integer" if isinstance(default, int) else "String", "DefaultValue": default}


def get(name: str) -> dict[str, str]:
    return {"Get": f"Parameters.{name}"}


def abalone_step(name: str, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


PROCESSED = {"Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
TRAINED = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
SCORE = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "mse.value"}}
PIPELINE = {
    "Version": "2020-12-01",
    "Parameters": [
        parameter("ProcessingCount", 1),
        parameter("ProcessingType", "ml.m5.xlarge"),
        parameter("TrainingType", "ml.m5.xlarge"),
    ],
    "Steps": [
        abalone_step(
            "Preprocess",
            "Processing",
            {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceType": get("ProcessingType"), "InstanceCount": get("ProcessingCount")}
                }
            },
        ),
        abalone_step(
            "Train",
            "Training",
            {
                "ResourceConfig": {"InstanceType": get("TrainingType"), "InstanceCount": 1},
                "InputDataConfig": [{"DataSource": PROCESSED}],
            },
        ),
        abalone_step(
            "Evaluate",
            "Processing",
            {
                "ProcessingResources": {"ClusterConfig": one("ml.m5.xlarge")},
                "ProcessingInputs": [{"S3Input": {"S3Uri": TRAINED}}],
            },
        ),
        abalone_step(
            "MSECond",
            "Condition",
            {
                "Conditions": [{"Type": "LessThanOrEqualTo", "LeftValue": SCORE, "RightValue": 6.0}],
                "IfSteps": [
                    abalone_step("Register", "RegisterModel", {"ModelPackageGroupName": "abalone"}),
                    abalone_step("Create", "Model", {"ExecutionRoleArn": ROLE}),
                    abalone_step("Transform", "Transform", {"TransformResources": one("ml.m5.xlarge")}),
                ],
                "ElseSteps": [],
            },
        ),
    ],
}
LMI = """
Parameters:
  InstanceType: {Type: String, Default: ml.g5.2xlarge}
  InitialInstanceCount: {Type: Number, Default: 1}
  MaxInstanceCount: {Type: Number, Default: 4}
Resources:
  Model:
    Type: AWS::SageMaker::Model
    Properties:
      ModelName: !Sub "${AWS::StackName}-model"
      PrimaryContainer: {Image: !Sub "763104351884.dkr.ecr.${AWS::Region}.amazonaws.com/djl-inference:0.28.0-lmi"}
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      EndpointConfigName: !Sub "${AWS::StackName}-config"
      ProductionVariants:
        - VariantName: AllTraffic
          ModelName: !GetAtt Model.ModelName
          InstanceType: !Ref InstanceType
          InitialInstanceCount: !Ref InitialInstanceCount
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: !GetAtt Config.EndpointConfigName}
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      MaxCapacity: !Ref MaxInstanceCount
      MinCapacity: !Ref InitialInstanceCount
      ServiceNamespace: sagemaker
"""
STAGES = """
Parameters:
  Stage: {Type: String, AllowedValues: [dev, stg, prod], Default: dev}
  InstanceType: {Type: String, Default: ml.m5.xlarge}
Mappings:
  StageMap:
    dev: {Count: 1}
    stg: {Count: 2}
    prod: {Count: 6}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - ModelName: model
          InitialInstanceCount: !FindInMap [StageMap, !Ref Stage, Count]
          InstanceType: !Ref InstanceType
          VariantName: AllTraffic
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: !GetAtt Config.EndpointConfigName}
  Lab:
    Type: AWS::SageMaker::NotebookInstance
    Condition: IsProd
    Properties: {InstanceType: ml.t3.medium, RoleArn: role}
"""
SERVERLESS = """
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - {VariantName: AllTraffic, ModelName: m, ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048}}
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: !Ref Config}
"""
JSON_TEMPLATE = {
    "Mappings": {"RegionMap": {"us-east-1": {"NullTransformer": "image"}}},
    "Resources": {
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]}},
        },
        "EndpointConfig": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        **variant("ml.t2.large"),
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "VariantName": {"Fn::GetAtt": ["Model", "ModelName"]},
                    }
                ]
            },
        },
        # The function lacks an argument, which is none of the guard's business.
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"PrimaryContainer": {"Image": {"Fn::FindInMap": ["AWS::Region", "NullTransformer"]}}},
        },
    },
}


def task(action: str, parameters: dict[str, Any], following: str | None) -> dict[str, Any]:
    goes_on: dict[str, Any] = {"End": True} if following is None else {"Next": following}
    return {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{action}", "Parameters": parameters, **goes_on}


MACHINE = {
    "StartAt": "TrainJob",
    "States": {
        "TrainJob": task("createTrainingJob.sync", job(one("ml.m5.large"), 600), "Model"),
        "Model": task("createModel", {"ModelName.$": "$.name", "ExecutionRoleArn": ROLE}, "Config"),
        "Config": task(
            "createEndpointConfig",
            {"EndpointConfigName": "churn", "ProductionVariants": [variant("ml.t2.medium", VariantName="v")]},
            "Endpoint",
        ),
        "Endpoint": task("createEndpoint", {"EndpointName.$": "$.name", "EndpointConfigName": "churn"}, None),
    },
}
CHOICE = {
    "StartAt": "CheckTuningEnabled",
    "States": {
        "CheckTuningEnabled": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.tune", "BooleanEquals": True, "Next": "Tune"}],
            "Default": "Train",
        },
        "Tune": task("createHyperParameterTuningJob.sync", tuning(20, 3, job(one("ml.m5.2xlarge"))), None),
        "Train": task("createTrainingJob.sync", job({"InstanceType.$": "$.type", "InstanceCount": 1}), None),
    },
}


def planned(kind: str, name: str, after: dict[str, Any], unknown: dict[str, Any] | None = None) -> dict[str, Any]:
    change = {"actions": ["create"], "before": None, "after": after, "after_unknown": unknown or {}}
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "change": change}


FRAUD = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "resource_changes": [
        planned("aws_sagemaker_notebook_instance", "n", {"name": "n", "instance_type": "ml.t2.medium"}),
        planned(
            "aws_sagemaker_endpoint_configuration",
            "c",
            {
                "name": "fraud",
                "production_variants": [
                    {"variant_name": "v", "instance_type": "ml.m5.large", "initial_instance_count": 1}
                ],
            },
        ),
        planned("aws_sagemaker_endpoint", "e", {"name": "fraud", "endpoint_config_name": "fraud"}),
    ],
}
LATER = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "resource_changes": [
        planned("aws_sagemaker_notebook_instance", "n", {"name": "n"}, {"instance_type": True}),
    ],
}

PLANS: list[tuple[str, Any, tuple[str, ...], int, Needs]] = [
    ("an LLM with autoscaling", LMI, (), 0, [("ml.g5.2xlarge", "endpoint", 1)]),
    ("a template's first stage", STAGES, (), 0, [("ml.m5.xlarge", "endpoint", 1)]),
    (
        "a template's last stage",
        STAGES,
        ("--parameter", "Stage=prod"),
        3,
        [("ml.m5.xlarge", "endpoint", 6), ("ml.t3.medium", "notebook", 1)],
    ),
    ("a serverless endpoint of 20 at once", SERVERLESS, (), 3, []),
    ("a template in JSON", JSON_TEMPLATE, (), 0, [("ml.t2.large", "endpoint", 1)]),
    (
        "the pipeline of the SDK's first example",
        PIPELINE,
        (),
        0,
        [
            ("ml.m5.xlarge", "processing", 1),
            ("ml.m5.xlarge", "training", 1),
            ("ml.m5.xlarge", "processing", 1),
            ("ml.m5.xlarge", "transform", 1),
        ],
    ),
    (
        "the same with other values",
        PIPELINE,
        ("--parameter", "ProcessingCount=5"),
        3,
        [
            ("ml.m5.xlarge", "processing", 5),
            ("ml.m5.xlarge", "training", 1),
            ("ml.m5.xlarge", "processing", 1),
            ("ml.m5.xlarge", "transform", 1),
        ],
    ),
    (
        "train, and deploy what was trained",
        MACHINE,
        (),
        0,
        [("ml.m5.large", "training", 1), ("ml.t2.medium", "endpoint", 1)],
    ),
    ("a type that the input names", CHOICE, (), 5, [("ml.m5.2xlarge", "training", 3)]),
    ("Terraform, all known", FRAUD, (), 0, [("ml.m5.large", "endpoint", 1), ("ml.t2.medium", "notebook", 1)]),
    ("Terraform, known after apply", LATER, (), 5, []),
]
