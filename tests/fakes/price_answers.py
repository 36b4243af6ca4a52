"""What the Price List API answers for what bills in tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PRICES = {
    ("Notebook", "ml.t3.medium"): "0.05",
    ("Hosting", "ml.m5.xlarge"): "0.23",
    ("Hosting", "ml.g5.xlarge"): "1.41",
    ("AsyncInf", "ml.m5.xlarge"): "0.24",
    ("Training", "ml.m5.xlarge"): "0.25",
    ("BatchTransform", "ml.m5.xlarge"): "0.26",
    ("Processing", "ml.m5.xlarge"): "0.27",
    ("Studio-JupyterLab", "ml.t3.medium"): "0.06",
    ("studio-codeeditor", "ml.t3.medium"): "0.07",
    ("Cluster", "ml.p4d.24xlarge"): "30",
}
"""USD per hour."""
USAGE_PRICES = {
    ("Storage", "USE1-Notebk:VolumeUsage.gp2", "GB-Mo"): "0.14",
    ("Storage", "USE1-UnifiedStudio:VolumeUsage.gp3", "GB-Mo"): "9",
    ("Storage", "USE1-Studio:VolumeUsage.gp3", "GB-Mo"): "0.112",
    ("Storage", "USE1-Notebk:VolumeUsage.gp2", "IOPS-Mo"): "7",
    ("ML Serverless", "USE1-ProvisionedConcurrency:Mem-2GB", "seconds"): "0.00001",
    ("ML Serverless", "USE1-ProvisionedConcurrency:Usage-2GB", "seconds"): "0.5",
    ("ML Serverless", "USE1-ServerlessInf:Mem-2GB", "seconds"): "0.6",
}


def price_list(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The products that GetProducts is asked for: among them one for nothing, as AWS lists free tiers."""
    wanted = {rule["Field"]: rule["Value"] for rule in asked["Filters"]}
    if family := wanted.get("productFamily"):
        found = [
            _product(usd, unit, usagetype=usage)
            for (named, usage, unit), usd in USAGE_PRICES.items()
            if named == family and wanted["regionCode"] == "us-east-1"
        ]
    else:
        found = [
            _product(each, "Hrs", platoinstancetype=component, instanceName=instance_type)
            for (component, instance_type), usd in PRICES.items()
            # Not all products have the same attributes.
            if instance_type == wanted.get("instanceType" if component.lower().startswith("studio") else "instanceName")
            for each in (usd, "0.0000000000")
        ]
    return {"PriceList": [json.dumps(product) for product in found]}


def priced_products(asked: Mapping[str, Any], prices: Mapping[str, str]) -> dict[str, Any]:
    """The answer of a price list that has these types for every use, in USD per hour."""
    wanted = {rule["Field"]: rule["Value"] for rule in asked["Filters"]}
    found = [
        _product(usd, "Hrs", platoinstancetype=component, component=component, instanceName=instance_type)
        for component in ("Notebook", "Hosting", "AsyncInf", "Training", "BatchTransform")
        for instance_type, usd in prices.items()
        if instance_type == wanted.get("instanceName")
    ]
    return {"PriceList": [json.dumps(product) for product in found]}


def _product(usd: str, unit: str, **attributes: str) -> dict[str, Any]:
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
    return {
        "product": {"attributes": attributes},
        "terms": {"OnDemand": {"t": {"priceDimensions": {"d": dimension}}}},
    }
