"""Python reads this at its start. LocalStack uses warnings.deprecated, which Python 3.12 does not have yet."""

import warnings

if not hasattr(warnings, "deprecated"):
    from typing_extensions import deprecated

    warnings.deprecated = deprecated
