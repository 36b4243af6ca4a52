"""The real Jupyter server behind an InService notebook instance.

``launch`` and ``tickets`` run in the sandbox, which never imports Jupyter; ``serve``, ``entrance``
and ``past`` run in the process of the notebook.
"""
