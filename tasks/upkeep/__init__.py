"""Work that keeps an installation in order: late approvals, copies that are due."""
