"""How schemathesis makes what a schema cannot say."""

import schemathesis
from hypothesis import strategies

# Tokens come from earlier answers; the one that everybody has asks for the first page.
schemathesis.openapi.format("token", strategies.just(""))
# Of these, a schema cannot tell the right ones from the others.
schemathesis.openapi.format("quiet-hours", strategies.sampled_from(["08:00-17:00", "Mon-Fri 08:00-17:00"]))
schemathesis.openapi.format("off-peak-hours", strategies.sampled_from(["22:00-06:00", "Sat,Sun 00:00-24:00"]))
schemathesis.openapi.format("time-zone", strategies.sampled_from(["", "Europe/Berlin"]))
