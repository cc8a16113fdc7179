"""
What is wrong with an installation, told before a patient or a manager notices.

    facts ─► judge ─► findings ─► cohort health, /metrics, an event when one begins or ends

Facts are observed (record_facts, probes, and tasks/health.py for what Prefect knows); the judgement knows
neither database nor network. No fact and no finding holds anything of a patient.
"""
