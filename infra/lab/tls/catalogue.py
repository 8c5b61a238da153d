"""Every server of the lab, with the grade that the guide (2009r) gives it by hand."""

from infra.lab.tls import catalogue_chains, catalogue_faults, catalogue_suites, catalogue_versions
from infra.lab.tls.case import Plan

PLANS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        *catalogue_versions.PLANS, *catalogue_suites.PLANS, *catalogue_chains.PLANS, *catalogue_faults.PLANS,
    )
}  # fmt: skip
