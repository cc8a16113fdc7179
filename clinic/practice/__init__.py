"""The practice's own data: patients taken in from an export, and a practice made up for trying out."""
