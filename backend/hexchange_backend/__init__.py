"""The public index of the market: database, REST API and pages; holds no key."""
