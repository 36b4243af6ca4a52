"""What is not like AWS, in one list, so that nobody has to find it out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One thing that AWS does otherwise: where, and what."""

    area: str
    text: str


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "Account",
        "Any credentials are accepted from the user who started the sandbox, and from root. Other users of the "
        "machine, and all users where the operating system does not report who opened a connection (only Linux "
        "does), need the access key that the sandbox printed, or one that it issued. The printed key is stored in "
        "the user's state folder. Signatures are not verified. IAM policies are stored but not enforced: every "
        "caller may do everything that --deny does not name and that the policy of --policy allows, and "
        "SimulatePrincipalPolicy reports the same for every principal. Of conditions it knows StringEquals, "
        "StringLike, Null and ForAllValues, and the keys that the policies of opskit use.",
    ),
    Difference(
        "Account",
        "What --deny names is denied for every resource. Some of the actions for the settings of S3 buckets cannot "
        "be denied.",
    ),
    Difference(
        "Account",
        "A call in a Region that AWS does not have ends without a response. There, the name of its host is not found.",
    ),
    Difference(
        "Account",
        "The only AWS managed policies are those for SageMaker, S3, CloudWatch and similar services.",
    ),
    Difference(
        "Account",
        "A service-linked role that is passed is refused as a role that cannot be assumed. AWS's own error text is "
        "not known.",
    ),
    Difference("Account", "Everything is deleted when the sandbox ends."),
    Difference(
        "Rates",
        "The rates of Service Quotas, ListTrainingJobs, STS, CloudWatch metrics and logs, and sns:Publish are those "
        "that AWS publishes or that were measured. All others are estimates: 10 calls per second with a burst of "
        "10, per operation and Region; for ListTags 5. S3 and InvokeEndpoint are not throttled.",
    ),
    Difference(
        "Lag",
        "Which reads lag, and for how long, is estimated from the workarounds in other clients. The index of Search "
        "always lags. In one case of ten, so do reads after a notebook is created or started, CreateEndpoint after "
        "CreateEndpointConfig, and ListTags after a change. Search never returns a resource that was deleted in the "
        "meantime.",
    ),
    Difference(
        "Tags",
        "Tags with which a lifecycle configuration, or another resource that is only recorded, is created are lost; "
        "those of AddTags are kept. ListTags lists none for an ARN of nothing that exists.",
    ),
    Difference(
        "Studio and others",
        "Spaces and apps of Studio, labeling jobs, MLflow tracking servers and apps, and partner AI apps are records: "
        "nothing runs behind them, no quota counts them, and they are in service at once. There are no domains and "
        "user profiles, and training plans cannot be bought.",
    ),
    Difference(
        "CloudTrail",
        "LookupEvents returns only SageMaker calls that change something and that a client of the sandbox sent, some "
        "seconds later (in AWS some minutes), and names no resources. Other operations are moto's.",
    ),
    Difference(
        "Lists",
        "SageMaker's list operations cut a page before they filter it, for every filter. AWS documents this for the "
        "status of training jobs; for others it was observed.",
    ),
    Difference(
        "Service Quotas",
        "Only SageMaker has quotas: 350 of the 1,500 to 2,300 of a real account. Other services are unknown.",
    ),
    Difference(
        "Service Quotas",
        "The quota values are those of the scenario. Where the code of a quota is not published, it is made up.",
    ),
    Difference(
        "Service Quotas",
        "An increase is decided after --approve-after, while AWS takes minutes to days. Values up to 20 are "
        "approved, values up to 1,000 too unless a support case was ruled out, higher ones are denied.",
    ),
    Difference(
        "Service Quotas",
        "Two increases may be open per Region, and 20 per account. AWS's documentation names both numbers, not "
        "always for the same accounts.",
    ),
    Difference(
        "Service Quotas",
        "The utilization report contains the ml.* quotas. Whether AWS's report does is not known.",
    ),
    Difference("Service Quotas", "There are no request templates, and there is no automatic management."),
    Difference(
        "Notebook instances",
        'Where a notebook of a scenario has been idle or busy "for hours", its kernels, sessions and terminals are '
        "real, but the activity times that Jupyter and its log recorded are set back once at the start. New "
        "activity updates them as usual.",
    ),
    Difference(
        "Notebook instances",
        "The address of Jupyter is http://127.0.0.1 with a port that changes at every start, not "
        "https://NAME.notebook.REGION.sagemaker.aws. The session cookie is named authToken-PORT. No VPC restricts "
        "access.",
    ),
    Difference(
        "Notebook instances",
        "CreateNotebookInstance and UpdateNotebookInstance are refused above the quota of all EBS volumes. Its value, "
        "100 GB, and the unit in the error's text are guesses.",
    ),
    Difference(
        "Notebook instances",
        "A used or expired presigned URL leads to a plain sign-in page instead of the AWS console's. AWS's error "
        "text of CreatePresignedNotebookInstanceUrl for a stopped notebook is not known.",
    ),
    Difference(
        "Notebook instances",
        "They are ready in seconds and run this machine's Python as the current user, whatever the instance type "
        "and volume size. They have the plain Jupyter server: no JupyterLab, no conda kernels, no SageMaker images.",
    ),
    Difference(
        "Notebook instances",
        "Of a lifecycle configuration only the OnStart script runs, as the current user of this machine and without "
        "a time limit. Its output goes to the log stream NAME/LifecycleConfigOnStart. AWS's FailureReason of a "
        "failed script is not known.",
    ),
    Difference(
        "Notebook instances",
        "Code repositories are cloned by this machine's git, without the credentials in their secrets. Besides "
        "https, file:// and http://127.0.0.1 are accepted. The FailureReason of a failed clone is git's text, not "
        "AWS's.",
    ),
    Difference(
        "Notebook instances",
        "A notebook sees only its own processes, if this machine's kernel allows that; otherwise only its ps is "
        "limited to them. Its nvidia-smi shows one GPU for ml.p* and ml.g*, with the utilization in the file "
        "instance/gpus of its folder.",
    ),
    Difference(
        "Notebook instances",
        "Rare behaviour of AWS is requested with a tag: opskit-sandbox:start=late|lost|never (a successful start "
        "shows late, has no effect, or never has one), opskit-sandbox:create=late (not found for 3 s), "
        "opskit-sandbox:maintenance=PendingMaintenance|InMaintenance instead of InService. AWS does not document "
        "what these two states allow: here the first allows what InService does, the second allows neither a "
        "presigned URL nor a stop.",
    ),
    Difference(
        "Notebook instances",
        "A Jupyter server that was killed is not restarted: the notebook stays InService.",
    ),
    Difference(
        "Jobs",
        "There is one image only: AWS's built-in XGBoost in algorithm mode, whatever its tag, run by the locally "
        "installed xgboost with one thread. Jobs and endpoints of any other image, of a script or of an algorithm "
        "resource fail, and say so.",
    ),
    Difference(
        "Jobs",
        "They start within a second and run at this machine's speed, whatever the instance type. Several instances "
        "count against quotas, but one process does the work with all of the data, even if it is to be sharded.",
    ),
    Difference(
        "Jobs",
        "Models start from base_score 0.5, as up to xgboost 1.7. Early stopping returns the model of the best "
        "round. gpu_hist trains as hist. There is no _kfold cross-validation. FailureReason contains the "
        "container's message without its Python traceback.",
    ),
    Difference(
        "Jobs",
        "Channels are CSV or libsvm in S3: no Parquet, RecordIO, augmented manifests, EFS or FSx. Pipe and FastFile "
        "channels are downloaded like File channels. Buckets of every Region can be read.",
    ),
    Difference(
        "Jobs",
        "A CSV header always fails the job, with the error text of the first image version. What later versions do "
        "is not known.",
    ),
    Difference(
        "Jobs",
        "Spot jobs are never interrupted. Checkpoints, debugger rules, profilers, TensorBoard, experiments, VPCs "
        "and encryption keys are accepted and ignored.",
    ),
    Difference(
        "Jobs",
        "Warm pools are kept after a job that completed or was stopped, never after one that failed, and their "
        "instances do not start faster. Other events that end a warm pool at AWS, such as a patch, do not happen.",
    ),
    Difference(
        "Jobs",
        "Of several instance types (InstancePreferences, or InstancePools of an endpoint) the first is always used, "
        "because the sandbox never lacks capacity. Each type in a list has to fit its quota; whether AWS requires "
        "that for InstancePools too is not known.",
    ),
    Difference(
        "Jobs",
        "Processing jobs have to fit their quotas, use them for a second, and fail, because their containers do not "
        "run. Tuning jobs have to fit as well; then they are moto's: records that are complete at once, with "
        "made-up results. Debugger and profiler rules have to fit if they name an instance type.",
    ),
    Difference(
        "Jobs",
        "The jobs that --history adds used one instance of one of three types each, and left nothing in S3 or in logs.",
    ),
    Difference(
        "Jobs",
        "StopTrainingJob gives the algorithm three seconds to save its model; AWS gives it two minutes.",
    ),
    Difference(
        "Transform jobs",
        "Input is split by Line or not at all, and the filters of DataProcessing select columns of CSV records only.",
    ),
    Difference(
        "Endpoints",
        "Each variant is one process, even if several instances are requested. A serverless variant stays started. "
        "There is no data capture, autoscaling, shadow variant, asynchronous or streamed invocation, or pipeline of "
        "containers. An asynchronous endpoint and inference components are records: nothing predicts behind them.",
    ),
    Difference(
        "Endpoints",
        "An update counts the instances of both configurations until it is done. Which of them AWS counts is not "
        "known.",
    ),
    Difference(
        "Endpoints",
        "DeregisterScalableTarget leaves the scaling policies and scheduled actions of the target, which AWS deletes.",
    ),
    Difference("Search", "Search finds training jobs and endpoints; other resources are moto's."),
)
