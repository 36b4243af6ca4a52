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
        "Of the user who started it, and of root, any credentials are let in; of everybody else on the machine, and "
        "where the system does not tell whose a connection is (only Linux does), the access key that the sandbox "
        "printed or one that it issued. The printed one is kept in the user's state folder. Signatures are not "
        "verified. IAM policies are kept but not enforced: everybody may do all that --deny does not "
        "name, and SimulatePrincipalPolicy says the same of every principal.",
    ),
    Difference(
        "Account", "What --deny names is refused for every resource, and an S3 bucket's settings by few of their names."
    ),
    Difference("Account", "Of AWS's managed policies those for SageMaker, S3, CloudWatch and the like are there."),
    Difference(
        "Account",
        "A service-linked role that is passed is refused as one that cannot be assumed; AWS's own text is not known.",
    ),
    Difference("Account", "Everything is gone when the sandbox ends."),
    Difference(
        "Rates",
        "Of Service Quotas, ListTrainingJobs, STS, CloudWatch's metrics and logs, and sns:Publish the rates are those "
        "that AWS publishes or that were measured. All others are guesses: 10 calls a second and 10 at once an "
        "operation and Region, ListTags 5. S3 and the invocation of endpoints are not throttled.",
    ),
    Difference(
        "Lag",
        "What lags and for how long is guessed from what clients work around: Search's index always, and in one case "
        "of ten what follows a notebook's creation or start, CreateEndpoint after CreateEndpointConfig, and ListTags "
        "after a change. Search never finds what was deleted meanwhile.",
    ),
    Difference(
        "Lists",
        "SageMaker's lists cut a page before they filter it, whatever the filter. AWS says so of the status of "
        "training jobs, and it was seen of others.",
    ),
    Difference(
        "Service Quotas",
        "Only SageMaker has quotas: 350 of the 1,500 to 2,300 of a real account. Other services are unknown.",
    ),
    Difference(
        "Service Quotas",
        "Quota values are the scenario's. Where nobody published a quota's code, the code is made up.",
    ),
    Difference(
        "Service Quotas",
        "An increase is decided after --approve-after, which AWS takes minutes to days for: up to 20 it is "
        "approved, up to 1,000 too unless the support case was ruled out, above that denied.",
    ),
    Difference(
        "Service Quotas",
        "Two increases may be open a Region and 20 an account. AWS's texts name both numbers, not always for "
        "the same accounts.",
    ),
    Difference(
        "Service Quotas",
        "The utilisation report has the ml.* quotas in it. Whether AWS's has them is not known.",
    ),
    Difference("Service Quotas", "Request templates and automatic management are not there."),
    Difference(
        "Notebook instances",
        'Where a scenario\'s notebook is idle or busy "for hours", the kernels, sessions and terminals are real, but '
        "the activity that Jupyter and its log recorded is set back once at the start. New work moves it as ever.",
    ),
    Difference(
        "Notebook instances",
        "Jupyter answers on http://127.0.0.1 and a port that changes with every start, not on https://NAME.notebook."
        "REGION.sagemaker.aws; the session's cookie is called authToken-PORT. No VPC shuts it in.",
    ),
    Difference(
        "Notebook instances",
        "A used or expired presigned URL leads to a bare sign-in page in the place of the AWS console's. The text "
        "CreatePresignedNotebookInstanceUrl refuses a stopped notebook with is not known from AWS.",
    ),
    Difference(
        "Notebook instances",
        "They are ready in seconds, run this machine's Python as this user, whatever the instance type and volume "
        "size, and have the plain Jupyter server: no JupyterLab, no conda kernels, no SageMaker images.",
    ),
    Difference(
        "Notebook instances",
        "Of lifecycle configurations the OnStart script runs, as this machine's user and without a limit of time. What "
        "it says goes to the stream NAME/LifecycleConfigOnStart; AWS's FailureReason where it fails is not known.",
    ),
    Difference(
        "Notebook instances",
        "Code repositories are cloned by this machine's git, without the credentials of their secrets; file:// and "
        "http://127.0.0.1 are taken beside https. The FailureReason where it cannot is git's, not AWS's.",
    ),
    Difference(
        "Notebook instances",
        "Each sees only its own processes where this machine's kernel allows it; elsewhere its ps shows only those. "
        "Its nvidia-smi shows one GPU for ml.p* and ml.g*, as busy as the file instance/gpus of its folder says.",
    ),
    Difference(
        "Notebook instances",
        "What AWS does now and then, a tag asks for: opskit-sandbox:start=late|lost|never (a start that was answered "
        "with success is seen late, does not take, or never takes), opskit-sandbox:create=late (not found for 3 s), "
        "opskit-sandbox:maintenance=PendingMaintenance|InMaintenance in the place of InService. AWS does not say "
        "what the two allow: here the first allows what InService does, the second neither a URL nor a stop.",
    ),
    Difference("Notebook instances", "A Jupyter that was killed is not started again: the notebook stays InService."),
    Difference(
        "Jobs",
        "One image alone is there: AWS's built-in XGBoost in its algorithm mode, whatever its tag, run by the xgboost "
        "installed here with one thread. Jobs and endpoints of any other image, of a script or of an algorithm "
        "resource fail and say so.",
    ),
    Difference(
        "Jobs",
        "They start within a second and train at this machine's speed, whatever the instance type. Several instances "
        "count against quotas, but one process does the work with all of the data, also where it is to be sharded.",
    ),
    Difference(
        "Jobs",
        "Models start from base_score 0.5, as up to xgboost 1.7; early stopping keeps the best round's model; "
        "gpu_hist trains as hist. There is no _kfold cross-validation. FailureReason has the container's message "
        "without its Python traceback.",
    ),
    Difference(
        "Jobs",
        "Channels are CSV or libsvm in S3: no Parquet, RecordIO, augmented manifests, EFS or FSx. Pipe and FastFile "
        "channels are downloaded as File ones are. Buckets of every Region can be read.",
    ),
    Difference(
        "Jobs",
        "A CSV header always fails the job, in the words of the first image. What the later ones make of it is not "
        "known.",
    ),
    Difference(
        "Jobs",
        "Spot jobs are never interrupted, and checkpoints, debugger rules, profilers, TensorBoard, experiments, VPCs "
        "and encryption keys are accepted and then ignored.",
    ),
    Difference(
        "Jobs",
        "Warm pools are kept after a job that completed or was stopped, never after one that failed, and their "
        "instances start no faster. What else ends a pool at AWS, such as a patch, does not happen.",
    ),
    Difference(
        "Jobs",
        "Of several instance types (InstancePreferences, an endpoint's InstancePools) the first is always taken, since "
        "the sandbox never lacks capacity. Each type of a list has to fit its quota; whether AWS wants that of pools "
        "too is not known.",
    ),
    Difference(
        "Jobs",
        "Processing jobs have to fit their quotas, hold them for a second and fail, because no container "
        "of theirs runs. Tuning jobs have to fit as well, and are then moto's: records that are complete at once, with "
        "made-up results. Debugger and profiler rules have to fit where they name an instance type.",
    ),
    Difference(
        "Jobs",
        "What --history says ran before was always one instance of three types, and nothing of it is in S3 or logs.",
    ),
    Difference("Studio", "There are no domains with apps in them: ListApps is empty."),
    Difference("Jobs", "StopTrainingJob gives the algorithm three seconds to save its model, AWS two minutes."),
    Difference(
        "Transform jobs",
        "Input is split by Line or not at all, and the filters of DataProcessing pick columns of CSV records alone.",
    ),
    Difference(
        "Endpoints",
        "Each variant is one process, also where several instances are asked for; a serverless one stays started. "
        "Data capture, autoscaling, shadow variants, asynchronous and streamed invocation, inference components and "
        "pipelines of containers are not there.",
    ),
    Difference(
        "Endpoints",
        "An update counts the instances of both configurations until it is done. Which counts AWS takes is not known.",
    ),
    Difference(
        "Search",
        "Search finds training jobs and endpoints; other resources are moto's.",
    ),
)
