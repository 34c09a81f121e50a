"""The cloud account the portal buys with, made from the settings once per process."""

from functools import cache
from ssl import SSLContext

from django.conf import settings

from orders.cloud.account import Account
from orders.cloud.auth import AccessKey, Authentication
from orders.cloud.calls import Timeouts
from orders.cloud.errors import BadEndpoint, CredentialsRefused
from orders.cloud.iam import Token
from orders.cloud.secret import Secret
from orders.cloud.transport import tls_context


@cache
def current_account() -> Account:
    """Raises NotSent where credentials or the CA bundle are missing: then nothing can be sent."""
    cloud = settings.CLOUD
    try:
        tls = tls_context(cloud.cloud_ca_bundle)
    except OSError as error:  # ssl.SSLError is one
        raise BadEndpoint("The CA bundle cannot be used.") from error
    return Account(
        endpoints=cloud.endpoints,
        project_id=cloud.cloud_project_id,
        domain_id=cloud.cloud_domain_id,
        authentication=_authentication(tls),
        timeouts=_timeouts(),
        tls=tls,
    )


def _timeouts() -> Timeouts:
    cloud = settings.CLOUD
    return Timeouts(connect=cloud.cloud_connect_timeout, read=cloud.cloud_read_timeout, total=cloud.cloud_deadline)


def _authentication(tls: SSLContext) -> Authentication:
    """AK/SK where given, else an IAM user's token (contract D)."""
    cloud = settings.CLOUD
    if cloud.cloud_sdk_ak and cloud.cloud_sdk_sk:
        return AccessKey(
            ak=cloud.cloud_sdk_ak,
            sk=Secret(cloud.cloud_sdk_sk.get_secret_value()),
            project_id=cloud.cloud_project_id,
            domain_id=cloud.cloud_domain_id,
        )
    if cloud.cloud_iam_user and cloud.cloud_iam_password:
        return Token(
            origin=cloud.endpoints["iam"],
            user=cloud.cloud_iam_user,
            password=Secret(cloud.cloud_iam_password.get_secret_value()),
            domain=cloud.cloud_iam_domain,
            project_id=cloud.cloud_project_id,
            timeouts=_timeouts(),
            tls=tls,
        )
    raise CredentialsRefused("no credentials are configured")
