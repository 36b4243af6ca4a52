"""The real Jupyter server behind an InService notebook instance.

``launch`` and ``presigned_tokens`` run in the sandbox, which never imports Jupyter; ``serve``, ``auth``
and ``backdate`` run in the process of the notebook.
"""
