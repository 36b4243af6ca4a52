"""AWS's texts as people paste them, one or more of each kind of error, and what has to be said of them."""

# ruff: noqa: E501 (AWS's sentences are long)

from __future__ import annotations

CALL = "An error occurred ({}) when calling the {} operation: {}"
QUOTA = (
    "The account-level service limit {} is {} {u}, with current utilization of {} {u} and a request delta of {} {u}."
)


def quota(name: str, *numbers: int | str, unit: str = "Instances") -> str:
    return QUOTA.format(name, *numbers, u=unit)


# The kind, a text of it, what has to be said of it, and what must not.
CASES: list[tuple[str, str, list[str], list[str]]] = [
    # quotas: old wordings, other families, damaged numbers
    ("quota-short", quota("for endpoint/ml.c4.8xlarge", 0, 0, 3), ["increase ml.c4.8xlarge --for endpoint --to 3"], []),
    (
        "quota-short",
        quota("for spot-training-job/ml.p3.2xlarge", 1, 1, 1),
        ["ml.p3.2xlarge --for spot-training --to 2"],
        [],
    ),
    (
        "quota-short",
        "The account-level service quota 'ml.c5.xlarge for transform job usage' is 2 Instances. Current utilization: 1 "
        "Instances. Request delta of 2 Instances was rejected.",
        ["--for transform --to 3"],
        [],
    ),
    (
        "quota-short",
        "The account-level service limit 'ml.c5.xlarge for transform job usage' is 2 Instances; in use are 2, the "
        "request delta is 4 instances",
        ["4 more needed"],
        [],
    ),
    ("quota-short", quota("'Total domains'", 5, 5, 1, unit="Domains") + " Only 5 Domains are supported.", ["only 5"], ["to 6"]),
    (
        "quota-short",
        quota("'Number of flying carpets'", 4, 4, 1, unit="Carpets"),
        ["Number of flying carpets", "Not all quotas are adjustable"],
        [r"\$ "],
    ),
    ("quota-short", quota("'ml.p4d.24xlarge for training job usage'", "1,000", "1,000", 24), ["--to 1024"], []),
    (
        "quota-short",
        "limit 'ml.p4d.24xlarge for training job usage' is 1.000 Instances",  # one, or a thousand?
        ["does not give its value", "quotas check ml.p4d.24xlarge --for training"],
        ["--to"],
    ),
    ("quota-short", "service limit 'ml.g5.4xlarge for training job usage' is 2", ["is 2 .*cut off"], ["--to"]),
    ("quota-short", "service limit 'Number of flying carpets' is 0", ["is 0,"], ["cut off"]),
    ("quota-short", "What is L-99AD19BF?", ["get-service-quota --service-code sagemaker"], ["desired-value"]),
    (
        "quota-short",
        CALL.format("ServiceQuotaExceededException", "CreateCluster", quota("'ml.m5.large for cluster usage'", 2, 2, 1)),
        ["--for cluster --to 3"],
        ["open requests"],
    ),
    ("ec2-quota", "You have requested more vCPU capacity than your current vCPU limit of 0 allows", ["EC2"], ["--to"]),
    # increases
    ("already-asked", CALL.format("QuotaExceededException", "RequestServiceQuotaIncrease", "You have already requested a quota increase for this quota"), ["requests --open"], ["--resume"]),
    ("no-applied-value", CALL.format("NoSuchResourceException", "GetServiceQuota", "The request failed because applied value for the specified context Id do not exist."), ["default"], []),
    ("no-such-quota", "reading Service Quotas Service Quota (sagemaker/L-0A1B2C3D): NoSuchResourceException: ", ["L-0A1B2C3D"], []),
    ("no-such-quota", "The request failed because the specified quota L-0A1B2C3D does not exist for service lambda.", [], [r"\$ "]),
    ("no-such-service", "The request failed because the specified service does not exist.", ["`sagemaker`"], []),
    # types, values, capacity
    (
        "value-refused",
        "1 validation error detected: Value 'ml.t2.micro' at 'instanceType' failed to satisfy constraint: Member must "
        "satisfy enum value set: [ml.t3.medium, ml.t2.medium, ml.m5.xlarge]",
        ["does not offer ml.t2.micro", "ml.t2.medium", "no increase helps"],
        ["--to"],
    ),
    (
        "value-refused",
        "Value 'pipe' at 'inputDataConfig.1.member.inputMode' failed to satisfy constraint: Member must satisfy enum "
        "value set: [Pipe, File]",
        ["'pipe' for inputDataConfig.1.member.inputMode"],
        ["instance type"],
    ),
    ("no-capacity", CALL.format("InsufficientInstanceCapacity", "RunInstances", "We currently do not have sufficient p3.2xlarge capacity"), ["No increase helps"], ["--to"]),
    ("no-capacity", "CapacityError: There is no Spot capacity available that matches your request.", ["No increase"], []),
    # permissions
    (
        "denied",
        "User: arn:aws:iam::111122223333:user/jane is not authorized to perform: iam:PassRole on resource: "
        "arn:aws:iam::111122223333:role/x because no identity-based policy allows the iam:PassRole action",
        ["iam:PassRole to arn:aws:iam::111122223333:user/jane", "sagemaker.amazonaws.com"],
        [],
    ),
    ("denied", "User: arn:aws:iam::1:user/x is not authorized to perform: sagemaker:CreateEndpoint with an explicit deny in a permissions boundary", ["explicit deny in a permissions boundary", "can lift it"], ["Allow sagemaker"]),
    ("denied", "User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/ds with an explicit deny in an identity-based policy", ["an identity-based policy"], ["Allow sts"]),
    ("denied", "not authorized to perform: sagemaker:ListEndpoints because no service control policy allows the sagemaker:ListEndpoints action", ["Whoever manages that policy"], []),
    ("denied", CALL.format("AccessDenied", "GetObject", "Access Denied"), ["s3:GetObject"], []),
    ("denied", CALL.format("403", "HeadObject", "Forbidden"), ["s3:GetObject"], []),
    ("role-not-assumed", CALL.format("ValidationException", "CreateTrainingJob", "Could not assume role arn:aws:iam::111122223333:role/team/ds. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com'."), ["get-role --role-name ds"], []),
    # credentials
    ("credentials", "Error when retrieving credentials from custom-process: okta: not found", ["custom-process"], []),
    ("credentials", "Partial credentials found in env, missing: AWS_ACCESS_KEY_ID", ["AWS_ACCESS_KEY_ID"], []),
    ("credentials", CALL.format("InvalidClientTokenId", "GetCallerIdentity", "The security token included in the request is invalid."), ["Region is not enabled"], []),
    ("credentials", CALL.format("ExpiredToken", "ListBuckets", "The provided token has expired."), ["expired"], []),
    ("sign-in", "Error loading SSO Token: Token for corp does not exist", ["aws sso login"], []),
    ("sign-in", CALL.format("ForbiddenException", "GetRoleCredentials", "No access"), ["no access"], ["has expired"]),
    ("profile", 'The source_profile "dev" referenced in the profile "prod" does not exist.', ["'dev'"], ["'prod'"]),
    ("no-region", "ValueError: Must setup local AWS configuration with a region supported by SageMaker.", ["Region"], []),
    ("region-not-enabled", CALL.format("OptInRequired", "ListEndpoints", "The AWS Access Key Id needs a subscription for the service"), ["not enabled"], []),
    ("signature", CALL.format("SignatureDoesNotMatch", "GetCallerIdentity", "The request signature we calculated does not match the signature you provided."), ["secret"], []),
    ("clock", CALL.format("InvalidSignatureException", "ListEndpoints", "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"), ["clock"], []),
    ("clock", CALL.format("RequestTimeTooSkewed", "ListBuckets", "The difference between the request time and the current time is too large."), ["clock"], []),
    # networks
    ("unreachable", 'Could not connect to the endpoint URL: "https://api.sagemaker.eu-wst-1.amazonaws.com/"', ["eu-wst-1' is not spelled"], []),
    ("unreachable", "ValueError: Invalid endpoint: localhost:4566", ["https:// or http://"], []),
    ("certificate", "SSL validation failed for https://api.sagemaker.us-east-1.amazonaws.com/ [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate", ["AWS_CA_BUNDLE", "api.sagemaker"], []),
    ("certificate", "OSError: Could not find a suitable TLS CA certificate bundle, invalid path: /etc/ssl/corp.pem", ["/etc/ssl/corp.pem"], []),
    ("proxy", 'Failed to connect to proxy URL: "http://me:secret@proxy.corp:3128"', ["proxy.corp", "HTTPS_PROXY"], ["secret"]),
    # notebooks
    ("lifecycle-script", "Notebook Instance Lifecycle Config 'arn:aws:sagemaker:us-east-1:123456789012:notebook-instance-lifecycle-config/setup' for Notebook Instance 'arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/lab' failed.", ["setup", "lab/LifecycleConfigOnStart"], ["5 minutes"]),
    ("git-clone", "fatal: Authentication failed for 'https://github.com/acme/x.git/'", ["https://github.com/acme/x.git"], []),
    ("no-such-notebook", CALL.format("ValidationException", "DescribeNotebookInstance", "RecordNotFound"), ["another Region"], []),
    # names
    ("no-such-resource", CALL.format("ValidationException", "DescribeEndpoint", 'Could not find endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/e".'), ["list-endpoints --region us-east-1"], []),
    ("name-taken", CALL.format("ValidationException", "CreateModel", 'Cannot create already existing model "arn:aws:sagemaker:us-east-1:111122223333:model/m".'), ["model 'm'"], []),
    ("wrong-region", "ARN should be scoped to correct region: us-west-2 (arn:aws:sagemaker:us-east-1:1:model-package/x)", ["us-west-2"], []),
    # jobs
    ("s3-data", "Could not access model data at s3://sagemaker-us-east-1-1/m.tar.gz. Also ensure that the object is located in eu-west-1.", ["has to be in eu-west-1", "ls s3://sagemaker-us-east-1-1/m.tar.gz"], ["has to be in us-east-1"]),
    ("container-image", CALL.format("ValidationException", "CreateModel", "Requested image 111122223333.dkr.ecr.us-east-1.amazonaws.com/x:9 not found."), ["image"], []),
    ("training-data", "ClientError: Non-numeric value 'True' found in the header line", ["'True'", "not a quota"], []),
    ("hyperparameters", "ClientError: Additional hyperparameters are not allowed ('num_rounds' was unexpected)", ["'num_rounds'"], []),
    ("hyperparameters", "No value(s) were specified for 'k' which are required hyperparameter(s)", ["'k' is required"], []),
    ("health-check", "Error hosting endpoint boston: Failed. Reason: The primary container for production variant AllTraffic did not pass the ping health check.", ["/aws/sagemaker/Endpoints/boston"], []),
    ("out-of-memory", "Error for Training job a-1: Failed. Reason: AlgorithmError: OutOfMemoryError", ["TrainingJobs --log-stream-name-prefix a-1"], []),
    ("time-limit", "MaxRuntimeExceeded", ["time was up"], []),
    ("job-failed", "UnexpectedStatusException: Error for Processing job p-1: Failed. Reason: AlgorithmError: See job logs", ["processing job p-1", "ProcessingJobs"], []),
    # what nobody knows, whole: what it is, and where its reason stands
    ("aws-refused", CALL.format("ValidationException", "CreateModel", "Nobody has seen these words."), ["CreateModel failed with ValidationException", "The reason is"], []),
    ("aws-refused", "ConflictException (Service: AmazonSageMaker; Status Code: 400; Error Code: ConflictException; Request ID: 1)", ["in use"], []),
    ("aws-refused", 'operation error SageMaker: CreateX, api error TeapotException: short and stout', ["TeapotException"], []),
    ("aws-refused", CALL.format("ResourceLimitExceeded", "CreateModel", "Too many."), ["a quota or limit"], ["--to"]),
    ("aws-refused", CALL.format("ModelError", "InvokeEndpoint", "Received server error (500) group=/aws/sagemaker/Endpoints/boston in account 1"), ["logs tail /aws/sagemaker/Endpoints/boston "], []),
    ("aws-refused", CALL.format("ResourceInUse", "DeleteDomain", "Unable to delete Domain arn:aws:sagemaker:us-east-1:1:domain/d because UserProfile(s) are associated with it."), ["in use"], ["name is taken"]),
    ("aws-refused", "DependencyAccessDeniedException: no", ["DependencyAccessDeniedException"], []),
    ("hyperparameters", "Failed to validate input data configuration. (caused by ValidationError) Additional properties are not allowed ('training' was unexpected)", ["no input channel 'training'"], ["hyperparameter"]),
    ("training-data", "XGBoostError: label must be in [0,1] for logistic regression", ["target"], []),
    ("s3-data", "ClientError: Data download failed:Failed to download data. s3:GetObject AccessDenied: Access Denied", ["s3:GetObject"], []),
    ("container-image", "Could not access image 111122223333.dkr.ecr.us-east-1.amazonaws.com/x:latest.", ["image"], []),
    ("job-failed", "Failed. Reason: The model data archive is too large.", ["log|CloudWatch"], []),
    ("credentials", "Error: No valid credential sources found", ["credentials"], []),
    ("credentials", "api error InvalidIdentityToken: No OpenIDConnect provider found in your account", ["credentials"], []),
    ("ec2-quota", "Your quota allows for 0 more running instance(s). You requested at least 1", ["EC2"], ["--to"]),
    ("aws-refused", "Parameter validation failed: Invalid type for parameter ResourceConfig.InstanceCount", ["ParamValidationError"], []),
    ("notebook-status", "Unable to transition to (Stopping) for Notebook Instance (arn:aws:sagemaker:us-east-1:1:notebook-instance/nb). Status (Stopped) not in ([InService])", ["nb in us-east-1 is Stopped", "off already"], []),
    ("library-change", "ImportError: cannot import name 'get_execution_role' from 'sagemaker'", ["SDK"], []),
    ("throttled", CALL.format("ThrottlingException", "X", "Rate exceeded"), ["slow down"], []),
]  # fmt: skip
