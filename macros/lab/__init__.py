"""The lab: what runs a topic's app inside the page, built from pinned packages."""
