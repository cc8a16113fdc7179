"""The practice's own data: patients imported from an export, and a synthetic practice for trying out."""
