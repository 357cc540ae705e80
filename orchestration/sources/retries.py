"""The one retry library, told to log like everything else: by itself it prints where structlog is installed."""

import stamina
from stamina.instrumentation import LoggingOnRetryHook, set_on_retry_hooks

set_on_retry_hooks([LoggingOnRetryHook])

Attempt = stamina.Attempt
retry_context = stamina.retry_context
