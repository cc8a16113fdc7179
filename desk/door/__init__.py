"""The door of patients: what a message leads to. It knows no task, no flow and nothing of the staff's pages."""
