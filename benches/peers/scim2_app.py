"""scim2-server on its bundled storage, run by waitress: a WSGI server for production.

One process with threads, since the storage is that process's memory.
"""

import logging
import sys

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)
from waitress import serve

port, key = sys.argv[1:]
config = load_default_service_provider_config()
config.authentication_schemes = [*(config.authentication_schemes or []), BEARER_TOKEN_SCHEME]
provider = ScimProvider.from_discovery(
    load_default_schemas().values(), load_default_resource_types().values(), config=config
)
service = ScimService(provider, secret="a secret for cursors, which nobody asks for here")
application = BearerTokenApplication(
    InMemoryStorage(), provider, service=service, bearer_tokens=[key]
)
# It would say of every request that others wait before it.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
serve(application, host="127.0.0.1", port=int(port), threads=8, ident=None)
