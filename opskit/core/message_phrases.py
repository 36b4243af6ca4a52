"""Phrases of opskit's own messages that `opskit quotas explain` recognises when they are pasted. The code that writes
such a message takes the phrase from here, so that a rewording cannot break the recognition.
"""

from __future__ import annotations

THROTTLED = "AWS asks to slow down"
ACCESS_DENIED = "You may not call"
CREDENTIALS_REFUSED = "AWS does not accept your credentials"
NO_CREDENTIALS = "AWS credentials"
SIGN_IN_NEEDED = "AWS sign-in"
MFA_CODE_NEEDED = "asks for an MFA code"
ROLE_NOT_ASSUMED = "could not be assumed"
UNTRUSTED_CERTIFICATE = "This machine does not trust the certificate of"
PROXY_REFUSED = "The connection was refused by the proxy"
PROXY_NOT_REACHED = "The proxy could not be reached"
BAD_ENDPOINT = "The endpoint URL that is set is not one"
REGION_NOT_ENABLED = "is not enabled for your account"
CLOCK_IS_OFF = "This machine's clock is"
NOT_REACHED = "could not be reached"
NO_ANSWER_WITHIN = "gave no answer within"

NO_OPEN_REQUESTS = "AWS accepts no more open requests for now"
NO_OPEN_CASES = "AWS Support accepts no more open cases for now"
QUOTA_NOT_ADJUSTABLE = "AWS says that this quota is not adjustable"
ABOVE_DEFAULT = "Service Quotas takes only values above the default"
NO_PLAN = "The account has no paid AWS Support plan, and the Support API needs one."

TYPE_NOT_OFFERED = "does not offer {type} for {usage}"
NO_CAPACITY = "AWS has none of these instances free now"
