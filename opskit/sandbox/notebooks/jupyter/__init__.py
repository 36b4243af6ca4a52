"""The real Jupyter server behind an InService notebook instance.

``launch`` runs in the sandbox, which never imports Jupyter; ``serve``, ``auth`` and ``backdate`` run in the process of
the notebook. Both know ``start_orders`` and ``presigned_tokens``.
"""
