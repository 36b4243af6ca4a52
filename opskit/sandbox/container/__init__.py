"""What runs inside a job: the built-in XGBoost algorithm, in a process of its own, over an ``/opt/ml``-shaped folder.

Nothing here knows the sandbox. As in AWS's container, the input is files and the output is files, log lines on
standard output, and an exit code.
"""
