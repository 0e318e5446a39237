"""Settings out of AWS Secrets Manager, for operators who keep them there (extra `aws`)."""

from __future__ import annotations

import json


class SecretsUnreadable(Exception):
    """AWS Secrets Manager did not give a JSON object of names and texts."""


def fetch_secrets(secret_id: str) -> dict[str, str]:
    """The names and values of one secret; the process's own variables win over them."""
    try:
        import boto3
        import botocore.exceptions
    except ImportError as err:
        message = "MINGUS_AWS_SECRET_ID is set but boto3 is not installed: pip install 'mingus[aws]'"
        raise SecretsUnreadable(message) from err
    try:
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=secret_id)
        values = json.loads(answer["SecretString"])
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, KeyError, ValueError) as err:
        message = (
            f"MINGUS_AWS_SECRET_ID: cannot be read ({type(err).__name__}). Check the name, region and rights."
        )
        raise SecretsUnreadable(message) from err
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        message = "MINGUS_AWS_SECRET_ID: the secret must be a JSON object of names and texts."
        raise SecretsUnreadable(message)
    return values
